"""What the family `tokens` adds to an evaluation, its pages and the benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reverie.engine.tokens.model import model_of
from reverie.evaluation.families import Family, Headline
from reverie.evaluation.pages.table import Column, Entry, digits, figure, number, share
from reverie.evaluation.sizes import BranchSizes
from reverie.evaluation.tokens.ceiling import changed_token_ceiling
from reverie.evaluation.tokens.frame_figures import TokenFigures
from reverie.evaluation.tokens.teacher import TokenTeacher

if TYPE_CHECKING:
    from reverie.engine.manifest import Manifest
    from reverie.evaluation.progress import Progress
    from reverie.evaluation.subjects.bundle_subject import BundleSubject
    from reverie.evaluation.subjects.truth import Truth

COPY_LAST = figure("copy-last", "copy_last_accuracy")
CHANGED = Column("**changed tokens right**", lambda e: f"**{share(e['changed_token_accuracy'])}**")
CEILING = Column(
    "ceiling",
    lambda e: share(e["changed_token_ceiling_ar"] if e["mode"] == "ar" else e["changed_token_ceiling"]),
)


class Tokens(Family):
    """Frames are tokens: codes out of a vocabulary."""

    trunk = "dynamics"
    counts = frozenset({"changed_tokens", "ceiling_moments"})
    headline = Headline("changed_token_accuracy", "changed tokens right")
    one_step = (
        figure("tokens right", "token_accuracy"),
        COPY_LAST,
        CHANGED,
        CEILING,
        figure("bits a token", "token_nll_bits", write=digits(4)),
        figure("vocabulary", "vocabulary", write=digits(0)),
    )
    picture = (
        Column("flicker", lambda e: share(e["token_flicker"], 2)),
        Column("codes used", lambda e: f"{number(e['codebook_used'], 0)} of {e['vocabulary']}"),
        figure("perplexity", "codebook_perplexity", write=digits(1)),
    )
    compared = (COPY_LAST, CHANGED, CEILING)
    size = (figure("codes", "vocabulary", write=digits(0)),)

    def teacher(self, subject: BundleSubject, batch: int) -> TokenTeacher:
        """See Family."""
        return TokenTeacher(subject, batch)

    def facts(self, subject: BundleSubject) -> dict[str, Any]:
        """passes: of the parallel mode, None in ar mode. steps: of the diffusion decoder, None with another."""
        settings = subject.settings
        return {
            "passes": settings.get("passes", 1) if subject.mode == "parallel" else None,
            "steps": settings["steps"] if subject.decoder == "diffusion" else None,
        }

    def frame_figures(self, subject: BundleSubject) -> TokenFigures:
        """See Family."""
        model = model_of(subject.bundle.manifest)
        return TokenFigures(model.grids, model.vocabulary)

    def branched(
        self, subject: BundleSubject, truth: Truth | None, sizes: BranchSizes, progress: Progress
    ) -> dict[str, Any]:
        """See Family."""
        return changed_token_ceiling(subject, truth, sizes, progress)

    def bench_facts(self, manifest: Manifest, mode: str, runs: Mapping[str, float]) -> dict[str, Any]:
        """tokens_per_frame, and the runs of the causal head for a frame in ar mode."""
        passes = runs.get("causal_head", 0.0) if mode == "ar" else None
        return {"tokens_per_frame": model_of(manifest).tokens, "ar_passes": passes}

    def one_step_note(self, entries: list[Entry]) -> str:
        """See Family."""
        note = '*Copy-last* is what saying "nothing changes" scores.'
        if branched := [e for e in entries if e["ceiling_moments"]]:
            note += (
                " *Ceiling* is what the game's own randomness allows for the changed tokens, measured by branching the "
                f"simulator ({branched[0]['ceiling_moments']} moments, {branched[0]['ceiling_branches']} futures "
                "each). It is an estimate, so a bundle may stand a little above it."
            )
        return note

    def picture_note(self, entries: list[Entry]) -> str:
        """See Family."""
        return "*Flicker*: share of the patches without any changed pixel whose token changed."


FAMILY = Tokens()

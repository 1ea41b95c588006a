"""What a family of dynamics adds to the figures that every dream has, and where each family's part is found.

Every dream gets the figures of pictures, states, actions, rewards and speed. A family that is not listed here has these
and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from reverie.evaluation.pages.table import Column, Entry
from reverie.evaluation.sizes import BranchSizes
from reverie.evaluation.subjects.subject import FrameFigures, NoFrameFigures, Teacher
from reverie.evaluation.subjects.teacher import DreamTeacher

if TYPE_CHECKING:
    from reverie.engine.manifest import Manifest
    from reverie.evaluation.progress import Progress
    from reverie.evaluation.subjects.bundle_subject import BundleSubject
    from reverie.evaluation.subjects.truth import Truth

MODULES = {"tokens": "reverie.evaluation.tokens.family"}
"""Module of each family; its `FAMILY` is a `Family`."""


@dataclass(frozen=True)
class Headline:
    """The figure of a family that counts most. key: in an entry, a share. words: the head of its column."""

    key: str
    words: str


class Family:
    """What a family says of its dreams. As it is here, it adds nothing.

    counts: keys of its figures that say how much was measured; over several seeds they are summed.
    headline: its figure that counts most. one_step, picture, compared, size: its columns in the tables "One frame
    ahead", "The decoded picture", "Many games" and in that of the bundles' sizes.
    """

    counts: frozenset[str] = frozenset()
    headline: Headline | None = None
    one_step: tuple[Column, ...] = ()
    picture: tuple[Column, ...] = ()
    compared: tuple[Column, ...] = ()
    size: tuple[Column, ...] = ()

    trunk = ""
    """Graph that runs once a frame, in the stage `dynamics` of a dream's timings; '' where there is none."""

    def teacher(self, subject: BundleSubject, batch: int) -> Teacher:
        """A fresh batch with an empty history, which predicts one frame at a time from the true ones."""
        return DreamTeacher(subject, batch)

    def facts(self, subject: BundleSubject) -> dict[str, Any]:
        """How the subject is sampled, as keys of its entry."""
        return {}

    def frame_figures(self, subject: BundleSubject) -> FrameFigures:
        """A collector of further figures over teacher-forced frames."""
        return NoFrameFigures()

    def branched(
        self, subject: BundleSubject, truth: Truth | None, sizes: BranchSizes, progress: Progress
    ) -> dict[str, Any]:
        """Figures of the game's own chance. truth: of a game that can be branched; None where it cannot."""
        return {}

    def bench_facts(self, manifest: Manifest, mode: str, runs: Mapping[str, float]) -> dict[str, Any]:
        """Further keys of a row of the benchmark. runs: how often each graph ran for a frame."""
        return {}

    def one_step_note(self, entries: list[Entry]) -> str:
        """Sentences that explain the columns `one_step`."""
        return ""

    def picture_note(self, entries: list[Entry]) -> str:
        """Sentences that explain the columns `picture`."""
        return ""


def family_of(name: str) -> Family:
    """The family's part of the evaluation."""
    family: Family = import_module(MODULES[name]).FAMILY if name in MODULES else Family()
    return family

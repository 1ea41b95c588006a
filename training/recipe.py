"""A recipe: the short file that says which networks are trained, and how."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from reverie.models.tokens.diffusion_decoder import DiffusionDecoderConfig
from reverie.models.tokens.networks import (
    KINDS,
    Dynamics,
    DynamicsConfig,
    Tokenizer,
    TokenizerConfig,
    build_dynamics,
    build_tokenizer,
    codes,
    dynamics_config,
    frame_size,
    positions,
    tokenizer_config,
    tuples,
)
from reverie.models.tokens.patch_vq import PatchVQConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.models.v1.vqvae import VQVAEConfig
from reverie.training.data.patches import Codes
from reverie.training.loop.checkpoint import RunError, load_weights, read_run
from reverie.training.tokens.objectives import HistoryNoise
from reverie.training.tokens.patch_codes import PatchCodesTraining
from reverie.training.tokens.train_decoder import DecoderTraining
from reverie.training.tokens.train_dynamics import DynamicsTraining
from reverie.training.tokens.train_tokenizer import TokenizerTraining

FOLDER = Path(__file__).parent / "recipes"
T = TypeVar("T")


@dataclass(frozen=True)
class SamplingChoice:
    """How a bundle made by a recipe is sampled.

    temperature: 1 samples what the model believes, lower is calmer.
    min_p: codes less likely than this share of the most likely one are never drawn.
    top_p: of the codes only the likeliest are drawn that have this probability together.
    passes: over a frame in parallel mode.
    """

    temperature: float = 1.0
    min_p: float = 0.02
    top_p: float = 1.0
    passes: int = 1


@dataclass(frozen=True)
class Recipe:
    """A recipe, read.

    name: of its file. kind: one of `reverie.models.tokens.networks.KINDS`. history: frames a bundle's starts hold.
    decoder_share: share of the training time that goes to the diffusion decoder.
    decoder: the diffusion decoder's sizes, None without one. decoder_steps: in which it draws unless told otherwise.
    further_frames: of the same games that are played besides what was recorded, and kept as tokens alone.
    mix: how often a game is trained on against the others, by its name; 1 for those that it does not name.
    sampling: what the bundle samples with unless a person says otherwise.
    """

    name: str
    kind: str
    history: int
    decoder_share: float
    decoder_steps: int
    further_frames: int
    mix: dict[str, float]
    sampling: SamplingChoice
    tokenizer: TokenizerConfig
    dynamics: DynamicsConfig
    decoder: DiffusionDecoderConfig | None
    tokenizer_training: TokenizerTraining | PatchCodesTraining
    dynamics_training: DynamicsTraining
    decoder_training: DecoderTraining

    @property
    def tokenizer_share(self) -> float:
        """Share of the training time that goes to the tokenizer: none where its codes are patches."""
        return self.tokenizer_training.share if isinstance(self.tokenizer_training, TokenizerTraining) else 0.0

    @property
    def size(self) -> int:
        """Side in pixels of the frames that it is made for."""
        return frame_size(self.tokenizer)

    def fitted(self, actions: int, size: int, rewards: tuple[float, ...], games: Sequence[str]) -> Recipe:
        """The same recipe for a recording with that many actions, frames of that size, those rewards and games.

        The grid of tokens stays, and its patches grow or shrink with the frame, so that a frame costs what it did. A
        recipe that learns rewards learns the recording's, where it does not name them all. Raises RunError for a size
        that the grid does not divide, and for several games where the networks can only dream one.
        """
        tokenizer, decoder, dynamics = self.tokenizer, self.decoder, replace(self.dynamics, actions=actions)
        if isinstance(dynamics, WorldModelConfig) and dynamics.rewards and set(rewards) - set(dynamics.rewards):
            dynamics = replace(dynamics, rewards=rewards)
        if size != self.size:
            patch, rest = (0, 1) if isinstance(tokenizer, VQVAEConfig) else divmod(tokenizer.patch * size, self.size)
            if rest or not patch or isinstance(tokenizer, VQVAEConfig):
                raise RunError(
                    f"the recipe {self.name} takes frames of {self.size} pixels, not of {size}; "
                    f"record with --size {self.size}, or take another recipe."
                )
            tokenizer = replace(tokenizer, patch=patch)
            decoder = replace(decoder, patch=patch) if decoder else None
        training = self.dynamics_training
        if len(games) > 1:
            if not isinstance(dynamics, WorldModelConfig):
                raise RunError(
                    f"the recipe {self.name} is for one game, not for {', '.join(games)}; "
                    f"name the folder of one recording, or take another recipe."
                )
            if missing := sorted(set(self.mix) - set(games)):
                raise RunError(
                    f"the recipe {self.name} mixes in {missing[0]}, and there is no recording of it; "
                    f"record it into a folder beside the others, or take it out of [mix] in a copy of the recipe."
                )
            dynamics = replace(dynamics, games=len(games))
            training = replace(training, weights=tuple(self.mix.get(game, 1.0) for game in games))
        return replace(self, tokenizer=tokenizer, dynamics=dynamics, decoder=decoder, dynamics_training=training)


def parameters(plan: Recipe, shown: int | None = None) -> int:
    """How many numbers the dynamics of a recipe learn; what belongs to a code counts for the `shown` codes alone."""
    config = plan.dynamics if shown is None else replace(plan.dynamics, vocabulary=shown)
    with torch.device("meta"):  # nothing is computed or kept
        return sum(p.numel() for p in build_dynamics(config).parameters())


def patch_codes(plan: Recipe) -> Codes | None:
    """The codes of a recipe whose tokenizer looks at patches; None where it looks at more."""
    config = plan.tokenizer
    return Codes(config.grid, config.vocabulary) if isinstance(config, PatchVQConfig) else None


def names() -> list[str]:
    """The recipes that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(recipe: str) -> Recipe:
    """Read a recipe by its name or its file. Raises RunError with one sentence for a mistake in it."""
    path = Path(recipe) if recipe.endswith(".toml") else FOLDER / f"{recipe}.toml"
    if not path.is_file():
        raise RunError(f"There is no recipe {recipe!r}; there are {', '.join(names())}, or name a .toml file.")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is not valid TOML: {error}.") from error
    kind = content.get("kind")
    if kind not in KINDS:
        raise RunError(f"{path}: kind must be {', '.join(KINDS)}, not {kind!r}.")
    training = dict(content.get("dynamics_training", {}))
    training["noise"] = _read(HistoryNoise, training.get("noise", {}), path)
    tokenizer, dynamics = _networks(kind, content, path)
    if (positions(tokenizer), codes(tokenizer)) != (dynamics.positions, dynamics.vocabulary):
        raise RunError(
            f"{path}: the tokenizer makes {positions(tokenizer)} tokens of {codes(tokenizer)} codes, and the dynamics "
            f"expect {dynamics.positions} of {dynamics.vocabulary}."
        )
    teaching = content.get("tokenizer_training", {})
    decoder = _read(DiffusionDecoderConfig, content["decoder"], path) if "decoder" in content else None
    if decoder and (not isinstance(tokenizer, PatchVQConfig) or _tiles(decoder) != _tiles(tokenizer)):
        raise RunError(f"{path}: the decoder's patch, grid and vocabulary must be those of the tokenizer.")
    return Recipe(
        name=path.stem,
        kind=kind,
        history=int(content.get("history", 1)),
        decoder_share=float(content.get("decoder_share", 0.2)) if decoder else 0.0,
        decoder_steps=int(content.get("decoder_steps", 2)),
        further_frames=int(content.get("further_frames", 0)),
        mix={game: float(weight) for game, weight in content.get("mix", {}).items()},
        sampling=_read(SamplingChoice, content.get("sampling", {}), path),
        tokenizer=tokenizer,
        dynamics=dynamics,
        decoder=decoder,
        tokenizer_training=(
            _read(TokenizerTraining, teaching, path)
            if isinstance(tokenizer, VQVAEConfig)
            else _read(PatchCodesTraining, teaching, path)
        ),
        dynamics_training=_read(DynamicsTraining, training, path),
        decoder_training=_read(DecoderTraining, content.get("decoder_training", {}), path),
    )


def _tiles(config: PatchVQConfig | DiffusionDecoderConfig) -> tuple[int, int, tuple[int, int]]:
    return config.vocabulary, config.patch, config.grid


def _read(kind: type[T], content: dict[str, Any], path: Path) -> T:
    unknown = set(content) - {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown:
        raise RunError(f"{path}: {kind.__name__} has no {', '.join(sorted(unknown))}.")
    return kind(**tuples(content))


def _networks(kind: str, content: dict[str, Any], path: Path) -> tuple[TokenizerConfig, DynamicsConfig]:
    try:
        return (
            tokenizer_config(kind, content.get("tokenizer", {})),
            dynamics_config(kind, content.get("dynamics", {})),
        )
    except TypeError as error:
        raise RunError(f"{path}: {str(error).removeprefix('__init__() ')}.") from error


@dataclass(frozen=True)
class Restored:
    """The networks of a run that has been trained, and what its tokenizer was built by."""

    tokenizer_config: TokenizerConfig
    tokenizer: Tokenizer
    dynamics: Dynamics


def restore(run: Path) -> Restored:
    """The networks of a run folder. Raises RunError where it is none, or is damaged."""
    record = read_run(run)
    if not record:
        raise RunError(f"{run} is not a run: it has no run.json; name the folder given to `reverie train -o`.")
    tokenizer, dynamics = _networks(str(record.get("kind")), record, run / "run.json")
    restored = Restored(tokenizer, build_tokenizer(tokenizer), build_dynamics(dynamics))
    load_weights(run / "tokenizer.safetensors", restored.tokenizer)
    load_weights(run / "dynamics.safetensors", restored.dynamics)
    if isinstance(restored.dynamics, TemporalVisualWorldModel):
        restored.dynamics.settle()
    return restored

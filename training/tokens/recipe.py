"""The recipes of the token family: tokenizer, dynamics and, where the recipe has one, diffusion decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch

from reverie.models.registry import describe_network
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder, DiffusionDecoderConfig
from reverie.models.tokens.networks import (
    DynamicsConfig,
    Tokenizer,
    TokenizerConfig,
    build_dynamics,
    build_tokenizer,
    codes,
    frame_size,
    positions,
)
from reverie.models.tokens.patch_vq import PatchVQConfig
from reverie.models.tokens.two_level_vq import TwoLevelVQConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.models.v1.vqvae import VQVAE, VQVAEConfig
from reverie.models.v1.world_model import VisualWorldModelConfig
from reverie.schema import SchemaError, Within, read_object
from reverie.training.correction.frames import split_frames
from reverie.training.data.patches import Codes
from reverie.training.errors import RunError
from reverie.training.loop.checkpoint import save_weights
from reverie.training.loop.stage import Stage
from reverie.training.recipe import Recipe
from reverie.training.session import Session
from reverie.training.tokens.decoder_stage import DecoderStage, DecoderTraining
from reverie.training.tokens.dynamics_stage import DynamicsStage, DynamicsTraining
from reverie.training.tokens.encode import frame_encoder, read_tokens, recorded_frames, split_episodes, write_tokens
from reverie.training.tokens.legal_share import LegalShare
from reverie.training.tokens.patch_codes import PatchCodesTraining
from reverie.training.tokens.patch_codes_stage import PatchCodesStage
from reverie.training.tokens.rollouts import Sampling
from reverie.training.tokens.transfer import init_from_run
from reverie.training.tokens.vqvae_stage import VQVAEStage, VQVAETraining


@dataclass(frozen=True)
class SamplingChoice:
    """The sampler's defaults in a bundle made by a recipe.

    temperature: 1 samples from the model's distribution; lower makes likely codes likelier.
    min_p: codes less likely than this share of the most likely one are never drawn.
    top_p: only the likeliest codes that have this probability together are drawn.
    passes: over a frame in parallel mode.
    """

    temperature: Annotated[float, Within(0, 10)] = 1.0
    min_p: Annotated[float, Within(0, 1)] = 0.02
    top_p: Annotated[float, Within(0, 1)] = 1.0
    passes: Annotated[int, Within(1, 64)] = 1


@dataclass(frozen=True, kw_only=True)
class TokenRecipe(Recipe):
    """A recipe of the token family.

    decoder_share: share of the training time for the diffusion decoder.
    decoder_steps: sampling steps of the diffusion decoder by default.
    extra_rollouts: frames of the same games that are played besides the recording; only their tokens are kept.
    mix: how often a game is trained on against the others, by its name; 1 for games that it does not name.
    sampling: the sampler's defaults.
    tokenizer, dynamics, decoder: sizes of the networks; decoder is None where there is none.
    """

    decoder_share: float
    decoder_steps: int
    extra_rollouts: int
    mix: dict[str, float]
    sampling: SamplingChoice
    tokenizer: TokenizerConfig
    dynamics: DynamicsConfig
    decoder: DiffusionDecoderConfig | None
    tokenizer_training: VQVAETraining | PatchCodesTraining
    dynamics_training: DynamicsTraining
    decoder_training: DecoderTraining

    def __post_init__(self) -> None:
        """Raises SchemaError where the parts do not fit one another."""
        made, expected = (positions(self.tokenizer), codes(self.tokenizer)), self.dynamics
        if made != (expected.positions, expected.vocabulary):
            raise SchemaError(
                f"the tokenizer makes {made[0]} tokens of {made[1]} codes, and the dynamics expect "
                f"{expected.positions} of {expected.vocabulary}"
            )
        if self.decoder and (
            not isinstance(self.tokenizer, PatchVQConfig) or _tiles(self.decoder) != _tiles(self.tokenizer)
        ):
            raise SchemaError("the decoder's patch, grid and vocabulary must be those of the tokenizer")
        learning = self.dynamics_training
        if isinstance(self.dynamics, VisualWorldModelConfig) and (learning.own_share or learning.balance):
            raise SchemaError("own_share and balance are for dynamics with a context of several frames")
        if self.tokenizer_share + self.decoder_share >= 1:
            raise SchemaError("tokenizer and decoder leave the dynamics no training time")

    @property
    def tokenizer_share(self) -> float:
        """Share of the training time for the tokenizer: 0 where its codes are patches."""
        return self.tokenizer_training.share if isinstance(self.tokenizer_training, VQVAETraining) else 0.0

    @property
    def history(self) -> int:
        """Frames that the dynamics look at; those of v1 look at the newest alone."""
        return self.dynamics.history if isinstance(self.dynamics, WorldModelConfig) else 1

    @property
    def size(self) -> int:
        """Side in pixels of the frames."""
        return frame_size(self.tokenizer)

    @property
    def frames_needed(self) -> int:
        """Frames of a window."""
        return self.dynamics_training.window + 1

    @property
    def learning_rate(self) -> float:
        """Of the dynamics."""
        return self.dynamics_training.learning_rate

    @property
    def extra_frames(self) -> int:
        """Frames of all games together."""
        return self.extra_rollouts

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

    def parameters(self, shown: int | None = None) -> int:
        """Return how many weights the dynamics learn; of what belongs to a code, those of `shown` codes alone."""
        config = self.dynamics if shown is None else replace(self.dynamics, vocabulary=shown)
        with torch.device("meta"):  # nothing is computed or kept
            return sum(p.numel() for p in build_dynamics(config).parameters())

    def patch_codes(self) -> Codes | None:
        """Return the codes of a tokenizer of patches."""
        config = self.tokenizer
        return Codes(config.grid, config.vocabulary) if isinstance(config, PatchVQConfig) else None

    def describe(self) -> dict[str, Any]:
        """Return the networks and the sampler's defaults."""
        with torch.device("meta"):
            networks: dict[str, Any] = {
                "tokenizer": build_tokenizer(self.tokenizer),
                "dynamics": build_dynamics(self.dynamics),
                **({"decoder": DiffusionDecoder(self.decoder)} if self.decoder else {}),
            }
        return {
            "sampling": asdict(self.sampling),
            "networks": {name: describe_network(network) for name, network in networks.items()},
            **({"decoder_steps": self.decoder_steps} if self.decoder else {}),
            **({"extra_rollouts": self.extra_rollouts} if self.extra_rollouts else {}),
        }

    def stages(self, session: Session) -> Iterator[Stage[Any]]:
        """Tokenizer, dynamics on the tokens of all frames, diffusion decoder."""
        recording, seed, context = session.recording, session.seed, session.context
        tokenizer = build_tokenizer(self.tokenizer).to(context.device)
        other = session.begin
        if other and getattr(other.networks.get("tokenizer"), "config", None) == self.tokenizer:
            weights = other.networks["tokenizer"].state_dict()
            session.once("tokenizer.safetensors", lambda path: save_weights(path, weights))
        yield self._tokenizer_stage(tokenizer, session)

        extra = self._extra_frames_of_a_game(len(recording.games))
        encode = partial(write_tokens, recording=recording, encode=frame_encoder(tokenizer, context))
        path = session.once("data.npz", partial(encode, extra_frames=extra, seed=seed, log=session.log))
        train, held_out = split_episodes(read_tokens(path), self.frames_needed)
        torch.manual_seed(seed)
        dynamics = build_dynamics(self.dynamics)
        if isinstance(dynamics, TemporalVisualWorldModel) and not isinstance(tokenizer, VQVAE):
            pictures = tokenizer.code_pictures().cpu()  # (vocabulary, pixels)
            dynamics.init_from_patches(pictures)
            if other:
                world, rules = recording.world, recording.rules
                init_from_run(dynamics, tokenizer, other, world, rules.get(world, 1), tuple(rules), session.log)
            if dynamics.code_features is not None:
                dynamics.code_features.set_pictures(pictures)
            dynamics.mask_codes(torch.from_numpy(train.codes_shown(len(recording.games), len(pictures))))
        torch.manual_seed(seed)
        minutes = session.minutes * (1 - self.tokenizer_share - self.decoder_share)
        judge = None
        if self.dynamics_training.balance and len(recording.games) > 1:
            choice = self.sampling
            sampling = Sampling(max(0.01, choice.temperature), choice.min_p, choice.passes)
            judge = LegalShare(tokenizer, tuple(recording.games), sampling)
        yield DynamicsStage(
            dynamics.to(context.device), train, held_out, self.dynamics_training, minutes, seed, context, judge
        )

        if self.decoder:
            decoder, minutes = DiffusionDecoder(self.decoder).to(context.device), session.minutes * self.decoder_share
            yield DecoderStage(decoder, tokenizer, *split_frames(recording), self.decoder_training, minutes, seed)

    def _tokenizer_stage(self, tokenizer: Tokenizer, session: Session) -> Stage[Any]:
        recording, seed, device = session.recording, session.seed, session.context.device
        if isinstance(self.tokenizer_training, VQVAETraining):
            assert isinstance(tokenizer, VQVAE)
            minutes = session.minutes * self.tokenizer_share
            return VQVAEStage(tokenizer, recording, self.tokenizer_training, minutes, seed, device)
        assert not isinstance(tokenizer, VQVAE)
        return PatchCodesStage(tokenizer, recording, self.tokenizer_training, seed, device, session.log)

    def _extra_frames_of_a_game(self, games: int) -> int:
        return self.extra_rollouts // games

    def recorded_frames(self, run: Path, games: int) -> int | None:
        """Return how many frames of the recording a run has made tokens of; None where it has none yet."""
        path = run / "data.npz"
        return recorded_frames(path, self._extra_frames_of_a_game(games), games) if path.exists() else None


def read(name: str, content: dict[str, Any], where: str) -> TokenRecipe:
    """Read a recipe's content. Raises SchemaError with file, section and key of a mistake."""
    kind, table = content["kind"], dict(content)
    sections: dict[str, type[Any]] = {
        "tokenizer": VQVAEConfig if kind == "v1" else _tokenizer_kind(content),
        "dynamics": VisualWorldModelConfig if kind == "v1" else WorldModelConfig,
        "decoder": DiffusionDecoderConfig,
        "tokenizer_training": VQVAETraining if kind == "v1" else PatchCodesTraining,
        "dynamics_training": DynamicsTraining,
        "decoder_training": DecoderTraining,
    }
    has_decoder = "decoder" in table
    parts = {key: read_object(section, table.pop(key, {}), f"{where}: {key}") for key, section in sections.items()}
    if not has_decoder:
        parts["decoder"], table["decoder_share"] = None, 0.0
    plain = read_object(_Plain, table, f"{where}:")
    try:
        return TokenRecipe(name=name, **vars(plain), **parts)
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from error


@dataclass(frozen=True)
class _Plain:
    """The keys outside the networks' sections."""

    kind: str
    worth_steps: Annotated[int, Within(0, 10**9)] = 0
    smaller: str = ""
    decoder_share: Annotated[float, Within(0, 0.9)] = 0.2
    decoder_steps: Annotated[int, Within(1, 64)] = 2
    extra_rollouts: Annotated[int, Within(0, 10**9)] = 0
    mix: dict[str, Annotated[float, Within(0, 1e6)]] = field(default_factory=dict)
    sampling: SamplingChoice = field(default_factory=SamplingChoice)


def _tokenizer_kind(content: dict[str, Any]) -> type[TokenizerConfig]:
    tokenizer = content.get("tokenizer")
    return TwoLevelVQConfig if isinstance(tokenizer, dict) and "fine" in tokenizer else PatchVQConfig


def _tiles(config: PatchVQConfig | DiffusionDecoderConfig) -> tuple[int, int, tuple[int, int]]:
    return config.vocabulary, config.patch, config.grid

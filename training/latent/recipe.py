"""The recipes of the latent family: autoencoder, diffusion dynamics on its latents and, in some, diffusion decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.models.latent.autoencoder import Autoencoder, AutoencoderConfig
from reverie.models.latent.diffusion_decoder import LatentDecoder, LatentDecoderConfig
from reverie.models.latent.dynamics import LatentDynamics, LatentDynamicsConfig
from reverie.models.registry import describe_network
from reverie.schema import SchemaError, Within, read_object
from reverie.training.correction.frames import split_frames
from reverie.training.errors import RunError
from reverie.training.latent.autoencoder_stage import AutoencoderStage, AutoencoderTraining
from reverie.training.latent.decoder_stage import LatentDecoderStage, LatentDecoderTraining
from reverie.training.latent.dynamics_stage import LatentDynamicsStage, LatentDynamicsTraining
from reverie.training.latent.windows import Encode, read_latents, split_episodes, write_latents
from reverie.training.loop.checkpoint import save_weights
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.stage import Stage
from reverie.training.recipe import Recipe
from reverie.training.runs import read_record
from reverie.training.session import Session


@dataclass(frozen=True, kw_only=True)
class LatentRecipe(Recipe):
    """A recipe of the latent family.

    steps: denoising steps of a bundle by default.
    temperature: of a bundle by default. Few steps make too little detail, which somewhat more than 1 makes up for.
    decoder_steps: sampling steps of the diffusion decoder by default.
    autoencoder, dynamics, decoder: sizes of the networks; decoder is None where there is no diffusion decoder.
    """

    steps: int
    temperature: float
    decoder_steps: int
    autoencoder: AutoencoderConfig
    dynamics: LatentDynamicsConfig
    decoder: LatentDecoderConfig | None
    autoencoder_training: AutoencoderTraining
    dynamics_training: LatentDynamicsTraining
    decoder_training: LatentDecoderTraining

    def __post_init__(self) -> None:
        """Raises SchemaError where the parts do not fit one another."""
        made, expected = (self.autoencoder.grid, self.autoencoder.channels), self.dynamics
        if made != (expected.grid, expected.channels):
            raise SchemaError(
                f"the autoencoder makes latents of {made[1]} numbers in a grid of {made[0][0]} x {made[0][1]}, and the "
                f"dynamics expect {expected.channels} in {expected.grid[0]} x {expected.grid[1]}"
            )
        if self.decoder and _places(self.decoder) != _places(self.autoencoder):
            raise SchemaError("the decoder's patch, grid and channels must be those of the autoencoder")
        if self.autoencoder_training.share + self.decoder_share >= 1:
            raise SchemaError("autoencoder and decoder leave the dynamics no training time")

    @property
    def decoder_share(self) -> float:
        """Share of the training time for the diffusion decoder."""
        return self.decoder_training.share if self.decoder else 0.0

    @property
    def history(self) -> int:
        """Frames that the dynamics look at."""
        return self.dynamics.history

    @property
    def size(self) -> int:
        """Side in pixels of the frames."""
        return self.autoencoder.size

    @property
    def frames_needed(self) -> int:
        """Frames of a window."""
        return self.dynamics_training.window + 1

    @property
    def learning_rate(self) -> float:
        """Of the dynamics."""
        return self.dynamics_training.learning_rate

    def fitted(self, actions: int, size: int, rewards: tuple[float, ...], games: Sequence[str]) -> LatentRecipe:
        """The same recipe for a recording with that many actions, that size, those rewards and games.

        A latent stays as many pixels, and the trunk stays as fast: it merges more latents of a larger frame.
        Raises RunError for a size that is no multiple of the recipe's.
        """
        times, rest = divmod(size, self.size)
        if rest or not times:
            raise RunError(
                f"the recipe {self.name} takes frames of {self.size} pixels or a multiple, not of {size}; "
                f"record with --size {self.size}, or take another recipe."
            )
        autoencoder = replace(self.autoencoder, size=size)
        dynamics = replace(
            self.dynamics,
            grid=autoencoder.grid,
            merge=self.dynamics.merge * times,
            actions=actions,
            rewards=rewards,
            games=len(games),
        )
        decoder = replace(self.decoder, grid=autoencoder.grid) if self.decoder else None
        return replace(self, autoencoder=autoencoder, dynamics=dynamics, decoder=decoder)

    def parameters(self, shown: int | None = None) -> int:
        """Return how many weights the dynamics learn."""
        with torch.device("meta"):  # nothing is computed or kept
            return sum(p.numel() for p in LatentDynamics(self.dynamics).parameters())

    def describe(self) -> dict[str, Any]:
        """Return the networks and the defaults of sampler and decoder."""
        with torch.device("meta"):
            networks: dict[str, Any] = {
                "autoencoder": Autoencoder(self.autoencoder),
                "dynamics": LatentDynamics(self.dynamics),
                **({"decoder": LatentDecoder(self.decoder)} if self.decoder else {}),
            }
        return {
            "steps": self.steps,
            "temperature": self.temperature,
            **({"decoder_steps": self.decoder_steps} if self.decoder else {}),
            "networks": {name: describe_network(network) for name, network in networks.items()},
        }

    def stages(self, session: Session) -> Iterator[Stage[Any]]:
        """Autoencoder, dynamics on the latents of all frames, diffusion decoder."""
        recording, seed, context = session.recording, session.seed, session.context
        torch.manual_seed(seed)
        autoencoder = Autoencoder(self.autoencoder).to(context.device)
        other = session.begin.networks if session.begin else {}
        same_latents = getattr(other.get("autoencoder"), "config", None) == self.autoencoder
        if same_latents:
            weights = other["autoencoder"].state_dict()
            session.once("autoencoder.safetensors", lambda path: save_weights(path, weights))
        share = 0.0 if same_latents or _took_over(session.run) else self.autoencoder_training.share
        yield AutoencoderStage(autoencoder, recording, self.autoencoder_training, session.minutes * share, seed)

        write = partial(write_latents, recording=recording, encode=frame_encoder(autoencoder, context), log=session.log)
        train, held_out = split_episodes(read_latents(session.once("latents.npz", write)), self.frames_needed)
        torch.manual_seed(seed)
        dynamics = LatentDynamics(self.dynamics)
        if getattr(other.get("dynamics"), "config", None) == self.dynamics:
            dynamics.load_state_dict(other["dynamics"].state_dict())
            session.log("dynamics: begun with the weights of the other run")
        yield LatentDynamicsStage(
            dynamics.to(context.device),
            autoencoder,
            train,
            held_out,
            self.dynamics_training,
            session.minutes * (1 - share - self.decoder_share),
            seed,
            context,
        )

        if self.decoder:
            torch.manual_seed(seed)
            decoder = LatentDecoder(self.decoder)
            if same_latents and getattr(other.get("decoder"), "config", None) == self.decoder:
                decoder.load_state_dict(other["decoder"].state_dict())
                session.log("decoder: begun with the weights of the other run")
            yield LatentDecoderStage(
                decoder.to(context.device),
                autoencoder,
                *split_frames(recording),
                self.decoder_training,
                session.minutes * self.decoder_share,
                seed,
            )

    def recorded_frames(self, run: Path, games: int) -> int | None:
        """Return how many frames of the recording a run has made latents of; None where it has none yet."""
        path = run / "latents.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as arrays:
            return int(arrays["lengths"].sum())


def _took_over(run: Path) -> bool:
    """Whether a run that goes on has its autoencoder from another run; the figures of a trained one say its steps."""
    figures = read_record(run).get("metrics", {}).get("autoencoder", {})
    return bool(figures) and "steps" not in figures


def frame_encoder(autoencoder: Autoencoder, context: DeviceContext) -> Encode:
    """Return a function from frames to latents, computed on the context's device."""

    @torch.no_grad()
    def encode(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = np.array_split(frames, -(-len(frames) // 64))
        latents = [autoencoder.encode(context.to_device(torch.from_numpy(np.array(part)))) for part in parts]
        return torch.cat(latents).cpu().numpy()  # (N, S, channels)

    return encode


def read(name: str, content: dict[str, Any], where: str) -> LatentRecipe:
    """Read a recipe's content. Raises SchemaError with file, section and key of a mistake."""
    table, has_decoder = dict(content), "decoder" in content
    sections: dict[str, type[Any]] = {
        "autoencoder": AutoencoderConfig,
        "dynamics": LatentDynamicsConfig,
        "decoder": LatentDecoderConfig,
        "autoencoder_training": AutoencoderTraining,
        "dynamics_training": LatentDynamicsTraining,
        "decoder_training": LatentDecoderTraining,
    }
    parts = {key: read_object(section, table.pop(key, {}), f"{where}: {key}") for key, section in sections.items()}
    if not has_decoder:
        parts["decoder"] = None
    plain = read_object(_Plain, table, f"{where}:")
    try:
        return LatentRecipe(name=name, **vars(plain), **parts)
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from error


@dataclass(frozen=True)
class _Plain:
    """The keys outside the networks' sections."""

    kind: str
    worth_steps: Annotated[int, Within(0, 10**9)] = 0
    smaller: str = ""
    steps: Annotated[int, Within(1, 8)] = 4
    temperature: Annotated[float, Within(0, 2)] = 1.0
    decoder_steps: Annotated[int, Within(1, 4)] = 2


def _places(config: AutoencoderConfig | LatentDecoderConfig) -> tuple[int, tuple[int, int], int]:
    return config.patch, config.grid, config.channels

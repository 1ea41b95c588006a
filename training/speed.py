"""How fast a recipe trains on this machine: a few steps of each stage, before a person waits for thousands."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reverie.training import recipe as recipes
from reverie.training.data.recording import Recording
from reverie.training.loop.checkpoint import save_weights
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.stage import GradientStage
from reverie.training.loop.train import COMPILE_FROM
from reverie.training.loop.trainer import Trainer
from reverie.training.run import rewards_of
from reverie.training.session import Session

COMPILED_GAIN = 1.4
"""How much faster compiled layers are on a processor, at least; compiling itself takes too long to be tried."""
LATE = 0.5
"""Share of the time at which steps are timed: whatever a recipe adds in the course of it has mostly begun."""


@dataclass(frozen=True)
class Speed:
    """How fast a recipe trains.

    steps: of the dynamics, in all the minutes of a run. building: seconds before the dynamics learn, whatever the
    recording. preparing: seconds before they learn for each frame of the recording.
    """

    steps: int
    building: float
    preparing: float


@dataclass(frozen=True)
class _Timed(Session):
    """A session that knows how long its files took, in seconds."""

    writing: list[float] = field(default_factory=list)

    def once(self, name: str, write: Callable[[Path], None]) -> Path:
        """See Session."""
        began = time.perf_counter()
        path = super().once(name, write)
        self.writing.append(time.perf_counter() - began)
        return path


def measure_speed(
    recipe: str, recording: Recording, minutes: float, folder: Path, seconds: float, context: DeviceContext
) -> Speed:
    """Time some steps of a recipe's stages on a recording.

    minutes: of the run that is planned. folder: an empty one for what the stages write. seconds: for each stage at
    least, and one step of it. Raises RunError where the recipe cannot be trained on the recording.
    """
    plan = recipes.load(recipe).fitted(
        len(recording.actions), recording.size, rewards_of(recording), tuple(recording.games)
    )
    session = _Timed(recording, folder, minutes, 0, None, context, lambda line: None)
    steps, before, counting, since = 0, 0.0, 0.0, time.perf_counter()
    for stage in plan.stages(session):
        prepared = time.perf_counter()
        stage.prepare()
        before += time.perf_counter() - since
        if isinstance(stage, GradientStage):
            trainer = Trainer(stage, context)
            try:
                trainer.step(LATE)  # the first one also allocates
                began, count = time.perf_counter(), 0
                while count < 1 or time.perf_counter() - began < seconds:
                    trainer.step(LATE)
                    count += 1
                rate = count / (time.perf_counter() - began)
            finally:
                trainer.prefetch.close()
            if stage.compiled_layers and context.device.type == "cpu" and stage.minutes >= COMPILE_FROM:
                rate *= COMPILED_GAIN
            if stage.name == "dynamics":
                steps = int(60 * stage.minutes * rate)
                break
        else:
            counting += time.perf_counter() - prepared
        save_weights(folder / f"{stage.name}.safetensors", stage.network.state_dict())
        stage.network.eval().requires_grad_(False)
        since = time.perf_counter()
    scaling = counting + sum(session.writing)
    return Speed(steps, before - scaling, scaling / len(recording))

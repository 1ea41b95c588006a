"""Before training, the recording is looked at, and what is wrong with it is said in plain words."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import CheckFailed
from app.game_folder import GameFolder, look_in
from games import registry
from games.environment import Environment
from games.policies import HeldKeys
from games.worlds import open_world

REFERENCE_FRAMES = 64


def check_before_training(recipe: str, data: Path, game: GameFolder | None, anyway: bool) -> None:
    """Say on stderr what is wrong. Raises CheckFailed where the recording is broken and nobody wants it anyway."""
    from training import recipe as recipes
    from training.check import check_recording
    from training.recording import Recording

    recording, plan = Recording(data), recipes.load(recipe)
    reference = None
    if game and game.environment and game.source not in registry.names():
        look_in(game.folder)
        reference = drawn(game.environment, recording.size)
    plan = plan.fitted(len(recording.actions), recording.size, ())
    findings = check_recording(recording, recipes.parameters(plan), reference)
    for finding in findings:
        print(finding.sentence, file=sys.stderr)
    broken = [finding for finding in findings if finding.broken]
    if broken and not anyway:
        raise CheckFailed(f"The recording in {data} looks broken; mend it, or train with --anyway.")


def drawn(environment: Environment, size: int) -> NDArray[np.uint8] | None:
    """Some frames as the environment itself draws them, (N, size, size, 3); None where it cannot be made here."""
    try:
        # What it draws, whatever the person says of its colours: that is what is to be checked.
        plain = Environment(environment.source, environment.actions, environment.frame_skip, environment.options)
        world = open_world(plain, size)
    except (ValueError, ModuleNotFoundError):
        return None
    policy = HeldKeys(len(world.actions), np.random.default_rng(0))
    frames = [world.reset(0)]
    frames += [world.step(policy.act()).frame for _ in range(REFERENCE_FRAMES - 1)]
    return np.stack(frames)

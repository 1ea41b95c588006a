"""Before training, the recording is looked at, and what is wrong with it is said in plain words."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.app.errors import CheckFailed
from reverie.app.own.game_folder import GameFolder, add_module_folder
from reverie.games import registry
from reverie.games.environment import Environment
from reverie.games.gymnasium_world import GymWorld
from reverie.games.picture import as_picture
from reverie.games.policies import HeldKeys

if TYPE_CHECKING:
    from reverie.training.data.recording import Rows

REFERENCE_FRAMES = 1000


def check_before_training(
    recipe: str, data: Path, game: GameFolder | None, anyway: bool, as_planned: bool = False
) -> None:
    """Say on stderr what is wrong. Raises CheckFailed where the recording is broken and nobody wants it anyway.

    as_planned: frames and recipe were chosen for the minutes, so that it helps nobody to hear that these are few.
    """
    from reverie.training import recipe as recipes
    from reverie.training.data.check import check_recording, different_patches
    from reverie.training.data.mixture import Mixture, open_recording

    recording, plan = open_recording(data), recipes.load(recipe)
    print(f"looking at the recording of {len(recording):,} frames", file=sys.stderr)
    reference = None
    if game and game.environment and game.source not in registry.names():
        add_module_folder(game.folder)
        reference = fresh_play(game.environment, recording.size)
    plan = plan.fitted(len(recording.actions), recording.size, (), tuple(recording.games))
    findings, codes = [], plan.patch_codes()
    for part in recording.parts if isinstance(recording, Mixture) else [recording]:
        # Nothing is learnt for a code that is never shown. Several games share what the model learns, so each is asked
        # for its share of the frames.
        parameters = plan.parameters(different_patches(part, codes) if codes else None)
        found = check_recording(part, 0 if as_planned else parameters // len(recording.games), reference, codes)
        for finding in found:
            print(
                f"{part.world}: {finding.sentence}" if len(recording.games) > 1 else finding.sentence, file=sys.stderr
            )
        findings += found
    broken = [finding for finding in findings if finding.broken]
    if broken and not anyway:
        raise CheckFailed(f"The recording in {data} looks broken; mend it, or train with --anyway.")


def fresh_play(environment: Environment, size: int) -> Rows | None:
    """Some play of the environment in the colours that it draws itself; None where it cannot be made here.

    Where it draws none and only shows an agent something, nobody but the person knows how that has its colours.
    """
    try:
        world = GymWorld(environment, size)
    except (ValueError, ModuleNotFoundError):
        return None
    with contextlib.closing(world):
        if _draws(world.env):
            world.environment = replace(environment, picture="render", colour_order="rgb")
        return _played(world)


def _draws(env: Any) -> bool:
    try:
        return as_picture(env.render()) is not None
    except Exception:  # whatever a stranger's render raises: the person may have chosen the observation because of it
        return False


def _played(world: GymWorld) -> Rows:
    from reverie.training.data.recording import Rows

    policy = HeldKeys(len(world.actions), np.random.default_rng(0))
    frames = [world.reset(0)]
    actions: list[int] = []
    rewards: list[float] = []
    ended: list[bool] = []
    for _ in range(REFERENCE_FRAMES - 1):
        actions.append(policy.act())
        frame, reward, lost = world.step(actions[-1])
        frames.append(frame)
        rewards.append(reward)
        ended.append(lost or world.cut)  # neither leads to the next frame by the action
    return Rows(
        np.stack(frames),
        np.array([*actions, 0], np.uint8),
        np.array([*rewards, 0], np.float32),
        np.array([*ended, False]),
    )

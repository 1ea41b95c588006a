"""A strip: pictures of the dream under those of the real game, from the same start and under the same keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream

if TYPE_CHECKING:
    from reverie.training.data.recording import Recording

SHOWN = (1, 2, 4, 8, 16, 32, 64)
"""Frames after the start that a strip shows, as far as the play is long enough."""
MOST_GAMES = 5
SIDE, GAP, LEFT, TOP = 128, 6, 46, 18
SURFACE, MUTED = (252, 252, 251), (82, 81, 78)


@dataclass(frozen=True)
class Play:
    """Real play that nothing was learnt from. game: its name. frames: (T, H, W, 3) uint8.

    actions: T - 1 names, actions[i] led from frame i to i + 1. history: frames at the beginning that a dream is given.
    """

    game: str
    frames: NDArray[np.uint8]
    actions: tuple[str, ...]
    history: int


@dataclass(frozen=True)
class Strip:
    """The pictures of one game. numbers: of the frames after the start. real, dreamt: (K, H, W, 3) uint8."""

    game: str
    numbers: tuple[int, ...]
    real: NDArray[np.uint8]
    dreamt: NDArray[np.uint8]

    @staticmethod
    def dream(bundle: Bundle, play: Play, seed: int = 0) -> Strip:
        """Dream what a play shows, from its first frames and with its keys."""
        dream = Dream(bundle, seed=seed, game=play.game)
        codes = [dream.actions.index(name) for name in play.actions]
        first = play.history
        dream.reset_from(seed, play.frames[:first], codes[: first - 1])
        dreamt = [dream.step(action).frame.copy() for action in codes[first - 1 :]]
        numbers = tuple(number for number in SHOWN if number <= len(dreamt))
        real = np.stack([play.frames[first - 1 + number] for number in numbers])
        return Strip(play.game, numbers, real, np.stack([dreamt[number - 1] for number in numbers]))


def held_out_play(recording: Recording, history: int) -> list[Play]:
    """Some play of each game, of its last episode that is long enough: those are kept out of training.

    history: frames that a dream looks at.
    """
    plays = []
    for number, (game, _) in list(enumerate(recording.games.items()))[:MOST_GAMES]:
        episodes = [e for e in recording.episodes if recording.game_of(e) == number and e.length > history]
        if not episodes:
            continue
        wanted = history + SHOWN[-1]
        episode = next(
            (e for e in reversed(episodes) if e.length >= wanted), max(reversed(episodes), key=lambda e: e.length)
        )
        rows = recording.rows(episode)
        part = slice(0, min(wanted, episode.length))
        names = tuple(recording.actions[action] for action in rows.actions[part][:-1])
        plays.append(Play(game, np.array(rows.frames[part]), names, history))
    return plays


def draw_strip(strips: list[Strip]) -> NDArray[np.uint8]:
    """One picture (H, W, 3) uint8: for each game a row of the game and below it one of its dream."""
    columns = max(len(strip.numbers) for strip in strips)
    pair = TOP + 2 * SIDE + GAP
    canvas = Image.new("RGB", (LEFT + columns * (SIDE + GAP), len(strips) * (pair + GAP)), SURFACE)
    pen = ImageDraw.Draw(canvas)
    for place, strip in enumerate(strips):
        y = place * (pair + GAP) + TOP
        pen.text((0, y + SIDE // 2), "game", MUTED)
        pen.text((0, y + SIDE + GAP + SIDE // 2), "dream", MUTED)
        for column, number in enumerate(strip.numbers):
            x = LEFT + column * (SIDE + GAP)
            said = f"frame {number}" if column else f"{strip.game}, frame {number}"
            pen.text((x, y - TOP + 3), said[: SIDE // 6], MUTED)
            for row, frames in enumerate((strip.real, strip.dreamt)):
                picture = Image.fromarray(frames[column]).resize((SIDE, SIDE), Image.Resampling.NEAREST)
                canvas.paste(picture, (x, y + row * (SIDE + GAP)))
    return np.asarray(canvas)

"""A strip: pictures of the dream under those of the real game, from the same start and under the same keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch

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
    def of(play: Play, dreamt: NDArray[np.uint8]) -> Strip:
        """What a strip shows of a play and its dream. dreamt: (K, H, W, 3) uint8, the frames after the history."""
        numbers = tuple(number for number in SHOWN if number <= len(dreamt))
        real = np.stack([play.frames[play.history - 1 + number] for number in numbers])
        return Strip(play.game, numbers, real, np.stack([dreamt[number - 1] for number in numbers]))


def dream_plays(bundle: Bundle, plays: list[Play], seed: int = 0) -> NDArray[np.uint8]:
    """Dream what plays of one game and one length show, from their first frames and with their keys.

    Returns the frames after the history, (K, B, H, W, 3) uint8.
    """
    dream, history = DreamBatch(bundle, len(plays), game=plays[0].game), plays[0].history
    codes = np.array([[dream.actions.index(name) for name in play.actions] for play in plays])  # (B, T - 1)
    first = np.stack([play.frames[:history] for play in plays])
    dream.reset_from([seed + number for number in range(len(plays))], first, codes[:, : history - 1])
    numpy = bundle.dynamics.arrays.numpy
    return np.stack([numpy(dream.step(actions)).copy() for actions in codes.T[history - 1 :]])


def held_out_plays(recording: Recording, history: int, most: int = 1) -> list[list[Play]]:
    """Some plays of each game, all of one length, of its last episodes that are long enough: those are held out.

    history: frames that a dream looks at. most: plays of a game; a game may have fewer, one without any is left out.
    """
    from reverie.training.data.recording import held_out_count

    games, wanted = [], history + SHOWN[-1]
    for number, (game, _) in list(enumerate(recording.games.items()))[:MOST_GAMES]:
        episodes = [e for e in reversed(recording.episodes) if recording.game_of(e) == number and e.length > history]
        if not episodes:
            continue
        held_out = episodes[: max(1, held_out_count(len(episodes)))]
        long = [e for e in held_out if e.length >= wanted] or [e for e in episodes if e.length >= wanted][:1]
        places = [(first, e) for e in long for first in range(0, e.length - wanted + 1, wanted)]
        places.sort(key=lambda place: place[0])  # the beginning of each episode before the rest of any
        plays = []
        for first, episode in places[:most] or [(0, max(episodes, key=lambda e: e.length))]:
            rows, part = recording.rows(episode), slice(first, min(first + wanted, episode.length))
            names = tuple(recording.actions[action] for action in rows.actions[part][:-1])
            plays.append(Play(game, np.array(rows.frames[part]), names, history))
        games.append(plays)
    return games


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

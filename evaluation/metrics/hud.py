"""Whether hearts and digits can be read in a dream, and whether the autoencoder alone already spoils them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.metrics.recorded_rollout import Moment
from reverie.evaluation.subjects.subject import Frames, Subject
from reverie.evaluation.subjects.truth import Played
from reverie.games.base import BatchGame

AT_FRAME, AT_FRAMES = 512, 16
"""`hud_readable_at_512` is taken over so many dreamt frames, the last of them that number."""
MISREAD_FRAMES = 1000
"""Real frames that are encoded, decoded and read."""
_AT_ONCE = 64


class Strips(Protocol):
    """What stands on N pictures: hearts (N,), score (N,), and where it is beyond doubt, sure (N,)."""

    @property
    def hearts(self) -> NDArray[np.int64]: ...
    @property
    def score(self) -> NDArray[np.int64]: ...
    @property
    def sure(self) -> NDArray[np.bool_]: ...


class HudReader(Protocol):
    """Reads a game's hearts and digits."""

    def read(self, frames: Frames) -> Strips:
        """Read (N, H, W, 3) uint8."""

    def exact(self, frames: Frames, game: BatchGame) -> NDArray[np.bool_]:
        """(B,): where the game's own frames are read beyond doubt, as what its state is."""


class HudReadable:
    """A watcher of rollouts.

    `hud_readable`: share of the dreamt frames whose hearts and digits are read beyond doubt. `hud_exact`: share of the
    real frames beside them that are read so, and as what the game's state is; `hud_frames`: how many they are.
    """

    def __init__(self, reader: HudReader) -> None:
        self._reader = reader
        self._sure: list[NDArray[np.bool_]] = []
        self._exact = arithmetic.Share()

    def see(self, moment: Moment) -> None:
        """See Watcher."""
        self._sure.append(self._reader.read(moment.dreamt).sure)
        self._exact.add(self._reader.exact(moment.real, moment.game))

    def segment(self, rows: slice, counted: NDArray[np.bool_]) -> dict[str, float | None]:
        """See Watcher."""
        return {"hud_readable": arithmetic.mean_or_none(np.stack(self._sure)[rows])}

    def result(self, counted: NDArray[np.bool_]) -> dict[str, Any]:
        """See Watcher."""
        late = slice(AT_FRAME - AT_FRAMES, AT_FRAME) if len(self._sure) >= AT_FRAME else slice(0)
        figures = {"hud_readable_at_512": self.segment(late, counted)["hud_readable"]}
        return figures | {"hud_exact": self._exact.value, "hud_frames": self._exact.of}


def hud_misread(subject: Subject, truth: Played, reader: HudReader) -> dict[str, int]:
    """Counts over real frames that were encoded and decoded.

    `hud_misread_digits`, `hud_misread_hearts`: frames of which these are not read as before, `hud_doubted`: frames that
    are not read beyond doubt, `hud_misread_frames`: of how many. The frames are spread over all episodes.
    """
    each = min(truth.ticks + 1, -(-MISREAD_FRAMES // truth.batch))
    ticks = np.linspace(0, truth.ticks, each).round().astype(int)
    kept = [frames.copy() for t, _, frames in truth.play() if t in ticks]
    pictures = np.concatenate(kept)[:MISREAD_FRAMES]
    digits = hearts = doubted = 0
    for start in range(0, len(pictures), _AT_ONCE):
        real = pictures[start : start + _AT_ONCE]
        before, after = reader.read(real), reader.read(subject.decode(subject.encode(real)))
        digits += int((before.score != after.score).sum())
        hearts += int((before.hearts != after.hearts).sum())
        doubted += int((~after.sure).sum())
    return {
        "hud_misread_digits": digits,
        "hud_misread_hearts": hearts,
        "hud_doubted": doubted,
        "hud_misread_frames": len(pictures),
    }

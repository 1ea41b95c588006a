"""Whether hearts and digits can be read in a dream, and whether the autoencoder alone already spoils them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.metrics.recorded_rollout import Moment
from reverie.evaluation.subjects.subject import Frames, Subject
from reverie.games.base import BatchGame

AT_FRAME, AT_FRAMES = 512, 16
"""`hud_readable_at_512` is taken over so many dreamt frames, the last of them that number."""
MISREAD_FRAMES = 1000
"""Real frames that are encoded, decoded and read."""


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

    Some of the real frames, spread over the rollout, are encoded and decoded besides: `hud_misread_digits` and
    `hud_misread_hearts` count those of which these are read otherwise than before, `hud_doubted` those that are not
    read beyond doubt any more. `hud_misread_frames`: of how many.
    """

    def __init__(self, reader: HudReader, subject: Subject, horizon: int, batch: int) -> None:
        self._reader, self._subject = reader, subject
        self._sure: list[NDArray[np.bool_]] = []
        self._exact = arithmetic.Share()
        ticks = min(horizon, -(-MISREAD_FRAMES // batch))
        self._decoded_at = set(np.linspace(1, horizon, ticks).round().astype(int).tolist())
        self._left = MISREAD_FRAMES
        self._counts = dict.fromkeys(
            ("hud_misread_digits", "hud_misread_hearts", "hud_doubted", "hud_misread_frames"), 0
        )

    def see(self, moment: Moment) -> None:
        """See Watcher."""
        self._sure.append(self._reader.read(moment.dreamt).sure)
        self._exact.add(self._reader.exact(moment.real, moment.game))
        if moment.number in self._decoded_at:
            self._decode(moment.real[: self._left])

    def _decode(self, real: Frames) -> None:
        before = self._reader.read(real)
        after = self._reader.read(self._subject.decode(self._subject.encode(real)))
        self._counts["hud_misread_digits"] += int((before.score != after.score).sum())
        self._counts["hud_misread_hearts"] += int((before.hearts != after.hearts).sum())
        self._counts["hud_doubted"] += int((~after.sure).sum())
        self._counts["hud_misread_frames"] += len(real)
        self._left -= len(real)

    def segment(self, rows: slice, counted: NDArray[np.bool_]) -> dict[str, float | None]:
        """See Watcher."""
        return {"hud_readable": arithmetic.mean_or_none(np.stack(self._sure)[rows])}

    def result(self, counted: NDArray[np.bool_]) -> dict[str, Any]:
        """See Watcher."""
        late = slice(AT_FRAME - AT_FRAMES, AT_FRAME) if len(self._sure) >= AT_FRAME else slice(0)
        figures = {"hud_readable_at_512": self.segment(late, counted)["hud_readable"], **self._counts}
        return figures | {"hud_exact": self._exact.value, "hud_frames": self._exact.of}

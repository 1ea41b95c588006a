"""One game of a session: where play in it stands, also while another one is played."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from reverie.app.errors import Mistake
from reverie.engine.likeness import GOOD, Likeness
from reverie.engine.rewind import Moment, Rewind
from reverie.games.real import RealGame
from reverie.games.world import Frame, Step, World
from reverie.games.worlds import RealWorld

if TYPE_CHECKING:
    from reverie.engine.dream import Dream

KEPT = 16
"""Frames of history kept for a hand-over between dream and real game."""


class GameState:
    """A game, dreamt or real: both worlds, the last frames, the score, a saved moment and the way back.

    frame: (H, W, 3) uint8, the present picture. seed: of what is played now. score: since the round began.
    history: the last frames, each with the action that led to it. known_faults: how many of the dream's faults
    were reported. far: of the dream's picture from what the game shows, as last measured; None in the real game and
    where nothing is remembered. lost: how often in a row it was measured too far.
    """

    def __init__(
        self, name: str, dream: Dream | None, open_real: Callable[[], RealWorld], seed: int, real: bool
    ) -> None:
        """dream: already begun; None where only the real game can be played. real: begin with the real game.

        open_real: makes the real game, when it is first asked for.
        """
        self.name = name
        self.dream = dream
        self.seed = seed
        self.is_real = real
        self.score = 0.0
        self.known_faults = 0
        self.far: float | None = None
        self.lost = 0
        self._likeness: Likeness | None = None
        self.history: deque[tuple[Frame, int]] = deque(maxlen=KEPT)
        self._open_real = open_real
        self._real: RealWorld | None = None
        self._saved: Moment | None = None
        self._past = Rewind()
        self._rewound = False
        if real:
            self._see(self.real.reset(seed))
        else:
            assert dream is not None
            self._see(dream.frame)  # it has begun, and a tape of it begins there

    @property
    def real(self) -> RealWorld:
        """The real game, made when first asked for."""
        if self._real is None:
            self._real = self._open_real()
            self._real.reset(self.seed)
        return self._real

    @property
    def world(self) -> World:
        """The dream or the real game, whichever is being played."""
        if self.is_real:
            return self.real
        assert self.dream is not None
        return self.dream

    @property
    def cut(self) -> bool:
        """True when the real game stopped and began anew with the last step: nothing leads to this frame."""
        return bool(getattr(self.world, "cut", False))

    def step(self, action: int) -> Step:
        """Play one action."""
        step = self.world.step(action)
        # The runtime may draw the next frame into the same memory.
        step = step._replace(frame=np.array(step.frame))
        self.score = 0.0 if step.ended else self.score + step.reward
        if self.cut:
            self._see(step.frame)
        else:
            self.frame = step.frame
            self.history.append((step.frame, action))
        return step

    def begin(self, seed: int) -> None:
        """Begin anew from that seed."""
        self.seed, self.score = seed, 0.0
        self._see(self.world.reset(seed))

    def begin_at(self, picture: Frame) -> None:
        """Begin the dream at what it makes of this picture, before which there was nothing."""
        assert self.dream is not None
        self.score, self.is_real = 0.0, False
        self._see(self.dream.begin_z(self.seed, self.dream.seen(picture)[0]))

    def go_on_in_dream(self) -> None:
        """Begin the dream from the frames just seen, and play it from there."""
        assert self.dream is not None
        frames, actions = zip(*self.history, strict=True)
        # From nothing: what a dream remembers goes back further than its history, through its layers.
        self.dream.reset_from(self.seed, np.stack(frames), actions[1:])
        self.frame = frames[-1]
        self.is_real = False

    def go_on_in_real(self) -> str:
        """Play the real game, from the picture where it can read one and anew where it cannot; returns which.

        Raises Mistake where the picture is none of the game; then nothing has changed.
        """
        game = self.real
        if not hasattr(game, "restore_from"):
            self._see(game.reset(self.seed))
            self.is_real = True
            return "the real game begins anew"
        try:
            self.frame = game.restore_from(np.stack([frame for frame, _ in self.history]), self.seed)
        except ValueError as error:
            raise Mistake(f"The real game cannot go on from this picture: {error}") from error
        self.is_real = True
        return "the real game goes on from here"

    def follow(self, before: GameState) -> None:
        """Let this dream go on where the same game stands in another one's pictures of the same size."""
        self.history, self.score = before.history, before.score
        if not isinstance(before._real, RealGame):  # which may be of other rules, and is opened in no time
            self._real = before._real
        self.go_on_in_dream()

    def save_moment(self) -> None:
        """Keep this moment; one is kept. Raises Mistake where the game could not go back to it."""
        moment = self._moment()
        if moment is None:
            raise Mistake(f"This moment cannot be kept: {self.end_of_way_back}.")
        self._saved = moment

    def load_moment(self) -> bool:
        """Go back to the kept moment; False when there is none."""
        if self._saved is None:
            return False
        self._return_to(self._saved)
        return True

    def paint(self, patch: Frame, top: int, left: int) -> None:
        """Put a patch (h, w, 3) uint8 into the dream's picture: what leads on is what the dream makes of it."""
        assert self.dream is not None
        picture = self.frame.copy()
        picture[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
        self.frame = np.array(self.dream.paint(picture))
        self.history[-1] = (self.frame, self.history[-1][1])

    def remember(self, now: bool = False) -> None:
        """Keep the way back to the present frame. now: so that play can go on from this very frame."""
        self._past.add(self.frame, self._moment, self._is_good, now)

    def wake(self, frames: int) -> bool:
        """Go back to the last good picture that is at least so many frames old; False where none is kept."""
        moment = self._past.last_good(frames)
        if moment is not None:
            self._return_to(moment)
            self.lost = 0
        return moment is not None

    def rewind(self, frames: int) -> bool:
        """Show the picture of so many frames ago; False where what is kept does not go back further.

        The world itself goes back with `play_on`.
        """
        frame = self._past.back(frames)
        if frame is not None:
            self.frame, self._rewound = frame, True
        return frame is not None

    def play_on(self) -> bool:
        """After `rewind`, go on from the last moment up to the picture shown; False where nothing was rewound."""
        if rewound := self._rewound:
            self._rewound = False
            self._return_to(self._past.moment())
        return rewound

    @property
    def end_of_way_back(self) -> str:
        """Why it goes back no further, in a few words."""
        if self._moment() is None:
            return f"the state of {self.name} cannot be copied in time"
        return "that is as far back as it goes"

    def _is_good(self) -> bool:
        """Measure how far the present picture is from what the game shows; whether it is good."""
        if self.is_real or self.dream is None:
            self.far, self.lost = None, 0
            return True
        if self._likeness is None:
            self._likeness = Likeness(self.dream.starts)
        self.far = self._likeness.far(self.frame)
        self.lost = self.lost + 1 if self.far > GOOD else 0
        return not self.lost

    def _moment(self) -> Moment | None:
        """The present moment; None where the world could not go back to it at once."""
        snapshot = self.world.snapshot()
        if not getattr(self.world, "can_restore", lambda _: True)(snapshot):
            return None
        return Moment(self.is_real, snapshot, tuple(self.history), self.score, self.seed)

    def _return_to(self, moment: Moment) -> None:
        world = self.real if moment.is_real else self.dream
        assert world is not None
        self.frame = np.array(world.restore(moment.snapshot))
        self.is_real, self.score, self.seed = moment.is_real, moment.score, moment.seed
        self.history = deque(moment.history, maxlen=KEPT)

    def _see(self, frame: Frame) -> None:
        """This picture comes from none before it."""
        self.frame = np.array(frame)
        self.history.clear()
        self.history.append((self.frame, 0))

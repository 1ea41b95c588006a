"""What a dream offers to choose from: its start pictures, what it makes of a person's picture, other futures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reverie.app.play.game_loop import GameLoop
from reverie.app.play.picture import read_picture
from reverie.app.window.about import About
from reverie.app.window.offer import Offer
from reverie.games.world import Frame

if TYPE_CHECKING:
    from reverie.app.play.futures import Futures

BRANCHES, BRANCH_SECONDS = 4, 2.0
"""How many futures there are to choose from, and how long they are."""


class DreamOffers:
    """Makes offers on the engine's thread. made: one that the window has not shown yet."""

    def __init__(self, loop: GameLoop, about: About) -> None:
        self._loop = loop
        self._about = about
        self.made: Offer | None = None

    def start_pictures(self) -> None:
        """Let the person choose a start picture."""
        in_dream = self._loop.session.in_dream

        def offer() -> None:
            pictures = in_dream.start_pictures()
            self.made = Offer(
                "where does the dream begin?",
                f"arrows, Enter: begin here, {self._back()}",
                pictures,
                [str(number) for number in range(len(pictures))],
                lambda number: self._loop.do(lambda: in_dream.begin_start(number)),
                chosen=self._loop.session.game.seed % len(pictures),
            )

        self._loop.do(offer)

    def picture(self, path: Path) -> None:
        """Show what the dream makes of the picture in a file, to begin there."""
        session = self._loop.session

        def offer() -> None:
            picture = read_picture(path, session.frame.shape[0])
            self.made = self.preview(picture, session.in_dream.seen(picture), begun=False)

        self._loop.do(offer)

    def preview(self, picture: Frame, seen: Frame, begun: bool) -> Offer:
        """A picture beside what the dream makes of it. begun: the dream stands there already, and waits."""
        in_dream = self._loop.session.in_dream
        begin = (lambda _: None) if begun else (lambda _: self._loop.do(lambda: in_dream.begin_at(picture)))
        return Offer(
            "what the dream makes of your picture",
            f"Enter: the dream begins here{'' if begun else f', {self._back()}'}",
            (picture, seen),
            ("your picture", "as it is dreamt"),
            begin,
            chosen=1,
        )

    def branch(self) -> None:
        """Play the next seconds several times with other luck, under the key that is held now."""
        held, in_dream = self._loop.latch.held, self._loop.session.in_dream

        def begin() -> None:
            futures = in_dream.futures(BRANCHES, BRANCH_SECONDS, held)
            self.made = offer = Offer(
                f"{BRANCH_SECONDS:g} seconds ahead, with other luck",
                f"1 – {BRANCHES}: go on with one, {self._back()}",
                futures.pictures,
                [str(number + 1) for number in range(BRANCHES)],
                lambda number: self._loop.do(lambda: go_on(futures, number)),
                numbered=True,
                leave=futures.stop,
            )
            play(futures, offer)

        def play(futures: Futures, offer: Offer) -> None:
            """A frame of each, and after it what else the loop has to do."""
            if not futures.done:
                futures.step()
                offer.pictures = futures.pictures
                self._loop.do(lambda: play(futures, offer))

        def go_on(futures: Futures, number: int) -> str:
            futures.stop()
            in_dream.change_luck(futures.lucks[number])
            self._loop.play_ahead([futures.action] * futures.frames)
            return f"future {number + 1}"

        self._loop.do(begin)

    def _back(self) -> str:
        return f"{self._about.keys.shown('menu')}: back"

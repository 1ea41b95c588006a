"""What a person can do in a dream that no game can offer."""

from __future__ import annotations

from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING

from reverie.app.errors import Mistake
from reverie.app.play.opening import rules_of
from reverie.app.play.worlds import Worlds
from reverie.engine.agent import AgentPlayer
from reverie.engine.likeness import LOST_MEASUREMENTS, WAKE_FRAMES
from reverie.games.self_player import SelfPlayer
from reverie.games.world import Frame

if TYPE_CHECKING:
    from reverie.app.play.futures import Futures
    from reverie.app.play.mind import Mind
    from reverie.engine.dream import Dream


class InDream:
    """Begin anywhere, play by itself, other futures, waking, painting, and the mind of the dream that is played.

    What changes the play returns the message for the person. woke: how often a lucid dream woke by itself.
    """

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds
        self._lucks = count(1)
        self._player: SelfPlayer | AgentPlayer | None = None
        self._player_since: tuple[int, str] = (0, "")
        self._mind: Mind | None = None
        self.woke = 0

    # Begin anywhere.

    def start_pictures(self) -> tuple[Frame, ...]:
        """The pictures that the dream of this game can start at, by number. Raises Mistake where there is no dream."""
        return tuple(self._worlds.dream_to_begin().starts.frames[:, -1])

    def begin_start(self, number: int) -> str:
        """Begin the dream at that start picture, with the next seed that chooses it. Raises Mistake as they do."""
        dream = self._worlds.dream_to_begin()
        self._worlds.game.is_real = False
        self._worlds.game.begin(self._worlds.game.seed + 1 + (number - self._worlds.game.seed - 1) % len(dream.starts))
        self._worlds.cut()
        return f"start {number}, seed {self._worlds.game.seed}"

    def seen(self, picture: Frame) -> Frame:
        """What the dream makes of a picture of its size. Raises Mistake where there is no dream."""
        return self._worlds.dream_to_begin().seen(picture)[1]

    def begin_at(self, picture: Frame) -> str:
        """Begin the dream at a picture of its size. Raises Mistake where there is no dream."""
        self._worlds.dream_to_begin()
        self._worlds.game.begin_at(picture)
        self._worlds.cut()
        return "the dream begins at your picture"

    # It plays itself.

    def own_action(self) -> int:
        """What the bundle's agent, or else the world's own player, presses next by what the last pictures show."""
        worlds, game = self._worlds, self._worlds.game
        since, actions = (worlds.cuts, game.name), len(game.world.actions)
        if self._player is None or self._player_since != since:
            agent = worlds.bundle.agents.get(game.name) if worlds.bundle else None
            if agent and agent.actions == actions:
                self._player = AgentPlayer(agent, game.seed)
            else:
                rules = rules_of(game.name, worlds.bundle)
                self._player = SelfPlayer(game.name, actions, game.seed, waits=False, rules=rules)
            self._player_since = since
        return self._player.act([frame for frame, _ in game.history])

    # Other futures.

    def futures(self, number: int, seconds: float, action: str | None) -> Futures:
        """So many futures of the dream from here, each with other luck, under an action that is held.

        Raises Mistake in the real game.
        """
        from reverie.app.play.futures import Futures

        dream = self._dream("the real game has the luck that it has: Tab goes to the dream")
        actions = self._worlds.game.world.actions
        pressed = actions.index(action) if action in actions else 0
        frames = round(seconds * dream.bundle.manifest.fps)
        return Futures(dream, tuple(islice(self._lucks, number)), pressed, frames)

    def change_luck(self, seed: int) -> None:
        """Let the dream go on with that luck. Raises Mistake in the real game."""
        self._dream("the real game has the luck that it has: Tab goes to the dream").change_luck(seed)

    # Waking.

    def wake(self) -> str:
        """Take the dream back to its last good picture, or where none is kept to a start, and on with other luck.

        Raises Mistake in the real game.
        """
        dream = self._dream("this is no dream: there is nothing to wake from")
        if self._worlds.game.wake(WAKE_FRAMES):
            dream.change_luck(next(self._lucks))
            self._worlds.cut()
            return "back to the last good picture, with other luck"
        return f"no good picture is kept: {self._worlds.new_start()}"

    def watch(self, ended: bool) -> None:
        """A frame was played: let a lucid dream wake that has lost the game. ended: the round was lost on it."""
        if ended and isinstance(self._player, AgentPlayer):
            self._player = None  # the pictures of the lost round are none of the next
        if self._worlds.choice.lucid and self._worlds.game.lost >= LOST_MEASUREMENTS:
            self.wake()
            self.woke += 1

    # Painting.

    def paint(self, patch: Frame, top: int, left: int) -> str:
        """Put a patch (h, w, 3) uint8 into the dream's picture. Raises Mistake in the real game."""
        self._dream("the real game cannot be painted: Tab goes to the dream")
        self._worlds.game.paint(patch, top, left)
        if self._worlds.remembers:
            self._worlds.game.remember(now=True)
        self._worlds.cut()
        return "the dream goes on from the changed picture"

    # The mind.

    @property
    def mind(self) -> Mind | None:
        """What follows the dream that is played; None while that is hidden, and in the real game."""
        dream = self._worlds.dream
        if self._mind is None or dream is None or self._worlds.is_real:
            return None
        if self._mind.dream is not dream:  # another game or bundle was opened
            self._mind.end()
            self._mind = self._follow(dream)
        return self._mind

    def toggle_mind(self) -> str:
        """Follow what goes on in the dream, or do so no more. Raises Mistake in the real game."""
        if self._mind:
            self._mind.end()
            self._mind = None
            return "what goes on in the dream is hidden"
        self._mind = self._follow(self._dream("the real game has no mind: Tab goes to the dream"))
        return "where the dream is unsure, and how else it may go on"

    def _follow(self, dream: Dream) -> Mind:
        from reverie.app.play.mind import Mind

        return Mind(dream, partial(next, self._lucks))

    def _dream(self, otherwise: str) -> Dream:
        """The dream that is played. Raises Mistake with that sentence in the real game."""
        dream = self._worlds.dream
        if dream is None or self._worlds.is_real:
            raise Mistake(otherwise)
        return dream

"""The games of a session: one is played, and those that were played before wait where they were left."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from reverie.app.errors import Mistake
from reverie.app.play.choice import Choice
from reverie.app.play.game_state import GameState
from reverie.app.play.opening import open_real, settings_in
from reverie.games import registry
from reverie.games.world import Frame

if TYPE_CHECKING:
    from reverie.engine.bundle import Bundle
    from reverie.engine.dream import Dream
    from reverie.engine.settings import Settings
    from reverie.engine.taping import TapedDream


class TransitionRecorder(Protocol):
    """Writes down every transition, for training."""

    def reset(self, frame: Frame, seed: int) -> None:
        """What follows does not come from what was before: an episode begins at `frame`."""

    def step(self, action: int, frame: Frame, reward: float, ended: bool) -> None:
        """`action` turned the last frame into `frame`."""


class Worlds:
    """The bundle and the games that are played with it, dreamt or real.

    game: what is played. cuts: how often its frame did not come from the one before. taped: the dream that is noted
    down for a tape. recorder: who writes down what is played, if anybody does. remembers: whether the way back is kept,
    which takes memory and a little time a frame: at first only where the choice is to be lucid, which needs it.
    """

    def __init__(self, choice: Choice, bundle: Bundle | None = None, size: int = 64) -> None:
        """bundle: the loaded bundle of `choice.bundle`. size: of the real game's frames where no dream gives it.

        Raises Mistake, or the ValueErrors of engine and games.
        """
        self.choice = choice
        self.size = size
        self.bundle = bundle
        self.taped: TapedDream | None = None
        self.recorder: TransitionRecorder | None = None
        self.remembers = choice.lucid
        self.cuts = 0
        self._settings: Settings = settings_in(bundle, choice, None) if bundle else {}
        self.game = self._begin(self._first_game(), bundle, choice.seed, choice.real, choice.start)
        self._played = {self.game.name: self.game}

    @property
    def frame(self) -> Frame:
        """The present picture, (H, W, 3) uint8."""
        return self.game.frame

    @property
    def is_real(self) -> bool:
        """True while the real game is played."""
        return self.game.is_real

    @property
    def dream(self) -> Dream | None:
        """The dream of the game that is played, None where there is none."""
        return self.game.dream

    @property
    def games(self) -> tuple[str, ...]:
        """What can be played here: the games of the bundle, and after --real the built-in ones too."""
        own = self.bundle.manifest.games if self.bundle else ()
        built_in = self.game.name in registry.names() and self.choice.environment is None
        others = registry.names() if self.choice.real and built_in else (self.game.name,)
        return tuple(dict.fromkeys((*own, *others)))

    def next_game(self) -> str:
        """Jump to the game after this one."""
        games = self.games
        if len(games) == 1:
            return f"{self.bundle.manifest.name} only has the game {games[0]}" if self.bundle else "no other game here"
        return self.open_game(games[(games.index(self.game.name) + 1) % len(games)])

    def open_game(self, name: str) -> str:
        """Jump to another game with the same settings. One that was played before goes on where it was left."""
        if self.recorder:
            return "one world is being recorded: no other game"
        if name not in self.games:
            raise Mistake(f"There is no game {name} here; there is {', '.join(self.games)}.")
        if self.dream is not None:
            self._settings = self.dream.settings
        game = self._played.get(name) or self._begin(name, self.bundle, self.choice.seed, self.choice.real)
        if game.dream is not None:
            game.dream.change(**self._settings)
        self.game = self._played[name] = game
        return f"game: {name}"

    def switch_bundle(self, bundle: Bundle) -> str:
        """Another dream goes on from the current frame when it knows the same pictures, and starts anew otherwise."""
        before, manifest = self.game, bundle.manifest
        known = before.name in manifest.games
        self._settings = settings_in(bundle, self.choice, self.dream)
        game = self._begin(before.name if known else manifest.games[0], bundle, before.seed, real=False)
        if known and before.frame.shape[0] == manifest.resolution:
            game.follow(before)
        self.bundle, self.game, self._played = bundle, game, {game.name: game}
        self.cut()
        return f"bundle {manifest.name}"

    def new_start(self) -> str:
        """Begin anew with the next seed."""
        self.game.begin(self.game.seed + 1)
        self.cut()
        return f"new start, seed {self.game.seed}"

    def cut(self) -> None:
        """The frame does not come from the one before: an episode of a recording begins."""
        self.cuts += 1
        if self.recorder:
            self.recorder.reset(self.frame, self.game.seed)

    def dream_to_begin(self) -> Dream:
        """The dream of this game, to begin it elsewhere. Raises Mistake where there is none."""
        if self.dream is None:
            raise Mistake(f"there is no dream of {self.game.name} here")
        if self.is_real and self.recorder:
            raise Mistake("one world is being recorded: no dream")
        return self.dream

    def _first_game(self) -> str:
        """The game to begin with. Raises ValueError for one that the bundle does not dream."""
        if self.bundle:
            manifest = self.bundle.manifest
            return manifest.games[manifest.game_number(self.choice.game)]
        made = self.choice.environment
        return self.choice.game or (made.source if made else registry.names()[0])

    def _begin(self, name: str, bundle: Bundle | None, seed: int, real: bool, start: int | None = None) -> GameState:
        """Begin a game: dreamt where the bundle can and `real` does not say otherwise."""
        dream: Dream | None = None
        if bundle and name in bundle.manifest.games:
            if self.choice.tape and self.taped is None:
                from reverie.engine.taping import TapedDream

                dream = self.taped = TapedDream(bundle, **self._settings, seed=seed, start=start, game=name)
            else:
                from reverie.engine.dream import Dream

                dream = Dream(bundle, **self._settings, seed=seed, game=name)
                if start is not None:
                    dream.reset(seed, start)
        size = bundle.manifest.resolution if bundle else self.size
        return GameState(name, dream, partial(open_real, name, bundle, self.choice, size), seed, real or dream is None)

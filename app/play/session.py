"""What is being played: a dream, the real game, one game or another. Lives on the engine's thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Protocol

from reverie.app.errors import Mistake
from reverie.app.play import switches
from reverie.app.play.game_state import GameState
from reverie.app.play.opening import dream_name, open_real, settings_in
from reverie.app.play.speeds import Speeds
from reverie.engine.families import family
from reverie.engine.likeness import LOST_MEASUREMENTS, WAKE_FRAMES
from reverie.engine.settings import shown
from reverie.games import registry
from reverie.games.environment import Environment
from reverie.games.self_player import SelfPlayer
from reverie.games.world import Frame, Step

if TYPE_CHECKING:
    from reverie.app.play.futures import Futures
    from reverie.app.play.mind import Mind, Thoughts
    from reverie.engine.bundle import Bundle
    from reverie.engine.dream import Dream
    from reverie.engine.settings import SettingInfo, Settings, Value
    from reverie.engine.taping import TapedDream

REWIND_FRAMES = 2
"""Frames that the picture goes back in a tick: twice as fast as they were played."""


@dataclass(frozen=True)
class Choice:
    """What to play.

    bundle: name or folder, None for the real game only. game: which of the bundle's games, or which real game; None
    for the first. real: every game begins as the real one. settings: of the dream; the bundle's own hold for those that
    are left out. seed: of the first start of every game. start: which of the first game's start histories, None to
    let the seed choose. picture: (H, W, 3) uint8 that the first dream begins at instead. tape: note down what replays
    the first dream. environment: how the real game is made, None for what its name and the bundle say. lucid: a dream
    that loses the game goes back by itself.
    """

    bundle: str | None = None
    game: str | None = None
    real: bool = False
    settings: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 0
    start: int | None = None
    picture: Frame | None = None
    backend: str = "onnx"
    tape: bool = False
    environment: Environment | None = None
    lucid: bool = False


@dataclass(frozen=True)
class Status:
    """What the HUD says about the session at one frame.

    settings: of the dream, empty for the real game. shown: the same in one line. compared: what a frame costs with each
    choice of the mode, where all were played. score: None where a dream predicts no
    rewards. games: all that can be played here, in order. far: how far the picture is from what the game shows, see
    `Likeness`; None where it is not measured. thoughts: what goes on in the dream; None while that is hidden.
    """

    real: bool
    bundle: str
    game: str
    games: tuple[str, ...]
    settings: Settings
    shown: str
    compared: str
    history: int
    slots: int
    seed: int
    timings: Mapping[str, float]
    score: float | None
    faults: int
    far: float | None
    thoughts: Thoughts | None


class TransitionRecorder(Protocol):
    """Writes down every transition, for training."""

    def reset(self, frame: Frame, seed: int) -> None:
        """What follows does not come from what was before: an episode begins at `frame`."""

    def step(self, action: int, frame: Frame, reward: float, ended: bool) -> None:
        """`action` turned the last frame into `frame`."""


class Session:
    """A World with the switches of the window: game, settings, hand-over, bundle, new start, saved moment."""

    def __init__(self, choice: Choice, bundle: Bundle | None = None, size: int = 64) -> None:
        """bundle: the loaded bundle of `choice.bundle`. size: of the real game's frames where no dream gives it.

        `remembers` is whether the way back is kept, which takes memory and a little time a frame: at first only where
        the choice is to be lucid, which needs it.
        Raises Mistake, or the ValueErrors of engine and games.
        """
        self.choice = choice
        self.size = size
        self.bundle = bundle
        self.taped: TapedDream | None = None
        self.recorder: TransitionRecorder | None = None
        self.remembers = choice.lucid
        self.woke = 0
        self.fault = ""
        self._speeds = Speeds()
        self._player: SelfPlayer | None = None
        self._lucks = count(1)
        self.mind: Mind | None = None
        self._settings: Settings = settings_in(bundle, choice, None) if bundle else {}
        self.game = self._begin(self._first_game(), bundle, choice.seed, choice.real, choice.start)
        self._played = {self.game.name: self.game}
        if choice.picture is not None:
            self.begin_at(choice.picture)

    # The World's verbs.

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
    def name(self) -> str:
        """What the world is called in a recording."""
        return self.game.real.name if self.is_real else dream_name(self._bundle(), self.game.name)

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions of the game that is played; index 0 is noop."""
        return self.game.world.actions

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds by stage of the last frame; empty for the real game."""
        return {} if self.is_real else self._dream().timings

    def step(self, action: int) -> Step:
        """Play one action. `fault` then is the sentence of the last frame that a graph got too wrong to be shown."""
        step = self.game.step(action)
        if not self.is_real:
            self._speeds.add(*self._dreamt_with(), sum(self._dream().timings.values()))
            if self.mind and self.mind.dream is not self.dream:  # another game or bundle was opened
                self.toggle_mind()
                self.toggle_mind()
            if self.mind:
                self.mind.see(action)
        if self.remembers:
            self.game.remember()
        if self.dream is not None and self.dream.faults.count > self.game.known_faults:
            self.game.known_faults, self.fault = self.dream.faults.count, self.dream.faults.last
        if self.game.cut:
            self._break()
        elif self.recorder:
            self.recorder.step(action, *step)
        if self.choice.lucid and self.game.lost >= LOST_MEASUREMENTS:
            self.wake()
            self.woke += 1
        return step

    def own_action(self) -> int:
        """What the world's own player presses next, by what the last pictures show."""
        if self._player is None:
            self._player = SelfPlayer(self.game.name, len(self.actions), self.game.seed, waits=False)
        return self._player.act([frame for frame, _ in self.game.history])

    # The switches. Each returns the message for the person.

    def new_start(self) -> str:
        """Begin anew with the next seed."""
        self.game.begin(self.game.seed + 1)
        self._break()
        return f"new start, seed {self.game.seed}"

    def start_pictures(self) -> tuple[Frame, ...]:
        """The pictures that the dream of this game can start at, by number. Raises Mistake where there is no dream."""
        return tuple(self._dream_to_begin().starts.frames[:, -1])

    def begin_start(self, number: int) -> str:
        """Begin the dream at that start picture, with the next seed that chooses it."""
        dream = self._dream_to_begin()
        self.game.is_real = False
        self.game.begin(self.game.seed + 1 + (number - self.game.seed - 1) % len(dream.starts))
        self._break()
        return f"start {number}, seed {self.game.seed}"

    def seen(self, picture: Frame) -> Frame:
        """What the dream makes of a picture of its size. Raises Mistake where there is no dream."""
        return self._dream_to_begin().seen(picture)[1]

    def begin_at(self, picture: Frame) -> str:
        """Begin the dream at a picture of its size."""
        self._dream_to_begin()
        self.game.begin_at(picture)
        self._break()
        return "the dream begins at your picture"

    def futures(self, number: int, seconds: float, action: str | None) -> Futures:
        """So many futures of the dream from here, each with other luck, under an action that is held.

        Raises Mistake in the real game.
        """
        from reverie.app.play.futures import Futures

        if self.is_real:
            raise Mistake("the real game has the luck that it has: Tab goes to the dream")
        pressed = self.actions.index(action) if action in self.actions else 0
        frames = round(seconds * self._bundle().manifest.fps)
        return Futures(self._dream(), tuple(islice(self._lucks, number)), pressed, frames)

    def toggle_mind(self) -> str:
        """Follow what goes on in the dream, or do so no more."""
        from reverie.app.play.mind import Mind

        if self.mind:
            self.mind.end()
            self.mind = None
            return "what goes on in the dream is hidden"
        if self.is_real:
            raise Mistake("the real game has no mind: Tab goes to the dream")
        self.mind = Mind(self._dream(), partial(next, self._lucks))
        return "where the dream is unsure, and how else it may go on"

    def think(self, frame: float, rest: float) -> None:
        """Use the time between two frames, see `Mind.think`."""
        if self.mind and not self.is_real:
            self.mind.think(frame, rest)

    def paint(self, patch: Frame, top: int, left: int) -> str:
        """Put a patch (h, w, 3) uint8 into the dream's picture. Raises Mistake in the real game."""
        if self.is_real:
            raise Mistake("the real game cannot be painted: Tab goes to the dream")
        self.game.paint(patch, top, left)
        if self.remembers:
            self.game.remember(now=True)
        self._break()
        return "the dream goes on from the changed picture"

    def change_luck(self, seed: int) -> None:
        """Let the dream go on with that luck."""
        self._dream().change_luck(seed)

    def change_setting(self, name: str, by: int = 1) -> str:
        """Go to the next choice of a setting of the dream, or change a number by so many of its steps."""
        if self.is_real:
            return f"the real game has no {switches.title_of_setting(name)}"
        says = switches.change_setting(self._dream(), name, by)
        choices = self._bundle().manifest.choices(name)
        return self._speeds.compared(*self._dreamt_with(), name, choices, any) or says

    def hand_over(self) -> str:
        """Dream ↔ real game, going on from the current frame."""
        if self.recorder:
            return "one world is being recorded: no hand-over"
        if not self.is_real:
            return self.game.go_on_in_real()
        if self.dream is None and self.bundle:
            return f"{self.bundle.manifest.name} does not dream {self.game.name}"
        if self.dream is None:
            return "no dream is open: press a number to open one"
        self.game.go_on_in_dream()
        return "the dream goes on from here"

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
        self._player = None
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
        self._break()
        return f"bundle {manifest.name}"

    def save_moment(self) -> str:
        """Keep this moment (one is kept of each game)."""
        self.game.save_moment()
        return "moment saved"

    def load_moment(self) -> str:
        """Go back to the kept moment of this game."""
        if not self.game.load_moment():
            return "no moment is saved yet"
        self._break()
        return "back to the saved moment"

    def wake(self) -> str:
        """Take the dream back to its last good picture, or where none is kept to a start, and on with other luck."""
        if self.is_real:
            raise Mistake("this is no dream: there is nothing to wake from")
        dream = self._dream()
        if self.game.wake(WAKE_FRAMES):
            dream.change_luck(next(self._lucks))
            self._break()
            return "back to the last good picture, with other luck"
        return f"no good picture is kept: {self.new_start()}"

    def rewind(self) -> bool:
        """Show the picture before the last ones; False where what is kept does not go back further."""
        return self.game.rewind(REWIND_FRAMES)

    def play_on(self) -> None:
        """After `rewind`, go on from there: from the last moment up to the picture shown, a quarter of a second."""
        if self.game.play_on():
            self._break()

    def status(self) -> Status:
        """What the HUD shows now."""
        game, dream = self.game, self.dream
        known = self.is_real or self._bundle().dynamics.predicts_outcome
        common = {
            "bundle": self.bundle.manifest.name if self.bundle else "",
            "game": game.name,
            "games": self.games,
            "seed": game.seed,
            "score": game.score if known else None,
            "real": self.is_real,
            "faults": dream.faults.count if dream else 0,
            "far": game.far,
            "thoughts": self.mind.thoughts if self.mind and not self.is_real else None,
        }
        if dream is None or self.is_real:
            return Status(settings={}, shown="", compared="", history=0, slots=0, timings={}, **common)  # type: ignore[arg-type]
        return Status(
            settings=dream.settings,
            shown=shown(family(self._bundle().manifest.family).SETTINGS, dream.settings),
            compared=self._speeds.compared(*self._dreamt_with(), "mode", self._bundle().manifest.choices("mode"), all),
            history=dream.history_fill,
            slots=self._bundle().manifest.history,
            timings=dict(dream.timings),
            **common,  # type: ignore[arg-type]
        )

    # Inside.

    def _dreamt_with(self) -> tuple[str, Mapping[str, SettingInfo], Settings]:
        """What the time of a frame depends on."""
        manifest = self._bundle().manifest
        return manifest.name, family(manifest.family).SETTINGS, self._dream().settings

    def _bundle(self) -> Bundle:
        assert self.bundle is not None
        return self.bundle

    def _dream(self) -> Dream:
        assert self.dream is not None
        return self.dream

    def _dream_to_begin(self) -> Dream:
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

    def _break(self) -> None:
        """The frame does not come from the one before: an episode of a recording begins."""
        self._player = None
        if self.recorder:
            self.recorder.reset(self.frame, self.game.seed)

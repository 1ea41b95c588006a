"""What is being played: a dream, the real game, one game or another. Lives on the engine's thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reverie.app.play import switches
from reverie.app.play.choice import Choice
from reverie.app.play.in_dream import InDream
from reverie.app.play.opening import dream_name
from reverie.app.play.speeds import Speeds
from reverie.app.play.status import Status
from reverie.app.play.worlds import Worlds
from reverie.engine.families import family
from reverie.engine.settings import shown
from reverie.games.world import Step

if TYPE_CHECKING:
    from reverie.engine.bundle import Bundle
    from reverie.engine.dream import Dream
    from reverie.engine.settings import SettingInfo, Settings

REWIND_FRAMES = 2
"""Frames that the picture goes back in a tick: twice as fast as they were played."""


class Session(Worlds):
    """Worlds that are played: a World's verbs, and the switches that every game has.

    in_dream: the switches that only a dream has. fault: the sentence of the last frame that a graph got too wrong to be
    shown.
    """

    def __init__(self, choice: Choice, bundle: Bundle | None = None, size: int = 64) -> None:
        """As `Worlds`. A picture that was chosen is where the first dream begins."""
        super().__init__(choice, bundle, size)
        self.fault = ""
        self.in_dream = InDream(self)
        self._speeds = Speeds()
        if choice.picture is not None:
            self.in_dream.begin_at(choice.picture)

    # The World's verbs.

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
            if self.in_dream.mind:
                self.in_dream.mind.see(action)
        if self.remembers:
            self.game.remember()
        if self.dream is not None and self.dream.faults.count > self.game.known_faults:
            self.game.known_faults, self.fault = self.dream.faults.count, self.dream.faults.last
        if self.game.cut:
            self.cut()
        elif self.recorder:
            self.recorder.step(action, *step)
        self.in_dream.watch(step.ended)
        return step

    # The switches. Each returns the message for the person.

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

    def save_moment(self) -> str:
        """Keep this moment (one is kept of each game)."""
        self.game.save_moment()
        return "moment saved"

    def load_moment(self) -> str:
        """Go back to the kept moment of this game."""
        if not self.game.load_moment():
            return "no moment is saved yet"
        self.cut()
        return "back to the saved moment"

    def rewind(self) -> bool:
        """Show the picture before the last ones; False where what is kept does not go back further."""
        return self.game.rewind(REWIND_FRAMES)

    def play_on(self) -> None:
        """After `rewind`, go on from there: from the last moment up to the picture shown, a quarter of a second."""
        if self.game.play_on():
            self.cut()

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
            "thoughts": self.in_dream.mind.thoughts if self.in_dream.mind else None,
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

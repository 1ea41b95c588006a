"""What is being played: a dream, the real game, or one after the other. Lives on the engine's thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from app.errors import Mistake
from app.extras import needs_games
from engine.manifest import MOST_STEPS
from games import registry
from games.environment import Environment
from games.world import Frame, Step, World
from games.worlds import RealWorld, environment_of, named, open_world

if TYPE_CHECKING:
    from engine.bundle import Bundle
    from engine.dream import Dream
    from engine.taping import TapedDream

KEPT = 16
"""Frames of history kept for a hand-over between dream and real game."""
TEMPERATURES = (0.0, 2.0)


@dataclass(frozen=True)
class Choice:
    """What to play.

    bundle: name or folder, None for the real game only. game: the real game (a dream's own when None).
    mode, decoder, temperature, passes, steps: None for what the bundle holds best. seed: of the first start. start:
    which of the bundle's start histories, None to let the seed choose. tape: note down what replays the first dream.
    environment: how the real game is made, None for what its name and the bundle say.
    """

    bundle: str | None = None
    game: str | None = None
    real: bool = False
    mode: str | None = None
    decoder: str | None = None
    temperature: float | None = None
    passes: int | None = None
    steps: int | None = None
    seed: int = 0
    start: int | None = None
    backend: str = "onnx"
    tape: bool = False
    environment: Environment | None = None


@dataclass(frozen=True)
class Status:
    """What the HUD says about the session at one frame.

    steps: of the diffusion decoder, None where it does not draw. score: None where a dream predicts no rewards.
    """

    real: bool
    bundle: str
    game: str
    mode: str
    decoder: str
    temperature: float
    passes: int
    history: int
    slots: int
    seed: int
    timings: Mapping[str, float]
    score: float | None
    faults: int
    steps: int | None = None


class Witness(Protocol):
    """Writes down every transition, for training."""

    def reset(self, frame: Frame, seed: int) -> None:
        """What follows does not come from what was before: an episode begins at `frame`."""

    def step(self, action: int, frame: Frame, reward: float, ended: bool) -> None:
        """`action` turned the last frame into `frame`."""


class Session:
    """A World with the switches of the window: mode, temperature, hand-over, bundle, new start, saved moment."""

    def __init__(self, choice: Choice, bundle: Bundle | None = None, size: int = 64) -> None:
        """bundle: the loaded bundle of `choice.bundle`. size: of the real game's frames where no dream gives it.

        Raises Mistake, or the ValueErrors of engine and games.
        """
        self.choice = choice
        self.size = size
        self.seed = choice.seed
        self.dream: Dream | None = None
        self.real_game: RealWorld | None = None
        self.bundle: Bundle | None = None
        self.taped: TapedDream | None = None
        self.witness: Witness | None = None
        self.history: deque[tuple[Frame, int]] = deque(maxlen=KEPT)
        self.score = 0.0
        self.fault = ""
        self._moment: tuple[bool, Any, list[tuple[Frame, int]], float] | None = None
        if bundle is not None:
            self._use(bundle)
        self.is_real = choice.real or bundle is None
        self.frame = self._reset()

    # The World's verbs.

    @property
    def world(self) -> World:
        """The dream or the real game, whichever is being played."""
        return self._real() if self.is_real else self._dream()

    @property
    def name(self) -> str:
        """What the world is called: the game's name, or `dream:` and the bundle's."""
        return self._real().name if self.is_real else f"dream:{self._bundle().manifest.name}"

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions; index 0 is noop."""
        return self.world.actions

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds by stage of the last frame; empty for the real game."""
        return {} if self.is_real else self._dream().timings

    def step(self, action: int) -> Step:
        """Play one action. `fault` then is the sentence of the last frame that a graph got too wrong to be shown."""
        step = self.world.step(action)
        if self.dream is not None and self.dream.faults.count:
            self.fault = self.dream.faults.last
        # The runtime may draw the next frame into the same memory.
        step = step._replace(frame=np.array(step.frame))
        self.frame = step.frame
        self.score = 0.0 if step.ended else self.score + step.reward
        if getattr(self.world, "cut", False):  # the real game stopped and began anew: nothing leads to this frame
            self.history.clear()
            self.history.append((step.frame, 0))
            self._break()
            return step
        self.history.append((step.frame, action))
        if self.witness:
            self.witness.step(action, *step)
        return step

    # The switches. Each returns the message for the person.

    def new_start(self) -> str:
        """Begin anew with the next seed."""
        self.seed += 1
        self.choice = replace(self.choice, start=None)
        self.frame = self._reset()
        self._break()
        return f"new start, seed {self.seed}"

    def toggle_mode(self) -> str:
        """parallel ↔ ar."""
        if self.is_real:
            return "the real game has no modes"
        dream, modes = self._dream(), self._bundle().manifest.modes
        if len(modes) < 2:
            return f"{self._bundle().manifest.name} only has the mode {modes[0]}"
        dream.mode = modes[(modes.index(dream.mode) + 1) % len(modes)]
        return "mode: " + {"ar": "autoregressive"}.get(dream.mode, dream.mode)

    def toggle_decoder(self) -> str:
        """vq ↔ diffusion."""
        if self.is_real:
            return "the real game has no decoder"
        dream, decoders = self._dream(), self._bundle().manifest.decoders
        if len(decoders) < 2:
            return f"{self._bundle().manifest.name} only has the decoder {decoders[0]}"
        dream.decoder = decoders[(decoders.index(dream.decoder) + 1) % len(decoders)]
        return f"decoder: {dream.decoder}"

    def change_temperature(self, by: float) -> str:
        """Warmer dreams are wilder."""
        if self.is_real:
            return "the real game has no temperature"
        dream = self._dream()
        dream.temperature = round(min(max(dream.temperature + by, TEMPERATURES[0]), TEMPERATURES[1]), 2)
        return f"temperature {dream.temperature:.2f}"

    def change_passes(self, by: int) -> str:
        """More passes make the frame of the parallel mode agree with itself, and take longer."""
        if self.is_real:
            return "the real game has no passes"
        dream, most = self._dream(), self._bundle().manifest.most_passes
        if most == 1:
            return f"{self._bundle().manifest.name} only has one pass"
        if dream.mode != "parallel":
            return "passes are for the parallel mode"
        dream.passes = min(max(dream.passes + by, 1), most)
        return f"{dream.passes} passes" if dream.passes > 1 else "1 pass"

    def change_steps(self, by: int) -> str:
        """More steps of the diffusion decoder draw a cleaner picture, and take longer."""
        if self.is_real:
            return "the real game has no decoder"
        dream = self._dream()
        if dream.steps is None:
            return f"{self._bundle().manifest.name} has no diffusion decoder"
        if dream.decoder != "diffusion":
            return "steps are for the diffusion decoder"
        dream.steps = min(max(dream.steps + by, 1), MOST_STEPS)
        return f"{dream.steps} steps" if dream.steps > 1 else "1 step"

    def hand_over(self) -> str:
        """Dream ↔ real game, going on from the current frame."""
        if self.witness:
            return "one world is being recorded: no hand-over"
        if self.is_real:
            if self.dream is None:
                return "no dream is open: press a number to open one"
            self._continue_in(self.dream)
            self.is_real = False
            message = "the dream goes on from here"
        else:
            message = self._continue_in_real()
            self.is_real = True
        self._break()
        return message

    def switch_bundle(self, bundle: Bundle) -> str:
        """Another dream goes on from the current frame when it knows the same pictures, and starts anew otherwise."""
        before = self.bundle
        self._use(bundle)
        dream = self._dream()
        self.is_real = False
        if before and before.manifest.games == bundle.manifest.games and self.frame.shape[0] == dream.size:
            self._continue_in(dream)
        else:
            self.frame = self._reset()
        self._break()
        return f"bundle {bundle.manifest.name}"

    def save_moment(self) -> str:
        """Keep this moment (one is kept)."""
        self._moment = (self.is_real, self.world.snapshot(), list(self.history), self.score)
        return "moment saved"

    def load_moment(self) -> str:
        """Go back to the kept moment."""
        if self._moment is None:
            return "no moment is saved yet"
        self.is_real, snapshot, history, self.score = self._moment
        self.frame = np.array(self.world.restore(snapshot))
        self.history = deque(history, maxlen=KEPT)
        self._break()
        return "back to the saved moment"

    def status(self) -> Status:
        """What the HUD shows now."""
        name = self.bundle.manifest.name if self.bundle else ""
        game = self.bundle.manifest.games[0] if self.bundle else self._real().name
        known = self.is_real or self._bundle().manifest.outcome is not None
        score = self.score if known else None
        common = {"bundle": name, "game": game, "seed": self.seed, "score": score, "real": self.is_real}
        common["faults"] = self.dream.faults.count if self.dream else 0
        if self.dream is None or self.is_real:
            return Status(mode="", decoder="", temperature=0.0, passes=1, history=0, slots=0, timings={}, **common)  # type: ignore[arg-type]
        dream = self.dream
        return Status(
            mode=dream.mode,
            decoder=dream.decoder,
            temperature=dream.temperature,
            passes=dream.passes,
            steps=dream.steps if dream.decoder == "diffusion" else None,
            history=dream.history_fill,
            slots=self._bundle().manifest.history,
            timings=dict(dream.timings),
            **common,  # type: ignore[arg-type]
        )

    # Inside.

    def _bundle(self) -> Bundle:
        assert self.bundle is not None
        return self.bundle

    def _dream(self) -> Dream:
        assert self.dream is not None
        return self.dream

    def _real(self) -> RealWorld:
        """The real game, made when first asked for."""
        if self.real_game is None:
            with needs_games():
                game = open_world(self._environment(), self.dream.size if self.dream else self.size)
            if self.bundle and game.actions != self.bundle.manifest.actions:
                raise Mistake(
                    f"{game.name} has other actions than the dream; play the game folder that it was made in."
                )
            self.real_game = game
            game.reset(self.seed)
        return self.real_game

    def _environment(self) -> Environment:
        """How the real game is made: as the person says, or as the bundle may say."""
        if self.choice.environment:
            return self.choice.environment
        if self.choice.game or not self.bundle:
            return named(self.choice.game or registry.names()[0])
        manifest = self.bundle.manifest
        return environment_of(manifest.games[0], manifest.actions, manifest.training.get("environment"))

    def _continue_in_real(self) -> str:
        """Let the real game go on from the picture where it can read one, and begin anew where it cannot."""
        game = self._real()
        if not hasattr(game, "restore_from"):
            self.frame = np.array(game.reset(self.seed))
            self.history.clear()
            self.history.append((self.frame, 0))
            return "the real game begins anew"
        try:
            self.frame = game.restore_from(np.stack([frame for frame, _ in self.history]), self.seed)
        except ValueError as error:
            raise Mistake(f"The real game cannot go on from this picture: {error}") from error
        return "the real game goes on from here"

    def _use(self, bundle: Bundle) -> None:
        """Make a dream of that bundle, with the switches asked for as far as it has them."""
        manifest, old = bundle.manifest, self.dream
        mode = old.mode if old and old.mode in manifest.modes else self.choice.mode
        decoder = old.decoder if old and old.decoder in manifest.decoders else self.choice.decoder
        for what, value, there in (("mode", mode, manifest.modes), ("decoder", decoder, manifest.decoders)):
            if value is not None and value not in there and old is None:
                raise Mistake(f"The bundle {manifest.name} has no {what} '{value}'; it has {', '.join(there)}.")
        mode = mode if mode in manifest.modes else manifest.modes[0]
        decoder = decoder if decoder in manifest.decoders else manifest.decoders[0]
        passes = self.choice.passes
        if old is not None and passes is not None and passes > manifest.most_passes:
            passes = None
        steps = self.choice.steps if old is None or manifest.diffusion is not None else None
        settings = (bundle, mode, decoder, self.choice.temperature, passes, steps, self.seed)
        if self.choice.tape and old is None:
            from engine.taping import TapedDream

            self.dream = self.taped = TapedDream(*settings, start=self.choice.start)
        else:
            from engine.dream import Dream

            self.dream = Dream(*settings)
        self.bundle = bundle
        self._moment = None
        if self.real_game and (self.real_game.size != self.dream.size or self.real_game.name not in manifest.games):
            self.real_game = None

    def _reset(self) -> Frame:
        self.score = 0.0
        if self.is_real:
            frame = self._real().reset(self.seed)
        elif self.taped is not None and not self.history:
            frame = np.array(self.taped.frame)  # it has begun where its tape begins
        else:
            frame = np.array(self._dream().reset(self.seed, start=self.choice.start))
        self.history.clear()
        self.history.append((frame, 0))
        return frame

    def _continue_in(self, dream: Dream) -> None:
        """Fill a dream's history with the frames just seen, each with the action that led to it."""
        dream.reset(self.seed)
        length = self._bundle().manifest.history
        seen = list(self.history)[-length:]
        # Too few frames are filled up with the oldest one, standing still, so that nothing of the reset remains.
        for frame, action in [(seen[0][0], 0)] * (length - len(seen)) + seen:
            dream.append_frame(frame, action)
        self.frame = seen[-1][0]

    def _break(self) -> None:
        """The frame does not come from the one before: an episode of a recording begins."""
        if self.witness:
            self.witness.reset(self.frame, self.seed)

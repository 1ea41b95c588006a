"""`reverie train`: a recipe and recordings become a trained run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from reverie.app.commands.option_types import Folder, Number, Out
from reverie.app.errors import Mistake
from reverie.app.extras import needs_train
from reverie.app.own.choose_recipe import choose_recipe
from reverie.app.own.game_folder import is_game_folder, read_game


@dataclass
class Train:
    """Train a world model: `reverie train GAME_FOLDER`, or by a recipe on recordings."""

    recipe: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="GAME_FOLDER|RECIPE")]]
    """A game folder, whose game.toml says the rest (one without a source is that of all game folders in it, which one
    model learns together), or the name or file of a recipe; auto takes what fits the recording."""
    data: Folder = None
    """Folder of the recording, or of recordings of several games; a game folder has its own."""
    out: Out = None
    """Folder of the run; a game folder has its own."""
    minutes: Number = None
    """Minutes of training in all, earlier sessions included; by default 60, or in a game folder its `minutes`."""
    resume: bool = False
    """Go on where the run stopped; a game folder always does."""
    begin: Annotated[Path | None, tyro.conf.arg(name="from", metavar="RUN|DREAM", help_behavior_hint="")] = None
    """Begin with what another run, or a dream, has learnt."""
    seed: int = 0
    """Decides every random choice."""
    devices: str = "auto"
    """Where to train: cpu, cuda, or a number of GPUs; auto takes a GPU where there is one."""
    precision: str = "auto"
    """What to compute matrix products in: bf16, fp32, or auto for the faster; weights are fp32 in either."""
    anyway: bool = False
    """Train although the recording looks broken."""
    open: bool = False
    """Open the run's progress.html in a browser: it shows what is learnt, and loads itself again."""

    def run(self, started: float) -> None:
        """Check the recording, then train, with progress; Ctrl-C keeps the run."""
        if self.minutes is not None and self.minutes <= 0:
            raise Mistake(f"--minutes must be more than 0, not {self.minutes:g}.")
        if self.seed < 0:
            raise Mistake(f"--seed must be at least 0, not {self.seed}.")
        game = read_game(self.recipe) if is_game_folder(self.recipe) else None
        if game is None and self.data is None and Path(self.recipe).is_dir():
            raise Mistake(
                f"{self.recipe} is neither a recipe nor a game folder; for a recording: "
                f"reverie train auto --data {self.recipe} -o runs/NAME"
            )
        if game and (self.data or self.out):
            raise Mistake(f"The game folder {game.folder} has its own recording and run; leave --data and -o out.")
        recipe, data, out = (game.recipe, game.recording, game.run) if game else (self.recipe, self.data, self.out)
        if data is None or out is None:
            raise Mistake(
                f"Say where the recording is and where the run goes: reverie train {recipe} --data DIR -o RUN"
            )
        if game and not all(any(part.recording.glob("index-*.json")) for part in game.games):
            raise Mistake(f"{game.folder} holds no recording yet; {game.next_step()}")
        with needs_train():
            from reverie.app.commands.train_check import check_before_training
            from reverie.app.own.learnt import what_was_learnt
            from reverie.app.own.progress_page import ProgressPage
            from reverie.training.loop.device_context import find_device_context
            from reverie.training.run import train
        recipe = choose_recipe(recipe, data, out)
        context = find_device_context(self.devices, self.precision)
        minutes = self.minutes or (game.minutes if game else 60.0)
        resume = self.resume or (game is not None and (out / "run.json").is_file())

        def check() -> None:
            check_before_training(recipe, data, game, self.anyway)

        title = game.title if game else out.absolute().name
        page = ProgressPage(out, data, title, print, self.open) if context.first else None
        try:
            train(
                recipe,
                data,
                out,
                minutes,
                resume,
                self.seed,
                what_was_learnt(self.begin) if self.begin else None,
                context=context,
                check=check,
                watch=page.watch if page else lambda moment: None,
            )
            if page:
                page.finish()
        except KeyboardInterrupt:
            if game and context.first:
                given = {"minutes": self.minutes and f"{self.minutes:g}", "from": self.begin, "seed": self.seed}
                given |= {"devices": self.devices, "precision": self.precision}
                usual = ("auto", 0, None)
                rest = "".join(f" --{what} {value}" for what, value in given.items() if value not in usual)
                rest += " --anyway" if self.anyway else ""
                print(f"to go on: reverie train {game.folder}{rest}")
            raise
        if game:
            print(f"next: reverie export {game.folder}")

"""`reverie train`: a recipe and recordings become a trained run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from app.errors import Mistake
from app.extras import needs_train
from app.game_folder import is_game_folder, read_game


@dataclass
class Train:
    """Train a world model: `reverie train GAME_FOLDER`, or by a recipe on recordings."""

    recipe: tyro.conf.Positional[str]
    """A game folder, whose game.toml says the rest, or the name or file of a recipe."""
    data: Path | None = None
    """Folder of the recording, or of recordings of several games; a game folder has its own."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Folder of the run; a game folder has its own."""
    minutes: float | None = None
    """Stop after so much time; without it, 60 or what the game.toml says."""
    resume: bool = False
    """Go on where the run stopped; a game folder always does."""
    begin: Annotated[Path | None, tyro.conf.arg(name="from", metavar="RUN")] = None
    """Begin with what another run has learnt."""
    seed: int = 0
    """Decides every random choice."""
    devices: str = "auto"
    """Where to train: cpu, cuda, or a number of GPUs; auto takes a GPU where there is one."""
    precision: str = "auto"
    """What to compute matrix products in: bf16, fp32, or auto for the faster; weights are fp32 in either."""
    anyway: bool = False
    """Train although the recording looks broken."""

    def run(self, started: float) -> None:
        """Check the recording, then train, with progress; Ctrl-C keeps the run."""
        game = read_game(self.recipe) if is_game_folder(self.recipe) else None
        if game is None and self.data is None and Path(self.recipe).is_dir():
            raise Mistake(f"{self.recipe} has no game.toml, so it is no game folder, and it is no recipe.")
        if game and (self.data or self.out):
            raise Mistake(f"The game folder {game.folder} has its own recording and run; leave --data and -o out.")
        recipe, data, out = (game.recipe, game.recording, game.run) if game else (self.recipe, self.data, self.out)
        if data is None or out is None:
            raise Mistake(
                f"Say where the recording is and where the run goes: reverie train {recipe} --data DIR -o RUN"
            )
        if game and not any(data.glob("index-*.json")):
            raise Mistake(f"{game.folder} holds no recording yet; {game.next_step()}")
        with needs_train():
            from app.checking import check_before_training
            from training.place import find_place
            from training.run import train
        place = find_place(self.devices, self.precision)
        minutes = self.minutes or (game.minutes if game else 60.0)
        resume = self.resume or (game is not None and (out / "run.json").is_file())

        def look() -> None:
            check_before_training(recipe, data, game, self.anyway)

        train(recipe, data, out, minutes, resume, self.seed, self.begin, place=place, look=look)
        if game:
            print(f"next: reverie export {game.folder}")

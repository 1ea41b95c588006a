"""`reverie export`: a trained run becomes a bundle, a recording a dataset that others can read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from reverie.app.commands.option_types import Name, Out
from reverie.app.errors import Mistake
from reverie.app.extras import needs_train
from reverie.app.own.game_folder import is_game_folder, read_game


@dataclass
class Export:
    """Turn a trained run into a checked bundle (with --minari, a recording into a Minari dataset)."""

    run_dir: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(name="run", metavar="RUN")]]
    """A game folder, or the folder of a run (with --minari, of a recording)."""
    out: Out = None
    """Folder of the new bundle or dataset; a game folder keeps its bundle itself."""
    precision: Literal["fp32", "fp16", "int8"] = "fp16"
    """fp32; fp16: half the size; int8: smallest and fastest on a processor."""
    minari: Name = ""
    """Name of a Minari dataset (mine/freeway-v0) to write the recording as, without loss."""

    def run(self, started: float) -> None:
        """Export, check, and say where it is."""
        game = read_game(self.run_dir) if is_game_folder(self.run_dir) else None
        if self.minari:
            if self.out is None:
                raise Mistake(f"Say where the dataset goes: reverie export {self.run_dir} --minari NAME -o FOLDER")
            from reverie.app.own.exchange import export_minari

            export_minari(game.recording if game else self.run_dir, self.minari, self.out)
            return
        run, out = (game.run, self.out or game.dream) if game else (self.run_dir, self.out)
        if out is None:
            raise Mistake(f"Say where the bundle goes: reverie export {self.run_dir} -o BUNDLE")
        if game and not (run / "dynamics.safetensors").is_file():
            raise Mistake(f"{game.folder} holds no trained run yet; {game.next_step()}")
        with needs_train():
            from reverie.export.run_export import export_run
        export_run(run, out, self.precision, name=game.name if game and self.out is None else "")
        print(f"exported {out}")
        if game:
            print(f"next: reverie verify {game.folder}")

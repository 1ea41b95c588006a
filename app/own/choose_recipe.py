"""The recipe that fits a recording: tiles where they draw it to the pixel, latents where they do not."""

from __future__ import annotations

import sys
from pathlib import Path

AUTO, TILES, LATENTS = "auto", "own", "own-latent"


def choose_recipe(recipe: str, data: Path, run: Path) -> str:
    """Return the recipe itself, or for "auto" the one that fits, and say on stderr why.

    data: folder of the recording. run: folder of the run; one that was begun keeps its recipe.
    """
    if recipe != AUTO:
        return recipe
    from reverie.training import recipe as recipes
    from reverie.training.data.check import WITH_A_CODE, drawn_by_codes
    from reverie.training.data.mixture import Mixture, open_recording
    from reverie.training.runs import read_record

    if begun := read_record(run).get("recipe"):
        return str(begun)
    recording = open_recording(data)
    codes = recipes.load(TILES).fitted(len(recording.actions), recording.size, (), tuple(recording.games)).patch_codes()
    assert codes is not None
    parts = recording.parts if isinstance(recording, Mixture) else [recording]
    drawn = min(drawn_by_codes(part, codes) for part in parts)
    chosen = TILES if drawn >= WITH_A_CODE else LATENTS
    print(
        f"{codes.count:,} tiles draw {drawn:.1%} of what changes to the pixel: the recipe is {chosen}", file=sys.stderr
    )
    return chosen

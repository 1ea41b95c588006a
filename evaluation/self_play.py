"""`python -m reverie.evaluation.self_play v2 -o play.tape`: dreams that play themselves, and a tape of the liveliest.

The game's own exploring policy plays, and knows of the game what it reads off the dream's last pictures.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from pathlib import Path

from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.tape import Tape
from reverie.engine.taping import TapedDream
from reverie.games import registry
from reverie.games.self_player import READ_FRAMES, SelfPlayer


def self_play(
    bundle: Bundle, frames: int, seed: int, mode: str | None = None, game: str | None = None
) -> tuple[Tape, float, int]:
    """One dream of so many frames, as a tape, and what it earned and how many rounds it lost by the model's account.

    Where the pictures show no game, no key is pressed. Raises ValueError for a game that is not built in.
    """
    dream = TapedDream(bundle, mode=mode, seed=seed, game=game)
    if dream.game not in registry.names():
        raise ValueError(f"{dream.game} is not built in, so there is nobody to play it.")
    player = SelfPlayer(dream.game, len(dream.actions), seed, rules=bundle.manifest.rules_of(dream.game))
    recent = deque([dream.frame], maxlen=READ_FRAMES)
    earned, lost = 0.0, 0
    for _ in range(frames):
        step = dream.step(player.act(recent))
        earned, lost = earned + step.reward, lost + step.ended
        recent.append(step.frame)
    return dream.tape(), earned, lost


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Let dreams play themselves, and keep a tape of the liveliest.")
    parser.add_argument("bundle", nargs="?", default="v2", help="name or folder")
    parser.add_argument("--frames", type=int, default=200, help="of each dream")
    parser.add_argument(
        "--dreams",
        type=int,
        default=8,
        help="of those that lose fewest rounds the one that earns most is kept",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first of them")
    parser.add_argument("--mode", default=None, help="ar or parallel")
    parser.add_argument("--game", default=None, help="where the bundle dreams several")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the tape")
    options = parser.parse_args()
    try:
        bundle = Bundle.load(library.resolve(options.bundle))
        seeds = range(options.seed, options.seed + options.dreams)
        played = [self_play(bundle, options.frames, seed, options.mode, options.game) for seed in seeds]
        tape, earned, lost = max(played, key=lambda one: (-one[2], one[1]))
        tape.save(options.out)
    except (ValueError, OSError) as error:
        print(f"reverie.evaluation.self_play: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"{options.out}: dream {tape.seed} earned {earned:g} and lost {lost} rounds in {options.frames} frames")


if __name__ == "__main__":
    main()

"""`python -m reverie.agents.teach arcade --game runner -o runs/played`: an agent learns in a dream, and then plays it.

What it writes is a copy of the bundle with the agent in it. In its window, key O lets the agent play.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from reverie.agents.compare import Comparison, dqn, dream, game_of
from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.manifest import MOST_REPEATED


def teach(bundle: Bundle, out: Path, plan: Comparison, log: Callable[[str], None] = lambda line: None) -> None:
    """Let one agent learn in the dream, and write the bundle with it to `out`, which may be the bundle's own folder.

    Raises ValueError where the bundle predicts no rewards, where torch is missing, and as `export_agent` does.
    """
    name, game, learner = bundle.manifest.name, game_of(bundle, plan), dqn()
    from reverie.export.agent import export_agent
    from reverie.export.bundle_writer import check_target

    check_target(out)
    if not 1 <= plan.hold <= MOST_REPEATED:
        raise ValueError(f"An action is repeated for 1 to {MOST_REPEATED} steps, not {plan.hold}.")
    if not bundle.dynamics.predicts_outcome:
        raise ValueError(f"{name} predicts no rewards to learn from.")
    if plan.threads is not None:
        learner.use_threads(plan.threads)

    def report(ticks: int, reward: float) -> None:
        log(f"{ticks} of {plan.steps} ticks, {reward:.2f} per 1,000")

    q_network = learner.train(dream(bundle, plan), plan.steps, plan.seed, learner.DQNConfig(), report)
    export_agent(bundle.path, out, game, q_network, plan.hold)
    log(f"wrote {out}: O lets the agent play {game}")


def main() -> None:
    """The command."""
    plan = Comparison()
    parser = argparse.ArgumentParser(description="Train an agent in a dream, and put it into the bundle.")
    parser.add_argument("bundle", help="name or folder")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the bundle with the agent")
    parser.add_argument("--steps", type=int, default=plan.steps, help="steps that the agent learns from")
    parser.add_argument("--batch", type=int, default=plan.batch, help="rounds that it plays at once")
    parser.add_argument("--hold", type=int, default=plan.hold, help="steps that an action is repeated for")
    parser.add_argument("--seed", type=int, default=plan.seed, help="decides what is random")
    parser.add_argument("--game", default=None, help="game of the bundle; by default its first")
    parser.add_argument("--mode", default=None, help="mode of the dream; by default the bundle's first")
    parser.add_argument("--threads", type=int, default=None, help="threads of the dream and of learning")
    options = vars(parser.parse_args())
    name, out = options.pop("bundle"), options.pop("out")
    try:
        bundle = Bundle.load(library.resolve(name), threads=options["threads"])
        teach(bundle, out, Comparison(**options), lambda line: print(line, file=sys.stderr, flush=True))
    except (ValueError, OSError) as error:
        print(f"reverie.agents.teach: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()

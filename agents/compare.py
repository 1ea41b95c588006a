"""`python -m reverie.agents.compare v2 --steps 400000 --json agents.json`: whether a dream is good to learn in.

The same agent learns in the dream and in the real game, from the same number of steps. Both are scored in the real
game, in rooms that neither has seen, beside random play and standing still. Results differ from seed to seed, so each
kind of agent is trained with several. `reverie.agents.page` writes the figures into a page.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import reverie.agents as agents
from reverie.agents.action_repeat import ActionRepeat, Observations
from reverie.engine.agent import EPSILON
from reverie.engine.bundle import Bundle
from reverie.engine.files import write_json
from reverie.evaluation.speed.machine import machine
from reverie.games import registry
from reverie.games.base import FIRST_HELD_OUT_SEED

Policy = Callable[[Observations], NDArray[np.int64]]
DREAM, REAL = "learnt in the dream", "learnt in the real game"


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    steps: ticks that each agent learns from, all its rounds together. batch: rounds that it plays at once. hold: ticks
    that an action is repeated for. learners: agents of each kind, with the seeds from `seed` on. rounds, ticks:
    held-out rounds of the real game, and how long each is scored. game, mode: of the dream; None is the bundle's
    first. threads: those that learning uses; None leaves it to torch.
    """

    steps: int = 400_000
    batch: int = 32
    hold: int = 4
    learners: int = 1
    rounds: int = 64
    ticks: int = 2000
    seed: int = 0
    game: str | None = None
    mode: str | None = None
    threads: int | None = None


def real_game(bundle: Bundle, plan: Comparison, rounds: int) -> ActionRepeat:
    """Rounds of the real game, by the dream's rules, drawn at its size and with the same time limit."""
    game, size = game_of(bundle, plan), bundle.manifest.resolution
    made: dict[str, Any] = {"size": size, "rules": bundle.manifest.rules_of(game), "max_episode_steps": agents.LIMIT}
    return ActionRepeat(gymnasium.make_vec(f"reverie/{game.capitalize()}-v0", num_envs=rounds, **made), plan.hold)


def dream(bundle: Bundle, plan: Comparison) -> ActionRepeat:
    """Rounds of the dream."""
    settings: dict[str, Any] = {} if plan.mode is None else {"mode": plan.mode}
    dreams = gymnasium.make_vec(agents.DREAM, num_envs=plan.batch, bundle=bundle, game=plan.game, **settings)
    return ActionRepeat(dreams, plan.hold)


def dqn() -> ModuleType:
    """The module of the learner. Raises ValueError where torch is missing."""
    try:
        return import_module("reverie.agents.dqn")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        how = '`pip install -c constraints.txt ".[train]"` in the folder of the project'
        raise ValueError(f"Learning needs torch, which is not installed: {how}.") from None


def game_of(bundle: Bundle, plan: Comparison) -> str:
    """The name of the game that is played. Raises ValueError for one that the bundle does not dream."""
    return bundle.manifest.games[bundle.manifest.game_number(plan.game)]


def score(policy: Policy, bundle: Bundle, plan: Comparison) -> dict[str, float]:
    """Score a policy in held-out rooms of the real game.

    Returns the `reward` per 1,000 ticks, a mean over rounds, and its standard `error`.
    """
    env = real_game(bundle, plan, plan.rounds)
    observations = env.reset([FIRST_HELD_OUT_SEED + plan.rounds * plan.seed + number for number in range(plan.rounds)])
    totals, decisions = np.zeros(plan.rounds), max(1, plan.ticks // plan.hold)
    for _ in range(decisions):
        observations, rewards, _ = env.step(policy(observations))
        totals += rewards
    each = 1000 * totals / (decisions * plan.hold)
    return {"reward": float(each.mean()), "error": float(each.std() / plan.rounds**0.5)}


def compare(bundle: Bundle, plan: Comparison, log: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """The report: scores of standing still, of random play, and of both kinds of agents, with what each cost.

    Raises ValueError where the bundle predicts no rewards or has other actions than the real game, where its game is
    not built in, where there are no learners, and where torch is missing.
    """
    learner = dqn()
    name, game = bundle.manifest.name, game_of(bundle, plan)
    keys = bundle.manifest.actions_of(game)
    if not bundle.dynamics.predicts_outcome:
        raise ValueError(f"{name} predicts no rewards to learn from; v2 and arcade do.")
    if registry.get(game).actions != keys:
        raise ValueError(f"The actions of {name} are not those of the real {game}.")
    if plan.learners < 1:
        raise ValueError(f"There must be at least 1 agent of each kind, not {plan.learners}.")
    if plan.threads is not None:
        learner.use_threads(plan.threads)
    rng, actions = np.random.default_rng(plan.seed), len(keys)
    rows: dict[str, dict[str, Any]] = {
        "no key pressed": score(lambda observations: np.zeros(len(observations), np.int64), bundle, plan),
        "random keys": score(lambda observations: rng.integers(actions, size=len(observations)), bundle, plan),
    }
    for row, scored in rows.items():
        log(f"{row}: {scored['reward']:.2f}")
    config = learner.DQNConfig()
    for row, world in ((REAL, lambda: real_game(bundle, plan, plan.batch)), (DREAM, lambda: dream(bundle, plan))):
        each: list[dict[str, Any]] = []
        for seed in range(plan.seed, plan.seed + plan.learners):
            began = time.monotonic()
            curve: list[list[float]] = []

            def report(ticks: int, reward: float, who: str = f"{row}, seed {seed}", to: list[Any] = curve) -> None:
                to.append([ticks, reward])
                log(f"{who}: {ticks} of {plan.steps} ticks, {reward:.2f} per 1,000")

            q_network = learner.train(world(), plan.steps, seed, config, report)
            minutes = (time.monotonic() - began) / 60
            scored = score(learner.EpsilonGreedy(q_network, actions, seed, EPSILON).act, bundle, plan)
            each.append(scored | {"seed": seed, "minutes": minutes, "curve": curve})
            log(f"{row}, seed {seed}: {scored['reward']:.2f} in held-out rooms")
        rows[row] = {"reward": float(np.mean([one["reward"] for one in each])), "learners": each}
    facts = {"bundle": name, "game": game, "backend": bundle.backend, "machine": machine(), "agent": asdict(config)}
    return facts | {"plan": asdict(plan), "mode": plan.mode or bundle.manifest.settings["mode"].default, "rows": rows}


def main() -> None:
    """The command."""
    from reverie.engine import library

    plan = Comparison()
    parser = argparse.ArgumentParser(description="Train an agent in a dream, and score it in the real game.")
    parser.add_argument("bundle", nargs="?", default="v2", help="name or folder")
    parser.add_argument("--steps", type=int, default=plan.steps, help="steps that each agent learns from")
    parser.add_argument("--batch", type=int, default=plan.batch, help="rounds that an agent plays at once")
    parser.add_argument("--hold", type=int, default=plan.hold, help="steps that an action is repeated for")
    parser.add_argument("--learners", type=int, default=plan.learners, help="agents of each kind, one a seed")
    parser.add_argument("--rounds", type=int, default=plan.rounds, help="held-out rooms to score in")
    parser.add_argument("--ticks", type=int, default=plan.ticks, help="steps in each of them")
    parser.add_argument("--seed", type=int, default=plan.seed, help="first seed")
    parser.add_argument("--game", default=None, help="game of the bundle; by default its first")
    parser.add_argument("--mode", default=None, help="mode of the dream; by default the bundle's first")
    parser.add_argument("--backend", default="onnx", help="backend that runs the dream")
    parser.add_argument("--threads", type=int, default=None, help="threads of the dream and of learning")
    parser.add_argument("--json", type=Path, required=True, help="file for the report")
    options = vars(parser.parse_args())
    name, backend, out = (options.pop(key) for key in ("bundle", "backend", "json"))
    try:
        bundle = Bundle.load(library.resolve(name), backend, options["threads"])
        report = compare(bundle, Comparison(**options), lambda line: print(line, file=sys.stderr, flush=True))
        write_json(out, report)
    except (ValueError, OSError) as error:
        print(f"reverie.agents.compare: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()

"""`python -m reverie.agents.compare v2 --steps 400000 --json agents.json`: is a dream good to learn in?

The same agent learns in the dream and in the real game, from the same number of steps, and both are scored in the real
game, in rooms that neither has seen, beside random play and standing still. What such an agent makes of its steps
depends on luck, so that it begins anew with several seeds. `reverie.agents.page` puts the figures into the page.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import reverie.agents as agents
from reverie.agents.held import HeldKeys, Looks
from reverie.engine.bundle import Bundle
from reverie.engine.files import write_json
from reverie.evaluation.speed.machine import machine
from reverie.games import registry
from reverie.games.base import FIRST_HELD_OUT_SEED

Act = Callable[[Looks], NDArray[np.int64]]
SLIPS = 0.01
"""Share of random decisions while an agent is scored: enough to come free where it is stuck for good."""
DREAM, REAL = "learnt in the dream", "learnt in the real game"


@dataclass(frozen=True)
class Plan:
    """What is compared.

    steps: ticks that each agent learns from, all its rounds together. batch: rounds that it plays at once. hold: ticks
    that a key is held. learners: agents of each kind, with the seeds from `seed` on. rounds, ticks: held-out rounds of
    the real game, and how long each is scored. game, mode: of the dream; None is the bundle's first. threads: that
    learning uses; None leaves it to torch.
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


def real_game(bundle: Bundle, plan: Plan, rounds: int) -> HeldKeys:
    """Rounds of the real game behind a dream, drawn at its size, with its limit of time."""
    name, size = f"reverie/{game_of(bundle, plan).capitalize()}-v0", bundle.manifest.resolution
    return HeldKeys(gymnasium.make_vec(name, num_envs=rounds, size=size, max_episode_steps=agents.LIMIT), plan.hold)


def dream(bundle: Bundle, plan: Plan) -> HeldKeys:
    """The dream itself."""
    dreams = gymnasium.make_vec(agents.DREAM, num_envs=plan.batch, bundle=bundle, game=plan.game, mode=plan.mode)
    return HeldKeys(dreams, plan.hold)


def game_of(bundle: Bundle, plan: Plan) -> str:
    """The name of the game that is played. Raises ValueError for one that the bundle does not dream."""
    return bundle.manifest.games[bundle.manifest.game_number(plan.game)]


def score(act: Act, bundle: Bundle, plan: Plan) -> dict[str, float]:
    """How somebody plays rooms of the real game that nothing was trained on.

    Returns the `reward` per 1,000 ticks, a mean over rounds, and its standard `error`.
    """
    env = real_game(bundle, plan, plan.rounds)
    looks = env.reset([FIRST_HELD_OUT_SEED + plan.rounds * plan.seed + number for number in range(plan.rounds)])
    earned, decisions = np.zeros(plan.rounds), max(1, plan.ticks // plan.hold)
    for _ in range(decisions):
        looks, rewards, _ = env.step(act(looks))
        earned += rewards
    each = 1000 * earned / (decisions * plan.hold)
    return {"reward": float(each.mean()), "error": float(each.std() / plan.rounds**0.5)}


def compare(bundle: Bundle, plan: Plan, log: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """The report: scores of standing still, of random play, and of both kinds of agents, with what each cost.

    Raises ValueError where the bundle predicts no rewards, knows other keys than the real game, or its game is not
    built in, where nobody is to learn, and where torch is missing.
    """
    try:
        from reverie.agents.dqn import DQNConfig, Player, train, use_threads
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        how = '`pip install -c constraints.txt ".[train]"` in the folder of the project'
        raise ValueError(f"Learning needs torch, which is not installed: {how}.") from None
    name, game = bundle.manifest.name, game_of(bundle, plan)
    keys = bundle.manifest.actions_of(game)
    if bundle.manifest.outcome is None:
        raise ValueError(f"{name} predicts no rewards to learn from; v2 and arcade do.")
    if registry.get(game).actions != keys:
        raise ValueError(f"The keys of {name} are not those of the real {game}.")
    if plan.learners < 1:
        raise ValueError(f"{plan.learners} agents of each kind learn nothing: at least 1 is needed.")
    if plan.threads is not None:
        use_threads(plan.threads)
    luck, actions = np.random.default_rng(plan.seed), len(keys)
    rows: dict[str, dict[str, Any]] = {
        "no key pressed": score(lambda looks: np.zeros(len(looks), np.int64), bundle, plan),
        "random keys": score(lambda looks: luck.integers(actions, size=len(looks)), bundle, plan),
    }
    for row, told in rows.items():
        log(f"{row}: {told['reward']:.2f}")
    config = DQNConfig()
    for row, world in ((REAL, lambda: real_game(bundle, plan, plan.batch)), (DREAM, lambda: dream(bundle, plan))):
        each: list[dict[str, Any]] = []
        for seed in range(plan.seed, plan.seed + plan.learners):
            began = time.monotonic()
            curve: list[list[float]] = []

            def tell(ticks: int, reward: float, who: str = f"{row}, seed {seed}", to: list[Any] = curve) -> None:
                to.append([ticks, reward])
                log(f"{who}: {ticks} of {plan.steps} ticks, {reward:.2f} per 1,000")

            worth = train(world(), plan.steps, seed, config, tell)
            minutes = (time.monotonic() - began) / 60
            scored = score(Player(worth, actions, seed, random=SLIPS).act, bundle, plan)
            each.append(scored | {"seed": seed, "minutes": minutes, "curve": curve})
            log(f"{row}, seed {seed}: {scored['reward']:.2f} in rooms that it has not seen")
        rows[row] = {"reward": float(np.mean([one["reward"] for one in each])), "learners": each}
    told = {"bundle": name, "game": game, "backend": bundle.backend, "machine": machine(), "agent": asdict(config)}
    return told | {"plan": asdict(plan), "mode": plan.mode or bundle.manifest.modes[0], "rows": rows}


def main() -> None:
    """The command."""
    from reverie.engine import library

    plan = Plan()
    parser = argparse.ArgumentParser(description="Train an agent in a dream, and score it in the real game.")
    parser.add_argument("bundle", nargs="?", default="v2", help="name or folder")
    parser.add_argument("--steps", type=int, default=plan.steps, help="that each agent learns from")
    parser.add_argument("--batch", type=int, default=plan.batch, help="rounds that it plays at once")
    parser.add_argument("--hold", type=int, default=plan.hold, help="steps that a key is held")
    parser.add_argument(
        "--learners", type=int, default=plan.learners, help="agents of each kind, each with its own seed"
    )
    parser.add_argument("--rounds", type=int, default=plan.rounds, help="held-out rooms that are scored")
    parser.add_argument("--ticks", type=int, default=plan.ticks, help="steps in each of them")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--game", default=None, help="where the bundle dreams several")
    parser.add_argument("--mode", default=None, help="of the dream: ar or parallel")
    parser.add_argument("--backend", default="onnx", help="what runs the dream")
    parser.add_argument("--threads", type=int, default=None, help="for the dream and for learning")
    parser.add_argument("--json", type=Path, required=True, help="where the report goes")
    options = vars(parser.parse_args())
    name, backend, out = (options.pop(key) for key in ("bundle", "backend", "json"))
    try:
        bundle = Bundle.load(library.resolve(name), backend, options["threads"])
        report = compare(bundle, Plan(**options), lambda line: print(line, file=sys.stderr, flush=True))
        write_json(out, report)
    except (ValueError, OSError) as error:
        print(f"reverie.agents.compare: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()

"""The learner: it finds out which key pays, and the same seed learns the same."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gymnasium")
torch = pytest.importorskip("torch")

from reverie.agents.dqn import DQNConfig, Player, Worth, train  # noqa: E402
from reverie.agents.held import HeldKeys, Looks  # noqa: E402

QUICK = DQNConfig(memory=2000, before=64, updates=2, minibatch=16, learning_rate=2e-3, discount=0.5, steps=1)


class Colours(HeldKeys):
    """Every picture is red, green or blue; the key of that number earns 1, another one loses 1."""

    def __init__(self, batch: int = 8) -> None:
        self.batch, self.actions, self.hold = batch, 3, 1
        self.luck = np.random.default_rng(0)

    def reset(self, seeds: list[int]) -> Looks:
        self.shown = self.luck.integers(3, size=self.batch)
        looks = np.zeros((self.batch, 6, 32, 32), np.uint8)
        looks[np.arange(self.batch), self.shown] = 255
        return looks

    def step(self, actions):
        rewards = np.where(actions == self.shown, 1.0, -1.0)
        return self.reset([]), rewards, self.luck.random(self.batch) < 0.1


@pytest.mark.slow
def test_an_agent_learns_which_key_pays() -> None:
    told: list[tuple[int, float]] = []
    worth = train(Colours(), 8 * 80, 0, QUICK, lambda ticks, reward: told.append((ticks, reward)))
    env = Colours()
    looks, player, earned = env.reset([]), Player(worth, 3, seed=1, random=0.0), 0.0
    for _ in range(20):
        looks, rewards, _ = env.step(player.act(looks))
        earned += rewards.mean() / 20
    assert earned > 0.9
    assert len(told) == 20
    assert told[-1][0] == 8 * 80
    assert told[-1][1] > told[0][1]


@pytest.mark.slow
def test_the_same_seed_learns_the_same() -> None:
    first, again, other = (train(Colours(), 8 * 12, seed, QUICK) for seed in (3, 3, 4))
    looks = torch.randint(0, 256, (4, 6, 32, 32), dtype=torch.uint8)
    assert torch.equal(first(looks), again(looks))
    assert not torch.equal(first(looks), other(looks))


def test_now_and_then_any_key_is_tried() -> None:
    worth = Worth(3)
    looks = np.zeros((600, 6, 32, 32), np.uint8)
    assert len(set(Player(worth, 3, 0, random=0.0).act(looks[:50]).tolist())) == 1
    assert np.bincount(Player(worth, 3, 0, random=1.0).act(looks)).min() > 100


def test_the_share_of_random_decisions_is_what_it_was_set_to() -> None:
    worth, looks = Worth(3), np.zeros((50, 6, 32, 32), np.uint8)
    best = int(Player(worth, 3, 0, random=0.0).act(looks[:1])[0])
    player = Player(worth, 3, 0, random=0.3)
    others = np.mean([player.act(looks) != best for _ in range(60)])
    assert abs(others - 0.3 * 2 / 3) < 0.03

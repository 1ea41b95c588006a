"""The learner: it finds out which key pays, and the same seed learns the same."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gymnasium")
torch = pytest.importorskip("torch")

from reverie.agents.action_repeat import ActionRepeat, Observations  # noqa: E402
from reverie.agents.dqn import DQNConfig, EpsilonGreedy, QNetwork, train  # noqa: E402

QUICK = DQNConfig(
    buffer_size=2000, learning_starts=64, updates=2, batch_size=16, learning_rate=2e-3, gamma=0.5, n_step=1
)


class Colours(ActionRepeat):
    """Every picture is red, green or blue; the key of that number earns 1, another one loses 1."""

    def __init__(self, batch: int = 8) -> None:
        self.batch, self.actions, self.repeat = batch, 3, 1
        self.rng = np.random.default_rng(0)

    def reset(self, seeds: list[int]) -> Observations:
        self.shown = self.rng.integers(3, size=self.batch)
        observations = np.zeros((self.batch, 6, 32, 32), np.uint8)
        observations[np.arange(self.batch), self.shown] = 255
        return observations

    def step(self, actions):
        rewards = np.where(actions == self.shown, 1.0, -1.0)
        return self.reset([]), rewards, self.rng.random(self.batch) < 0.1


@pytest.mark.slow
def test_an_agent_learns_which_key_pays() -> None:
    logged: list[tuple[int, float]] = []
    q_network = train(Colours(), 8 * 80, 0, QUICK, lambda ticks, reward: logged.append((ticks, reward)))
    env = Colours()
    observations, policy, earned = env.reset([]), EpsilonGreedy(q_network, 3, seed=1, epsilon=0.0), 0.0
    for _ in range(20):
        observations, rewards, _ = env.step(policy.act(observations))
        earned += rewards.mean() / 20
    assert earned > 0.9
    assert len(logged) == 20
    assert logged[-1][0] == 8 * 80
    assert logged[-1][1] > logged[0][1]


@pytest.mark.slow
def test_the_same_seed_learns_the_same() -> None:
    first, again, other = (train(Colours(), 8 * 12, seed, QUICK) for seed in (3, 3, 4))
    observations = torch.randint(0, 256, (4, 6, 32, 32), dtype=torch.uint8)
    assert torch.equal(first(observations), again(observations))
    assert not torch.equal(first(observations), other(observations))


def test_now_and_then_any_key_is_tried() -> None:
    q_network = QNetwork(3)
    observations = np.zeros((600, 6, 32, 32), np.uint8)
    assert len(set(EpsilonGreedy(q_network, 3, 0, epsilon=0.0).act(observations[:50]).tolist())) == 1
    assert np.bincount(EpsilonGreedy(q_network, 3, 0, epsilon=1.0).act(observations)).min() > 100


def test_the_share_of_random_decisions_is_what_it_was_set_to() -> None:
    q_network, observations = QNetwork(3), np.zeros((50, 6, 32, 32), np.uint8)
    best = int(EpsilonGreedy(q_network, 3, 0, epsilon=0.0).act(observations[:1])[0])
    policy = EpsilonGreedy(q_network, 3, 0, epsilon=0.3)
    others = np.mean([policy.act(observations) != best for _ in range(60)])
    assert abs(others - 0.3 * 2 / 3) < 0.03

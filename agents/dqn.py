"""Deep Q-learning from small pictures: double, duelling, n-step, with prioritised replay.

Dreaming a frame costs far more than learning from it once, so each frame is learnt from many times. The parts are
those of Rainbow (Hessel et al. 2018), the settings in the spirit of its data-efficient form (van Hasselt et al. 2019).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reverie.agents.action_repeat import ActionRepeat, Observations
from reverie.agents.replay_buffer import ReplayBuffer
from reverie.engine.manifest import OBSERVED

Log = Callable[[int, float], None]
"""(ticks played so far, mean reward per 1,000 ticks since the last call)."""
EXPLORATION_LENGTHS = np.array([1, 1, 1, 2, 2, 3, 4, 6])
"""For how many decisions in a row a random action is repeated: any of these is as likely as another."""
CELL = OBSERVED // 8
"""Side in pixels of a cell of the 8x8 grid that an observation is divided into."""
LOGS = 20
"""How often a training reports."""


@dataclass(frozen=True)
class DQNConfig:
    """How an agent learns.

    buffer_size: decisions in the replay buffer. learning_starts: decisions before the first update. updates: gradient
    steps after every decision of all rounds, each on `batch_size` transitions. gamma: discount per decision. n_step:
    decisions whose rewards a transition holds. tau: step of the target network towards the Q-network after an update.
    epsilon: share of random decisions at the end. epsilon_fraction: share of the training in which it falls from 1.
    """

    buffer_size: int = 100_000
    learning_starts: int = 2000
    updates: int = 8
    batch_size: int = 64
    learning_rate: float = 5e-4
    gamma: float = 0.97
    n_step: int = 3
    tau: float = 0.005
    epsilon: float = 0.05
    epsilon_fraction: float = 0.25


class QNetwork(nn.Module):
    """Observations (B, 6, 32, 32) uint8 to the value of each action (B, A).

    Each cell of an 8x8 grid is embedded, then a convolution is applied several times with the same weights, so that a
    cell learns of what lies further off, as in a value iteration (Tamar et al. 2016). The maximum over cells joins
    them: what is learnt in one corner then holds in every other, which a flattened grid would learn 64 times and a
    mean would blur. Value and advantages are duelling heads (Wang et al. 2016).
    """

    def __init__(self, actions: int, width: int = 32, rounds: int = 8) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(6 * CELL * CELL, 64), nn.ReLU(), nn.Linear(64, width))
        self.propagate, self.rounds = nn.Conv2d(width, width, 3, padding=1), rounds
        self.trunk = nn.Sequential(nn.Linear(width, 256), nn.ReLU())
        self.value, self.advantage = nn.Linear(256, 1), nn.Linear(256, actions)

    def forward(self, observations: Tensor) -> Tensor:
        cells = observations.unflatten(3, (8, CELL)).unflatten(2, (8, CELL))  # (B, 6, 8, CELL, 8, CELL)
        cells = cells.permute(0, 2, 4, 1, 3, 5).flatten(3)  # (B, 8, 8, 6 * CELL * CELL)
        embedded = self.embed(cells.float() / 127.5 - 1).permute(0, 3, 1, 2)  # (B, width, 8, 8)
        hidden = embedded.relu()
        for _ in range(self.rounds):
            hidden = (self.propagate(hidden) + embedded).relu()
        features = self.trunk(hidden.amax((2, 3)))  # (B, 256)
        advantage = self.advantage(features)  # (B, A)
        return self.value(features) + advantage - advantage.mean(1, keepdim=True)


class EpsilonGreedy:
    """Takes the action of the highest value, or with a chance of epsilon a random one, repeated for some decisions.

    Single random steps lead nowhere, and the first rewards are found by going somewhere (temporally extended
    exploration, Dabney et al. 2021).
    """

    def __init__(self, q_network: QNetwork, actions: int, seed: int, epsilon: float) -> None:
        """epsilon: share of the decisions that are random. seed: of these."""
        self.q_network, self.actions, self.epsilon = q_network, actions, epsilon
        self.rng = np.random.default_rng(seed)
        self.repeated, self.left = np.zeros(0, np.int64), np.zeros(0, np.int64)

    @torch.no_grad()
    def act(self, observations: Observations) -> NDArray[np.int64]:
        """The next actions, (B,) int64."""
        greedy = self.q_network(torch.from_numpy(observations)).argmax(1).numpy()  # (B,)
        batch = len(observations)
        if len(self.left) != batch:
            self.repeated, self.left = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
        # The chance to begin a random stretch with which a share of epsilon of all decisions is random.
        chance = self.epsilon / (self.epsilon + (1 - self.epsilon) * EXPLORATION_LENGTHS.mean())
        begins = (self.left == 0) & (self.rng.random(batch) < chance)
        self.repeated = np.where(begins, self.rng.integers(self.actions, size=batch), self.repeated)
        self.left = np.where(begins, self.rng.choice(EXPLORATION_LENGTHS, size=batch), self.left)
        explores = self.left > 0
        self.left -= explores
        return np.where(explores, self.repeated, greedy)


def use_threads(threads: int) -> None:
    """Learn and play on so many threads."""
    torch.set_num_threads(threads)


def train(
    env: ActionRepeat, ticks: int, seed: int, config: DQNConfig, log: Log = lambda ticks, reward: None
) -> QNetwork:
    """Learn to play `env` from `ticks` ticks, all rounds together. The same seed learns the same.

    Returns the target network. As a running mean of the Q-network it plays alike whenever the training stops, while the
    Q-network changes from one update to the next (averaged iterates, Polyak and Juditsky 1992).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    q_network = QNetwork(env.actions)
    target_network = copy.deepcopy(q_network).requires_grad_(False)
    optimizer = torch.optim.Adam(q_network.parameters(), config.learning_rate)
    buffer = ReplayBuffer(config.buffer_size, env.batch, config.n_step, config.gamma)
    policy = EpsilonGreedy(q_network, env.actions, seed + 1, epsilon=1.0)
    observations = env.reset([seed + row for row in range(env.batch)])
    decisions = max(1, ticks // (env.batch * env.repeat))
    starts = max(config.learning_starts // env.batch, config.n_step + 2)
    total, logged = 0.0, 0
    for decision in range(1, decisions + 1):
        decay = (1 - config.epsilon) * decision / (config.epsilon_fraction * decisions)
        policy.epsilon = max(config.epsilon, 1 - decay)
        actions = policy.act(observations)
        next_observations, rewards, over = env.step(actions)
        buffer.add(observations, actions, rewards, over)
        observations, total = next_observations, total + float(rewards.mean())
        if decision >= starts:
            for _ in range(config.updates):
                learn(q_network, target_network, optimizer, buffer, config, rng)
                update_target(target_network, q_network, config.tau)
        if decision * LOGS // decisions > logged * LOGS // decisions:
            log(decision * env.batch * env.repeat, 1000 * total / ((decision - logged) * env.repeat))
            total, logged = 0.0, decision
    return target_network


def learn(
    q_network: QNetwork,
    target_network: QNetwork,
    optimizer: torch.optim.Optimizer,
    buffer: ReplayBuffer,
    config: DQNConfig,
    rng: np.random.Generator,
) -> None:
    """One gradient step towards the n-step targets of sampled transitions."""
    samples = buffer.sample(config.batch_size, rng)
    actions = torch.from_numpy(samples.actions)[:, None]  # (N, 1)
    next_observations = torch.from_numpy(samples.next_observations)  # (N, 6, 32, 32)
    with torch.no_grad():
        # Double Q-learning: one network chooses the next action, the other values it.
        next_actions = q_network(next_observations).argmax(1, keepdim=True)  # (N, 1)
        next_values = target_network(next_observations).gather(1, next_actions)[:, 0]  # (N,)
        targets = torch.from_numpy(samples.returns) + torch.from_numpy(samples.discounts) * next_values
    errors = q_network(torch.from_numpy(samples.observations)).gather(1, actions)[:, 0] - targets  # (N,)
    losses = nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none")
    optimizer.zero_grad()
    (torch.from_numpy(samples.weights) * losses).mean().backward()
    nn.utils.clip_grad_norm_(q_network.parameters(), 10)
    optimizer.step()
    buffer.update_priorities(samples.indices, errors.detach().abs().numpy())


@torch.no_grad()
def update_target(target_network: QNetwork, q_network: QNetwork, tau: float) -> None:
    """Move the target network towards the Q-network by the share tau."""
    for target, source in zip(target_network.parameters(), q_network.parameters(), strict=True):
        target.lerp_(source, tau)

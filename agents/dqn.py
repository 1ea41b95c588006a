"""A short deep Q-learning for pictures and a handful of keys: double, duelling, several steps ahead, from memory.

Dreaming a frame costs far more than learning from it once, so what was dreamt is learnt from many times. The parts are
those of Rainbow (Hessel et al. 2018), the frugal settings in the spirit of van Hasselt et al. 2019.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reverie.agents.held import SIDE, HeldKeys, Looks
from reverie.agents.memory import Memory

Log = Callable[[int, float], None]
"""(ticks played so far, mean reward per 1,000 ticks since the last time)."""
TRIES = np.array([1, 1, 1, 2, 2, 3, 4, 6])
"""For how many decisions in a row something is tried: any of these is as likely as another."""
CELL = SIDE // 8
"""Pixels of a side of one of the 8x8 places that a look is divided into."""
TOLD = 20
"""How often a training says how far it is."""


@dataclass(frozen=True)
class DQNConfig:
    """How an agent learns.

    memory: decisions that are remembered. before: decisions at random before it begins to learn. updates: after every
    decision of all rounds, each from `minibatch` remembered ones. discount: per decision. steps: decisions whose
    rewards are counted before the network's own expectation is. follow: how fast the network that is asked for that,
    and plays in the end, follows the one that learns. curious: share of the training in which the share of random
    decisions falls from 1 to `random`, where it stays.
    """

    memory: int = 100_000
    before: int = 2000
    updates: int = 8
    minibatch: int = 64
    learning_rate: float = 5e-4
    discount: float = 0.97
    steps: int = 3
    follow: float = 0.005
    curious: float = 0.25
    random: float = 0.05


class Worth(nn.Module):
    """Looks (B, 6, 32, 32) uint8 to what each action is expected to earn, (B, A).

    Every place of an 8x8 grid says what it shows, and then, several times over with the same weights, hears from its
    neighbours: what lies further off is known in the end too, as in a value iteration (Tamar et al. 2016). Of all
    places the one that says a thing the loudest counts: what is learnt in one corner then holds in every other, which
    a flattened grid would have to learn 64 times, and a mean over places would drown.
    """

    def __init__(self, actions: int, width: int = 32, rounds: int = 8) -> None:
        super().__init__()
        self.shown = nn.Sequential(nn.Linear(6 * CELL * CELL, 64), nn.ReLU(), nn.Linear(64, width))
        self.heard, self.rounds = nn.Conv2d(width, width, 3, padding=1), rounds
        self.known = nn.Sequential(nn.Linear(width, 256), nn.ReLU())
        self.standing, self.acting = nn.Linear(256, 1), nn.Linear(256, actions)

    def forward(self, looks: Tensor) -> Tensor:
        cells = looks.unflatten(3, (8, CELL)).unflatten(2, (8, CELL)).permute(0, 2, 4, 1, 3, 5).flatten(3)
        shown = self.shown(cells.float() / 127.5 - 1).permute(0, 3, 1, 2)  # (B, width, 8, 8)
        places = shown.relu()
        for _ in range(self.rounds):
            places = (self.heard(places) + shown).relu()
        known = self.known(places.amax((2, 3)))
        acting = self.acting(known)
        return self.standing(known) + acting - acting.mean(1, keepdim=True)


class Player:
    """Plays what it expects most of; now and then, by luck from a seed of its own, any action at all, some times over.

    What is tried is tried some times in a row: single random steps lead nowhere, and the first rewards are found by
    going somewhere (temporally extended exploration, Dabney et al. 2021).
    """

    def __init__(self, worth: Worth, actions: int, seed: int, random: float) -> None:
        """random: share of the decisions that are random."""
        self.worth, self.actions, self.random = worth, actions, random
        self.luck = np.random.default_rng(seed)
        self.tried, self.left = np.zeros(0, np.int64), np.zeros(0, np.int64)

    @torch.no_grad()
    def act(self, looks: Looks) -> NDArray[np.int64]:
        """The next actions, (B,) int64."""
        best = self.worth(torch.from_numpy(looks)).argmax(1).numpy()
        batch = len(looks)
        if len(self.left) != batch:
            self.tried, self.left = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
        # Of decisions that are free, so many begin to try something that the share of all that are random comes out.
        begins = self.random / (self.random + (1 - self.random) * TRIES.mean())
        tries = (self.left == 0) & (self.luck.random(batch) < begins)
        self.tried = np.where(tries, self.luck.integers(self.actions, size=batch), self.tried)
        self.left = np.where(tries, self.luck.choice(TRIES, size=batch), self.left)
        trying = self.left > 0
        self.left -= trying
        return np.where(trying, self.tried, best)


def use_threads(threads: int) -> None:
    """Learn and play on so many threads."""
    torch.set_num_threads(threads)


def train(env: HeldKeys, ticks: int, seed: int, config: DQNConfig, log: Log = lambda ticks, reward: None) -> Worth:
    """Learn to play `env` from so many ticks of it, all rounds together. The same seed learns the same.

    Returns the network that follows the learning one. Being its running mean it plays as well on any day, where the
    other plays well on one and badly on the next (averaged iterates, Polyak and Juditsky 1992).
    """
    torch.manual_seed(seed)
    luck = np.random.default_rng(seed)
    worth = Worth(env.actions)
    slow = copy.deepcopy(worth).requires_grad_(False)
    optimizer = torch.optim.Adam(worth.parameters(), config.learning_rate)
    memory = Memory(config.memory, env.batch, config.steps, config.discount)
    player = Player(worth, env.actions, seed + 1, random=1.0)
    looks, turns = env.reset([seed + row for row in range(env.batch)]), max(1, ticks // (env.batch * env.hold))
    ready = max(config.before // env.batch, config.steps + 2)
    earned, told = 0.0, 0
    for turn in range(1, turns + 1):
        player.random = max(config.random, 1 - (1 - config.random) * turn / (config.curious * turns))
        actions = player.act(looks)
        after, rewards, over = env.step(actions)
        memory.add(looks, actions, rewards, over)
        looks, earned = after, earned + float(rewards.mean())
        if turn >= ready:
            for _ in range(config.updates):
                learn(worth, slow, optimizer, memory, config, luck)
        if turn * TOLD // turns > told * TOLD // turns:
            log(turn * env.batch * env.hold, 1000 * earned / ((turn - told) * env.hold))
            earned, told = 0.0, turn
    return slow


def learn(
    worth: Worth,
    slow: Worth,
    optimizer: torch.optim.Optimizer,
    memory: Memory,
    config: DQNConfig,
    luck: np.random.Generator,
) -> None:
    """One step towards what remembered decisions earned and what is expected from there on."""
    some = memory.draw(config.minibatch, luck)
    actions, after = torch.from_numpy(some.actions)[:, None], torch.from_numpy(some.after)
    with torch.no_grad():
        # One network chooses the next action and the other says what it is worth: neither believes its own luck.
        next_worth = slow(after).gather(1, worth(after).argmax(1, keepdim=True))[:, 0]
        wanted = torch.from_numpy(some.earned) + torch.from_numpy(some.goes_on) * next_worth
    errors = worth(torch.from_numpy(some.looks)).gather(1, actions)[:, 0] - wanted
    loss = nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none")
    optimizer.zero_grad()
    (torch.from_numpy(some.weights) * loss).mean().backward()
    nn.utils.clip_grad_norm_(worth.parameters(), 10)
    optimizer.step()
    memory.surprise(some.where, errors.detach().abs().numpy())
    with torch.no_grad():
        for mine, its in zip(slow.parameters(), worth.parameters(), strict=True):
            mine.lerp_(its, config.follow)

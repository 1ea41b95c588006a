"""How denoising is divided into steps."""

from __future__ import annotations

import pytest

from reverie.engine.latent import dynamics, schedule
from reverie.engine.latent.schedule import FINEST, Step
from reverie.models.latent import autoencoder
from reverie.models.latent import dynamics as network


@pytest.mark.parametrize("steps", range(1, FINEST + 1))
def test_the_steps_go_all_the_way_from_levels_that_were_learnt(steps: int) -> None:
    made = schedule.schedule(steps)
    assert len(made) == steps
    assert sum(2**step.size for step in made) == FINEST
    for number, step in enumerate(made):
        assert step.level == sum(2**before.size for before in made[:number])
        assert step.level % 2**step.size == 0
    assert made[-1].share == 1


def test_equal_steps_are_those_of_the_network_itself() -> None:
    assert schedule.schedule(2) == (Step(0, 2, 0.5), Step(4, 2, 1.0))


@pytest.mark.parametrize("steps", [0, 9, -1])
def test_other_numbers_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        schedule.schedule(steps)


def test_engine_and_networks_agree() -> None:
    assert (FINEST, dynamics.LIMIT) == (network.FINEST, autoencoder.LIMIT)

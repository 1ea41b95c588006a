"""A dream as a Gymnasium environment: what the checker asks for, what the seed decides, what is told of it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

import reverie.agents as agents  # noqa: E402
from reverie.agents.dream_env import DreamEnv  # noqa: E402
from reverie.engine.bundle import Bundle  # noqa: E402
from reverie.engine.dream import Dream  # noqa: E402
from reverie.engine.errors import BundleError  # noqa: E402
from tests.engine.fake import fake_bundle  # noqa: E402

ROOT = Path(__file__).parents[2]
SCRIPT = [0, 4, 4, 1, 1, 2, 3, 0, 0, 4] * 3


@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_gymnasiums_own_checker_is_content(bundle: Bundle, mode: str) -> None:
    env = gymnasium.make(agents.DREAM, bundle=bundle, mode=mode, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_close_check=True)


@pytest.mark.slow
def test_the_checker_is_content_with_the_dream_that_ships() -> None:
    env = gymnasium.make(agents.DREAM, mode="parallel", threads=1, render_mode="rgb_array")
    assert env.observation_space.shape == (128, 128, 3)
    assert env.unwrapped.metadata["game"] == "garden"
    assert env.unwrapped.predicts_rewards
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_an_id_brings_its_own_import() -> None:
    code = (
        "import gymnasium, sys\n"
        "gymnasium.make_vec('reverie.agents:reverie/Dream-v0', bundle='v1', num_envs=1, threads=1)\n"
        "gymnasium.spec('reverie/Garden-v0')\n"
        "print([m for m in ('torch', 'pygame', 'evaluation') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_an_episode_is_the_dream_of_its_seed(bundle: Bundle) -> None:
    env = gymnasium.make(agents.DREAM, bundle=bundle)
    frame, info = env.reset(seed=7)
    dream = Dream(bundle, seed=7)
    assert np.array_equal(frame, dream.frame)
    assert info == {"seed": 7, "start": 1}
    ends = 0
    for action in SCRIPT:
        frame, reward, ended, cut, _ = env.step(action)
        step = dream.step(action)
        assert np.array_equal(frame, step.frame)
        assert (reward, ended, cut) == (step.reward, step.ended, False)
        ends += ended
    assert ends


def test_a_dream_without_a_seed_is_drawn_from_the_one_before(bundle: Bundle) -> None:
    env = gymnasium.make(agents.DREAM, bundle=bundle).unwrapped
    drawn = []
    for _ in range(2):
        env.reset(seed=7)
        drawn.append([env.reset()[1]["seed"] for _ in range(3)])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 3


def test_a_start_can_be_chosen(bundle: Bundle) -> None:
    env = gymnasium.make(agents.DREAM, bundle=bundle)
    frame, info = env.reset(seed=7, options={"start": 2})
    assert np.array_equal(frame, bundle.starts.frames[2, -1])
    assert info["start"] == 2
    with pytest.raises(ValueError, match="no start 3"):
        env.reset(options={"start": 3})
    with pytest.raises(ValueError, match="no option 'begin'; there is start"):
        env.reset(options={"begin": 1})


def test_the_registered_limit_of_time_truncates_and_another_may_be_asked_for(bundle: Bundle) -> None:
    assert gymnasium.make(agents.DREAM, bundle=bundle).spec.max_episode_steps == agents.LIMIT
    env = gymnasium.make(agents.DREAM, bundle=fake_bundle(), max_episode_steps=4)
    env.reset(seed=1)
    assert [env.step(0)[3] for _ in range(4)] == [False, False, False, True]


def test_what_a_user_wants_to_know_is_told() -> None:
    bundle = fake_bundle()
    env = gymnasium.make(agents.DREAM, bundle=bundle, decoder="vq", temperature=0.5, render_mode="rgb_array")
    assert env.metadata["render_fps"] == 20
    assert env.metadata["game"] == "garden"
    assert env.metadata["actions"] == ("noop", "up", "down", "left", "right")
    assert env.unwrapped.get_action_meanings() == list(env.metadata["actions"])
    assert not env.unwrapped.predicts_rewards
    assert env.unwrapped.dream.settings["temperature"] == 0.5
    env.reset()
    frame, reward, ended, _, _ = env.step(1)
    assert (reward, ended) == (0.0, False)
    assert np.array_equal(env.render(), frame)


def test_a_bundle_of_several_games_dreams_the_one_that_is_asked_for(two_games: Bundle) -> None:
    assert gymnasium.make(agents.DREAM, bundle=two_games).metadata["game"] == "garden"
    env = gymnasium.make(agents.DREAM, bundle=two_games, game="duel")
    assert env.metadata["game"] == "duel"
    assert env.action_space.n == 3
    assert env.unwrapped.get_action_meanings() == ["noop", "up", "down"]
    frame, info = env.reset(seed=7)
    assert info["start"] == 1
    assert np.array_equal(frame, two_games.starts.frames[2, -1])
    with pytest.raises(ValueError, match="not of runner"):
        gymnasium.make(agents.DREAM, bundle=two_games, game="runner")


def test_mistakes_are_sentences(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="no bundle 'v0'"):
        gymnasium.make(agents.DREAM, bundle="v0")
    with pytest.raises(ValueError, match="mode 'telepathy'"):
        gymnasium.make(agents.DREAM, bundle=bundle, mode="telepathy")
    with pytest.raises(ValueError, match="rgb_array"):
        DreamEnv(bundle, render_mode="human")


def test_without_gymnasium_one_sentence_says_what_to_install() -> None:
    code = "import sys\nsys.modules['gymnasium'] = None\nimport agents"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (
        'needs gymnasium, which is not installed: `pip install -c constraints.txt ".[agents]"`'
        in done.stderr.splitlines()[-1]
    )

"""The one loop: steps depend on the seed and their number alone, not on stops, nor on the number of processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reverie.training.errors import RunError
from reverie.training.loop.checkpoint import load_state, save_state
from reverie.training.loop.clock import Clock
from reverie.training.loop.device_context import DeviceContext, find_device_context
from reverie.training.loop.prefetch import Prefetch
from reverie.training.loop.stage import GradientStage, Losses, OptimizerConfig, Stage
from reverie.training.loop.train import Moment, run_stage
from reverie.training.loop.trainer import Trainer
from tests.training.loop.stages import SHARES, dynamics_stage, losses, trainer


def test_steps_after_a_resume_are_those_of_a_run_that_never_stopped(tmp_path: Path) -> None:
    straight, stopped, resumed = trainer(), trainer(), trainer()
    curve = losses(straight, SHARES)
    losses(stopped, SHARES[:3])
    save_state(tmp_path / "state", stopped.state())
    resumed.restore(load_state(tmp_path / "state"))
    assert losses(resumed, SHARES[3:]) == curve[3:]
    for name, value in straight.target.state_dict().items():
        assert torch.equal(value, resumed.target.state_dict()[name]), name


def train_until(run: Path, step: int, resume: bool, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Train in a folder until Ctrl-C comes in the middle of a step; returns what is then on disk."""
    enter, state = Trainer.enter_phase, run / "dynamics-state.pt"

    def interrupted(trained: Trainer[Any, Any], share: float) -> bool:
        if trained.steps == step - 1:
            signal.raise_signal(signal.SIGINT)
        return enter(trained, share)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "enter_phase", interrupted)
        patch.setattr(Clock, "share", property(lambda clock: 0.1))  # else the rate is the wall clock's
        with pytest.raises(KeyboardInterrupt):
            run_stage(dynamics_stage(), run, resume, lambda line: None, DeviceContext())
    return load_state(state)


def test_ctrl_c_in_a_step_waits_for_its_end_and_the_run_goes_on_as_if_it_never_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    straight = train_until(tmp_path / "straight", 5, False, monkeypatch)
    assert train_until(tmp_path / "stopped", 2, False, monkeypatch)["step"] == 2
    again = train_until(tmp_path / "stopped", 5, True, monkeypatch)
    assert straight["step"] == again["step"] == 5
    for part in ("network", "target"):
        for name, value in straight[part].items():
            assert torch.equal(value, again[part][name]), name
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_loses_less_than_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = [0.0], []
    step, state = Trainer.step, tmp_path / "dynamics-state.pt"

    def slow(trained: Trainer[Any, Any], share: float) -> dict[str, Tensor]:
        saved.append(load_state(state)["step"] if state.exists() else 0)
        now[0] += 25
        return step(trained, share)

    monkeypatch.setattr("reverie.training.loop.clock.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr("reverie.training.loop.train.Clock", lambda seconds, spent: Clock(seconds, spent, 0.0, 0.0))
    monkeypatch.setattr(Trainer, "step", slow)
    figures = run_stage(dynamics_stage(minutes=3), tmp_path, False, lambda line: None, DeviceContext())
    assert saved == [0, 0, 2, 2, 4, 4, 6, 6], "after 45 seconds, which are two of these steps"
    assert figures is not None
    assert (figures["steps"], figures["frames"]) == (8, 8 * 8 * 4)


def test_two_processes_learn_what_one_does_from_the_same_batches(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    alone = losses(trainer(DeviceContext(precision=torch.float32)), SHARES)
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    root = str(Path(__file__).parents[3])
    path = os.pathsep.join((root, *filter(None, [os.environ.get("PYTHONPATH")])))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": path}
    done = subprocess.run(
        [*words, __file__, str(tmp_path / "curve.json")], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    together = json.loads((tmp_path / "curve.json").read_text())
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_a_batch_that_processes_cannot_share_evenly_is_refused() -> None:
    class Three(DeviceContext):
        @property
        def processes(self) -> int:
            return 3

    with pytest.raises(RunError, match="3 processes cannot share a batch of 8"):
        trainer(Three())


def waited(lines: list[str]) -> float:
    """Per cent of the time, by the last line of a log that says so."""
    return float(re.findall(r"steps/s, waited ([\d.]+)%", "\n".join(lines))[-1])


def test_the_log_says_how_fast_it_goes_and_how_long_it_waited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.training.loop.train.LOG_EVERY", 2)
    lines: list[str] = []
    figures = run_stage(dynamics_stage(minutes=0.05), tmp_path, False, lines.append, DeviceContext())
    assert figures is not None
    assert figures["steps"] >= 2
    assert waited(lines) < 50


def test_time_spent_waiting_for_batches_is_measured() -> None:
    def slow(step: int) -> int:
        time.sleep(0.2)
        return step

    prefetch = Prefetch(slow)
    assert [prefetch.take(step) for step in (5, 6)] == [5, 6]
    prefetch.close()
    assert prefetch.waited > 0.3


class Point(NamedTuple):
    """A batch of numbers (B,)."""

    x: Tensor


class Phased(GradientStage[nn.Linear, Point]):
    """Two phases; the second learns from the running mean. It says what it was asked."""

    name = "phased"
    phases = (0.0, 0.5)
    fixed_when_done = True

    def __init__(self, minutes: float = 0.002) -> None:
        self.network, self.config, self.minutes = nn.Linear(1, 1), OptimizerConfig(batch=2), minutes
        self.begun: list[int] = []
        self.seen: list[int] = []

    def batch(self, step: int) -> Point:
        return Point(torch.full((2,), float(step)))

    def loss(self, network: nn.Linear, target: nn.Linear, batch: Point, phase: int) -> Losses:
        self.seen.append(phase)
        x = batch.x[:, None]
        wanted = target(x) if phase else 2 * x
        assert not wanted.requires_grad
        return {"error": (network(x) - wanted).square().mean()}, {"phase": torch.tensor(float(phase))}

    def begin_phase(self, phase: int, target: nn.Linear) -> None:
        self.begun.append(phase)

    def held_out(self, network: nn.Linear) -> dict[str, float]:
        return {"weight": float(network.weight.detach())}


def test_a_phase_begins_once_and_its_loss_sees_the_running_mean(tmp_path: Path) -> None:
    stage = Phased()
    trained = Trainer(stage, DeviceContext())
    for share in (0.0, 0.2, 0.6, 0.7):
        trained.step(share)
    assert (stage.begun, stage.seen) == ([1], [0, 0, 1, 1])
    again = Phased()
    resumed = Trainer(again, DeviceContext())
    resumed.restore(trained.state())
    resumed.step(0.8)
    assert again.begun == [], "a phase that has begun does not begin again after a resume"


def test_every_phase_begins_however_little_time_there_is(tmp_path: Path) -> None:
    stage = Phased(minutes=1e-9)
    run_stage(stage, tmp_path, False, lambda line: None, DeviceContext())
    assert stage.begun == [1]


def test_a_fixed_stage_is_trained_once_however_many_minutes_are_added(tmp_path: Path) -> None:
    figures = run_stage(Phased(), tmp_path, False, lambda line: None, DeviceContext())
    assert figures is not None
    assert [path.name for path in tmp_path.iterdir()] == ["phased.safetensors"]
    later = Phased(minutes=1)
    assert run_stage(later, tmp_path, True, lambda line: None, DeviceContext()) is None
    assert later.seen == []
    assert later.held_out(later.network)["weight"] == figures["weight"]


def test_a_stage_without_gradients_is_prepared_once(tmp_path: Path) -> None:
    class Counted(Stage[nn.Linear]):
        name, times = "counted", 0

        def __init__(self) -> None:
            self.network = nn.Linear(1, 1)

        def prepare(self) -> None:
            Counted.times += 1
            nn.init.constant_(self.network.weight, 7)

        def held_out(self, network: nn.Linear) -> dict[str, float]:
            return {"weight": float(network.weight.detach())}

    assert run_stage(Counted(), tmp_path, False, lambda line: None, DeviceContext()) == {"weight": 7}
    again = Counted()
    assert run_stage(again, tmp_path, True, lambda line: None, DeviceContext()) is None
    assert (Counted.times, float(again.network.weight)) == (1, 7)


def test_a_training_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TELL_EVERY", "HELD_OUT_EVERY", "SAVE_EVERY"):
        monkeypatch.setattr(f"reverie.training.loop.train.{name}", 0.0)
    monkeypatch.setattr("reverie.training.loop.train.HELD_OUT_SHARE", 1e9)
    told: list[Moment] = []
    figures = run_stage(dynamics_stage(minutes=0.03), tmp_path, False, lambda line: None, DeviceContext(), told.append)
    assert figures is not None
    end = told.pop()
    assert (end.step, end.left) == (figures["steps"], 0)
    assert end.held_out is not None
    assert end.held_out.items() <= figures.items()
    assert [moment.step for moment in told] == list(range(1, figures["steps"] + 1))
    assert all(moment.stage == "dynamics" and moment.saved and moment.held_out for moment in told)
    assert "loss" in told[0].figures
    left = [moment.left for moment in told]
    assert left == sorted(left, reverse=True)
    assert left[0] + told[0].seconds == pytest.approx(1.8, abs=0.2)


if __name__ == "__main__":
    here = find_device_context("cpu:2", "fp32")
    curve = losses(trainer(here), SHARES)
    if here.first:
        Path(sys.argv[1]).write_text(json.dumps(curve))

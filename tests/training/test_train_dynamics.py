"""Steps of the dynamics depend on the seed and their number alone: not on stops, nor on the number of processes."""

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
from typing import Any

import numpy as np
import pytest
import torch

from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.training.loop import device_context
from reverie.training.loop.checkpoint import Clock, RunError, load_state, save_state
from reverie.training.loop.device_context import Place, find_place
from reverie.training.loop.utilisation import Meter, flop_of, peak_flops
from reverie.training.tokens.objectives import Lesson, Scores
from reverie.training.tokens.train_dynamics import DynamicsTrainer, DynamicsTraining, Optimizers, train_dynamics
from reverie.training.tokens.windows import TokenEpisodes

ROOT = Path(__file__).parents[2]
SIZES = {"vocabulary": 32, "grid": (4, 4), "width": 32, "layers": 2, "heads": 4, "causal_layers": 1}
CONFIG = WorldModelConfig(**SIZES, rewards=(-1.0, 0.0, 1.0))  # type: ignore[arg-type]
TRAINING = DynamicsTraining(window=4, batch=8, warmup_steps=4, rare_share=0.5)
SHARES = [0.0, 0.1, 0.3, 0.5, 0.8, 0.95]


def episodes() -> TokenEpisodes:
    """Four episodes of 40 frames, in which a token in ten changes at a time."""
    rng = np.random.default_rng(0)
    tokens = np.zeros((160, 16), np.uint16)
    for t in range(1, 160):
        tokens[t] = np.where(rng.random(16) < 0.1, rng.integers(32, size=16), tokens[t - 1])
    rewards = rng.integers(-1, 2, 160).astype(np.float32)
    starts, lengths = np.arange(4) * 40, np.full(4, 40)
    actions = rng.integers(5, size=160).astype(np.uint8)
    return TokenEpisodes(tokens, actions, rewards, rewards < 0, starts, lengths, np.zeros(4, np.int64))


def trainer(place: Place | None = None) -> DynamicsTrainer:
    torch.manual_seed(0)
    return DynamicsTrainer(TemporalVisualWorldModel(CONFIG), episodes(), TRAINING, 1, place or Place())


def losses(trained: DynamicsTrainer, shares: list[float]) -> list[float]:
    return [float(sum(trained.step(share).loss.values())) for share in shares]


def test_steps_after_a_resume_are_those_of_a_run_that_never_stopped(tmp_path: Path) -> None:
    straight, stopped, resumed = trainer(), trainer(), trainer()
    curve = losses(straight, SHARES)
    losses(stopped, SHARES[:3])
    save_state(tmp_path / "state", stopped.state())
    resumed.restore(load_state(tmp_path / "state"))
    assert losses(resumed, SHARES[3:]) == curve[3:]
    for name, value in straight.average.items():
        assert torch.equal(value, resumed.average[name]), name


def train_until(run: Path, step: int, resume: bool, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Train in a folder until Ctrl-C comes in the middle of a step; returns what is then on disk."""
    optimize, count = Optimizers.step, len(range(load_state(run / "trainer.pt")["step"] if resume else 0, step))
    seen: list[float] = []

    def interrupted(optimizers: Optimizers, rate: float) -> None:
        seen.append(rate)
        if len(seen) == count:
            signal.raise_signal(signal.SIGINT)
        optimize(optimizers, rate)

    torch.manual_seed(0)
    model = TemporalVisualWorldModel(CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(Optimizers, "step", interrupted)
        patch.setattr(Clock, "share", property(lambda clock: 0.1))  # else the rate is the wall clock's
        with pytest.raises(KeyboardInterrupt):
            train_dynamics(model, episodes(), episodes(), TRAINING, run, 1, 1, resume, lambda line: None, Place())
    return load_state(run / "trainer.pt")


def test_ctrl_c_in_a_step_waits_for_its_end_and_the_run_goes_on_as_if_it_never_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
    straight = train_until(tmp_path / "straight", 5, False, monkeypatch)
    assert train_until(tmp_path / "stopped", 2, False, monkeypatch)["step"] == 2
    again = train_until(tmp_path / "stopped", 5, True, monkeypatch)
    assert straight["step"] == again["step"] == 5
    for part in ("model", "average"):
        for name, value in straight[part].items():
            assert torch.equal(value, again[part][name]), name


def test_what_was_saved_goes_on_with_the_same_losses(tmp_path: Path) -> None:
    before, after = trainer(), trainer()
    losses(before, SHARES[:2])
    save_state(tmp_path / "trainer.pt", before.state())
    after.restore(load_state(tmp_path / "trainer.pt"))
    assert losses(after, SHARES[2:]) == losses(before, SHARES[2:])


def test_a_run_is_saved_every_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = [0.0], []
    step = DynamicsTrainer.step

    def slow(trained: DynamicsTrainer, share: float) -> Scores:
        saved.append(load_state(tmp_path / "trainer.pt")["step"] if (tmp_path / "trainer.pt").exists() else 0)
        now[0] += 25
        return step(trained, share)

    monkeypatch.setattr("reverie.training.loop.checkpoint.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(
        "reverie.training.tokens.train_dynamics.Clock", lambda seconds, spent: Clock(seconds, spent, 0.0, 0.0)
    )
    monkeypatch.setattr(DynamicsTrainer, "step", slow)
    model = TemporalVisualWorldModel(CONFIG)
    train_dynamics(model, episodes(), episodes(), TRAINING, tmp_path, 3, 0, False, lambda line: None, Place())
    assert saved == [0, 0, 0, 3, 3, 3, 6, 6]


def test_two_processes_learn_what_one_does_from_the_same_batches(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    alone = losses(trainer(Place(precision=torch.float32)), SHARES)
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [*words, __file__, str(tmp_path / "curve.json")], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    together = json.loads((tmp_path / "curve.json").read_text())
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_the_command_line_says_where_and_in_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_place("auto", "bf16") == Place(torch.device("cpu"), torch.bfloat16)
    assert find_place("cpu", "fp32") == Place(torch.device("cpu"), torch.float32)
    for devices, precision, message in (
        ("cuda", "bf16", "no GPU here"),
        ("tpu", "bf16", "auto, cpu, cuda"),
        ("cpu", "fp8", "auto, bf16 or fp32"),
        ("cpu:2", "bf16", "torchrun --nproc-per-node 2"),
    ):
        with pytest.raises(RunError, match=message):
            find_place(devices, precision)


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32])
def test_products_are_computed_in_what_the_processor_is_faster_in(
    faster: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_context, "_seconds_of_a_product", lambda precision: 1.0 if precision == faster else 50.0)
    device_context.faster_precision.cache_clear()
    try:
        assert find_place("cpu", "auto").precision == Place().precision == faster
        assert find_place("cpu", "fp32").precision == torch.float32
    finally:
        device_context.faster_precision.cache_clear()


def test_a_batch_that_processes_cannot_share_evenly_is_refused() -> None:
    class Three(Place):
        @property
        def processes(self) -> int:
            return 3

    with pytest.raises(RunError, match="3 processes cannot share a batch of 8"):
        trainer(Three())


def test_flops_are_those_of_the_matrix_products_forwards_and_backwards() -> None:
    a, b = torch.randn(8, 16, requires_grad=True), torch.randn(16, 4, requires_grad=True)
    assert flop_of(lambda: (a @ b).sum().backward()) == 3 * 2 * 8 * 16 * 4
    one = trainer()
    positions = TRAINING.batch * TRAINING.window * 16
    matrices = sum(p.numel() for name, p in one.model.named_parameters() if "layers" in name and p.ndim == 2)
    assert one.flop_per_step() > 6 * positions * matrices * 0.9, "six for each weight and position, and more"
    assert all(parameter.grad is None for parameter in one.model.parameters())


def test_utilisation_is_over_the_peak_that_the_maker_names() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3", torch.bfloat16) == 989e12
    assert peak_flops("NVIDIA H100 PCIe", torch.bfloat16) == 756e12
    assert peak_flops("NVIDIA H200", torch.float32) == 67e12
    assert peak_flops("a device of another maker", torch.bfloat16) is None


def test_the_meter_says_speed_waiting_and_utilisation_since_it_was_last_read(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("reverie.training.loop.utilisation.time.perf_counter", lambda: now[0])
    meter, unknown = Meter(2e12, 100e12, 50), Meter(2e12, None, 50)
    fresh = Meter(0, None, 10)
    now[0] += 4
    assert fresh.line(10, 0.0).startswith("0.00 steps/s"), "what an earlier run did is not this one's"
    assert meter.line(60, 1.0) == "2.50 steps/s, waited 25.0%, 5.0 TFLOP/s, MFU 5.0%"
    assert unknown.line(60, 1.0) == "2.50 steps/s, waited 25.0%, 5.0 TFLOP/s"
    now[0] += 10
    assert meter.line(160, 1.5) == "10.00 steps/s, waited 5.0%, 20.0 TFLOP/s, MFU 20.0%"


def test_the_log_says_how_fast_it_goes_and_how_long_it_waited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.training.tokens.train_dynamics.SPEAK_EVERY", 2)
    lines: list[str] = []
    model = TemporalVisualWorldModel(CONFIG)
    figures = train_dynamics(model, episodes(), episodes(), TRAINING, tmp_path, 0.05, 0, False, lines.append, Place())
    assert figures["steps"] >= 2
    assert waited(lines) < 50


def waited(lines: list[str]) -> float:
    """Per cent of the time, by the last line of a log that says so."""
    return float(re.findall(r"steps/s, waited ([\d.]+)%", "\n".join(lines))[-1])


def test_time_spent_waiting_for_windows_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.training.tokens.train_dynamics.SPEAK_EVERY", 2)
    lesson = DynamicsTrainer.lesson

    def slow(trained: DynamicsTrainer, step: int) -> Lesson:
        time.sleep(0.5)
        return lesson(trained, step)

    monkeypatch.setattr(DynamicsTrainer, "lesson", slow)
    lines: list[str] = []
    model = TemporalVisualWorldModel(CONFIG)
    train_dynamics(model, episodes(), episodes(), TRAINING, tmp_path, 0.05, 0, False, lines.append, Place())
    assert waited(lines) > 50


if __name__ == "__main__":
    here = find_place("cpu:2", "fp32")
    curve = losses(trainer(here), SHARES)
    if here.first:
        Path(sys.argv[1]).write_text(json.dumps(curve))

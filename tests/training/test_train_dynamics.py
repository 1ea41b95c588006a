"""Steps of the dynamics depend on the seed and their number alone: not on stops, nor on the number of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.world_model import TemporalVisualWorldModel, WorldModelConfig
from training import place
from training.checkpoint import RunError, load_state, save_state
from training.place import Place, find_place
from training.train_dynamics import DynamicsTrainer, DynamicsTraining, train_dynamics
from training.utilisation import Meter, flop_of, peak_flops
from training.windows import TokenEpisodes

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
    resumed.model.load_state_dict(stopped.model.state_dict())
    resumed.restore(load_state(tmp_path / "state"))
    assert losses(resumed, SHARES[3:]) == curve[3:]
    for name, value in straight.average.items():
        assert torch.equal(value, resumed.average[name]), name


def test_two_processes_learn_what_one_does_from_the_same_batches(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    alone = losses(trainer(Place(precision=torch.float32)), SHARES)
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
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
    monkeypatch.setattr(place, "_seconds_of_a_product", lambda precision: 1.0 if precision == faster else 50.0)
    place.faster_precision.cache_clear()
    try:
        assert find_place("cpu", "auto").precision == Place().precision == faster
        assert find_place("cpu", "fp32").precision == torch.float32
    finally:
        place.faster_precision.cache_clear()


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
    assert "MFU" in Meter(1e9, 1e12).line(10, 0.0)
    assert "MFU" not in Meter(1e9, None).line(10, 0.0)
    assert Meter(0, None, 10).line(10, 0.0).startswith("0.00 steps/s")  # what an earlier run did is not this one's


def test_the_log_says_how_fast_it_goes_and_how_long_it_waited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.train_dynamics.SPEAK_EVERY", 2)
    lines: list[str] = []
    model = TemporalVisualWorldModel(CONFIG)
    figures = train_dynamics(model, episodes(), episodes(), TRAINING, tmp_path, 0.05, 0, False, lines.append, Place())
    assert figures["steps"] >= 2
    assert any("steps/s, waited" in line for line in lines)


if __name__ == "__main__":
    here = find_place("cpu:2", "fp32")
    curve = losses(trainer(here), SHARES)
    if here.first:
        Path(sys.argv[1]).write_text(json.dumps(curve))

"""Gradients from several threads, from compiled layers and from a compiled loss are those of the plain loss."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import pytest
import torch

from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.replicas import Objective, Replicas
from tests.training.loop.stages import dynamics_stage

EXACT = DeviceContext(precision=torch.float32)


def test_several_threads_give_the_gradient_of_one() -> None:
    threads, gradients = torch.get_num_threads(), []
    for workers in (1, 3):
        torch.set_num_threads(3)
        stage = dynamics_stage(EXACT)
        figures = Replicas(stage, stage.network, workers, EXACT)(stage.batch(0), 0)
        gradients.append({name: p.grad for name, p in stage.network.named_parameters() if p.grad is not None})
        gradients[-1]["loss"] = figures["loss"]
    torch.set_num_threads(threads)
    assert gradients[0].keys() == gradients[1].keys()
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-3, atol=1e-5)


def test_a_loss_compiles_as_one_graph_and_is_the_same() -> None:
    stage = dynamics_stage(EXACT)
    objective, batch = Objective(stage, stage.network), stage.batch(0)
    compiled = torch.compile(objective, backend="aot_eager", fullgraph=True, dynamic=False)
    for plain, other in zip(objective(batch, 0), compiled(batch, 0), strict=True):
        assert plain.keys() == other.keys()
        for name, value in plain.items():
            torch.testing.assert_close(other[name], value)


def test_compiled_layers_give_the_same_gradients_or_say_why_they_are_not_compiled() -> None:
    stage = dynamics_stage(EXACT)
    replicas, batch = Replicas(stage, stage.network, 2, EXACT), stage.batch(0)
    before = replicas(batch, 0)
    plain = [p.grad.clone() for p in stage.network.parameters() if p.grad is not None]
    stage.network.zero_grad(set_to_none=True)
    reason = replicas.compile(batch, 0)
    assert all(p.grad is None for p in stage.network.parameters())
    after = replicas(batch, 0)
    torch.testing.assert_close(after["loss"], before["loss"], rtol=1e-4, atol=1e-4)
    compiled = [p.grad for p in stage.network.parameters() if p.grad is not None]
    torch.testing.assert_close(compiled, plain, rtol=1e-3, atol=1e-5)
    is_compiled = "forward" in vars(replicas.replicas[0].layers[0])
    assert is_compiled == (reason == "")
    can_compile = shutil.which("g++") and Path(sysconfig.get_path("include"), "Python.h").is_file()
    assert is_compiled or not can_compile, reason


def test_layers_that_cannot_be_compiled_are_used_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no C++ compiler\nat all")

    monkeypatch.setattr("reverie.training.loop.replicas._compiled", lambda kind: broken)
    stage = dynamics_stage(EXACT)
    replicas, batch = Replicas(stage, stage.network, 2, EXACT), stage.batch(0)
    assert replicas.compile(batch, 0) == "no C++ compiler"
    replicas(batch, 0)
    assert any(p.grad is not None for p in stage.network.parameters())

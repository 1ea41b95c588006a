"""What the dynamics learn from: mistakes in the history, a loss on chosen positions, gradients from several threads."""

from __future__ import annotations

import shutil
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.training.loop.device_context import Place
from reverie.training.loop.replicas import Team
from reverie.training.tokens.cross_entropy import cross_entropy
from reverie.training.tokens.objectives import (
    Batch,
    HistoryNoise,
    Objective,
    corrupt,
    lesson_scores,
    prepare,
    swap_parts,
    window_scores,
)

CONFIG = WorldModelConfig(vocabulary=32, grid=(4, 4), actions=5, width=32, layers=1, heads=4, causal_layers=1)
SILENT = HistoryNoise(share=0, swap=0, unknown_action=0)


@pytest.fixture
def model() -> TemporalVisualWorldModel:
    torch.manual_seed(0)
    return TemporalVisualWorldModel(CONFIG)


def _windows(batch: int = 8, frames: int = 5) -> Batch:
    """Tokens of which about one in ten changes from frame to frame."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(32, (batch, 1, 16), generator=generator).repeat(1, frames, 1)
    fresh = torch.randint(32, tokens.shape, generator=generator)
    tokens = torch.where(torch.rand(tokens.shape, generator=generator) < 0.1, fresh, tokens)
    actions = torch.randint(5, (batch, frames), generator=generator)
    rewards = torch.randint(-1, 2, (batch, frames), generator=generator).float()
    return Batch(tokens, actions, rewards, rewards < 0, tokens, torch.zeros(batch, dtype=torch.int64))


def test_without_noise_the_history_is_the_true_one() -> None:
    tokens = _windows().tokens
    assert torch.equal(corrupt(tokens, -tokens, SILENT, 32, (4, 4), torch.Generator().manual_seed(0)), tokens)


def test_a_swapped_part_shows_another_time_for_three_frames_or_to_the_end() -> None:
    tokens = torch.arange(400 * 9).reshape(400, 9, 1).expand(-1, -1, 64).clone()  # every frame unlike every other
    swapped = swap_parts(tokens, -tokens - 1, 1.0, (8, 8), torch.Generator().manual_seed(0))
    wrong = swapped != tokens
    assert torch.equal(swapped[wrong], -tokens[wrong] - 1), "the same frame of the other window"
    frames, size = wrong.any(2), wrong.sum(2)
    assert size.max() == 16
    assert size.sum(1).eq(0).sum() == 0
    to_the_end = frames[:, -1]
    assert 0.5 < to_the_end.float().mean() < 0.8
    assert frames[~to_the_end].sum(1).max() == 3


def test_the_loss_on_some_still_positions_is_on_average_that_on_all(model: TemporalVisualWorldModel) -> None:
    batch = _windows(32)
    with torch.no_grad():
        whole = window_scores(model, batch)
        generator = torch.Generator().manual_seed(0)
        parts = [lesson_scores(model, prepare(CONFIG, batch, None, generator, 0.25)) for _ in range(40)]
    for head in ("parallel", "ar"):
        mean = torch.stack([part.loss[head] for part in parts]).mean()
        torch.testing.assert_close(mean, whole.loss[head], rtol=0.01, atol=0.0)
    assert all(part.changed == whole.changed for part in parts), "what changes is always looked at"
    assert parts[0].positions < 0.5 * whole.positions


def test_the_outcome_is_learnt_without_a_say_in_what_the_trunk_learns() -> None:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(replace(CONFIG, rewards=(-1.0, 0.0, 1.0)))
    scores = window_scores(model, _windows())
    assert 0.5 < float(scores.loss["outcome"].detach()) < 3, "nats of three rewards and an end"
    scores.loss["outcome"].backward()
    touched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched == {"outcome_head"}


def test_several_threads_give_the_gradient_of_one(model: TemporalVisualWorldModel) -> None:
    batch = _windows(7)
    threads = torch.get_num_threads()
    gradients = []
    for workers in (1, 3):
        torch.set_num_threads(3)
        model.zero_grad(set_to_none=True)
        scores = Team(model, workers, Place()).gradients(prepare(model.config, batch))
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
        assert scores.positions == 7 * 4 * 16
    torch.set_num_threads(threads)
    assert gradients[0].keys() == gradients[1].keys()
    for name, expected in gradients[0].items():  # bf16: sums in another order differ in the third digit
        torch.testing.assert_close(gradients[1][name], expected, rtol=0.05, atol=0.02 * float(expected.abs().max()))


def test_a_lesson_compiles_as_one_graph_and_scores_the_same(model: TemporalVisualWorldModel) -> None:
    noise, generator = HistoryNoise(1, 0.1, 1), torch.Generator().manual_seed(3)
    lesson = prepare(model.config, _windows(), noise, generator)
    plain = Objective(model)(lesson)
    compiled = torch.compile(Objective(model), backend="aot_eager", fullgraph=True, dynamic=False)(lesson)
    for head, loss in plain["loss"].items():
        torch.testing.assert_close(compiled["loss"][head], loss)
    assert {head: int(hits) for head, hits in compiled["hits"].items()} == {h: int(n) for h, n in plain["hits"].items()}


def test_codes_that_look_alike_begin_alike(model: TemporalVisualWorldModel) -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(32, 12, generator=generator)
    pictures[1] = pictures[0] + 0.01 * torch.rand(12, generator=generator)
    model.begin_with(pictures)
    for table in (model.token.weight, model.code):
        distance = torch.cdist(table, table)
        assert distance[0, 1] < 0.2 * distance[0, 2:].min()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_in_parts_is_the_loss(weighted: bool) -> None:
    torch.manual_seed(0)
    shapes = ((300, 16), (40, 16), (40,))
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    truth, weight = torch.randint(40, (300,)), torch.rand(300) if weighted else None
    nats, hits = cross_entropy(*inputs, truth, weight)
    found = torch.autograd.grad(3 * nats, inputs)
    logits = inputs[0] @ inputs[1].T + inputs[2]
    each = F.cross_entropy(logits, truth, reduction="none")
    whole = (each if weight is None else each * weight).sum()
    torch.testing.assert_close(nats, whole)
    torch.testing.assert_close(hits, logits.argmax(1) == truth)
    torch.testing.assert_close(found, torch.autograd.grad(3 * whole, inputs), rtol=1e-4, atol=1e-4)


def test_compiled_layers_give_the_same_gradients_or_say_why_they_are_not_compiled() -> None:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(CONFIG)
    lesson = prepare(model.config, _windows())
    team = Team(model, 2, Place(precision=torch.float32))
    before = team.gradients(lesson)
    plain = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad(set_to_none=True)
    hindrance = team.compile(lesson)
    assert all(p.grad is None for p in model.parameters())
    after = team.gradients(lesson)
    torch.testing.assert_close(after.loss, before.loss, rtol=1e-4, atol=1e-4)
    compiled = [p.grad for p in model.parameters() if p.grad is not None]
    torch.testing.assert_close(compiled, plain, rtol=1e-3, atol=1e-5)
    is_compiled = "forward" in vars(team.replicas[0].layers[0])
    assert is_compiled == (hindrance == "")
    can_compile = shutil.which("g++") and Path(sysconfig.get_path("include"), "Python.h").is_file()
    assert is_compiled or not can_compile, hindrance


def test_layers_that_cannot_be_compiled_are_used_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no C++ compiler\nat all")

    monkeypatch.setattr("reverie.training.loop.replicas._compiled", lambda kind: broken)
    model = TemporalVisualWorldModel(CONFIG)
    lesson = prepare(model.config, _windows())
    team = Team(model, 2, Place())
    assert team.compile(lesson) == "no C++ compiler"
    team.gradients(lesson)
    assert any(p.grad is not None for p in model.parameters())

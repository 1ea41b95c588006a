"""A graph that gives what it never may spoils one frame of one trajectory, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from fake import FakeRuntime, V, fake_bundle
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.guard import finite
from reverie.engine.taping import TapedDream, replay

Array = NDArray[Any]
SCRIPT = [0, 4, 4, 1, 2, 3, 0, 1]


class Spoilt(FakeRuntime):
    """Gives what `spoil` makes of a graph's first output, once, when that graph is run for the `after`-th time more."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = ""

    def once(self, graph: str, spoil: Callable[[Array], Array], after: int = 1) -> None:
        self.graph, self.spoil, self.left = graph, spoil, after

    def run(self, graph: str, inputs: Sequence[Array]) -> list[Array]:
        first, *rest = super().run(graph, inputs)
        if graph == self.graph:
            self.left -= 1
            first = self.spoil(first.copy()) if self.left == 0 else first
        return [first, *rest]


def put(value: float, row: int = 1) -> Callable[[Array], Array]:
    """One number of one row becomes `value`."""

    def spoil(array: Array) -> Array:
        array[(row, *(n // 2 for n in array.shape[1:]))] = value
        return array

    return spoil


def one_code_too_many(logits: Array) -> Array:
    """The second row wants a code that there is not."""
    extra = np.full_like(logits[..., :1], -1e9)
    extra[1] = 1e9
    return np.concatenate([logits, extra], -1)


@pytest.fixture
def spoilt() -> Bundle:
    return dataclasses.replace(fake_bundle(outcome=True), runtime=Spoilt())


def runtime_of(bundle: Bundle) -> Spoilt:
    assert isinstance(bundle.runtime, Spoilt)
    return bundle.runtime


def begun(bundle: Bundle, **settings: Any) -> DreamBatch:
    batch = DreamBatch(bundle, 3, **settings)
    batch.reset([5, 8, 11])
    for action in SCRIPT:
        batch.step([action] * 3)
    return batch


@pytest.mark.parametrize(
    ("settings", "graph", "spoil", "says"),
    [
        ({"mode": "parallel"}, "dynamics", put(np.nan), "the dynamics gave"),
        ({"mode": "parallel"}, "dynamics", put(np.inf), "the dynamics gave"),
        ({"mode": "ar"}, "dynamics", put(np.nan), "the dynamics gave"),
        ({"mode": "ar"}, "causal_head", put(np.nan), "the causal head gave"),
        ({"mode": "parallel", "passes": 2}, "causal_head", put(np.inf), "the causal head gave"),
        ({"mode": "parallel", "temperature": 0}, "dynamics", one_code_too_many, "the sampler drew a token"),
    ],
)
def test_the_trajectory_stays_on_its_last_good_frame_and_goes_on_and_the_others_never_notice(
    spoilt: Bundle, settings: dict[str, Any], graph: str, spoil: Callable[[Array], Array], says: str
) -> None:
    batch, sound = begun(spoilt, **settings), begun(fake_bundle(outcome=True), **settings)
    before = batch.snapshot()
    runtime_of(spoilt).once(graph, spoil)
    shown, wanted = batch.step([1, 1, 1]), sound.step([1, 1, 1])
    assert np.array_equal(shown[1], before.frames[1])
    assert np.array_equal(batch.z[1], before.z[1])
    assert batch.ring is not None
    assert before.ring is not None
    for now, then in zip(batch.ring.snapshot().values(), before.ring.values(), strict=True):
        assert np.array_equal(now[1], then[1])
    assert (batch.rewards[1], batch.ended[1]) == (0, False)
    assert batch.faults.count == 1
    assert batch.faults.last.startswith(says)
    assert "last good frame" in batch.faults.last
    moved = False
    for action in SCRIPT:
        assert np.array_equal(shown[[0, 2]], wanted[[0, 2]])
        assert np.array_equal(batch.rewards[[0, 2]], sound.rewards[[0, 2]])
        shown, wanted = batch.step([action] * 3), sound.step([action] * 3)
        moved |= not np.array_equal(shown[1], before.frames[1])
    assert moved
    assert batch.faults.count == 1
    assert sorted(batch.ring.tensors["age"][1]) == [1, 2, 3]


def test_the_step_after_is_the_one_that_would_have_come_from_there(spoilt: Bundle) -> None:
    dream, never = Dream(spoilt, mode="ar", seed=2), Dream(fake_bundle(outcome=True), mode="ar", seed=2)
    runtime_of(spoilt).once("dynamics", put(np.nan, row=0))
    dream.step(1)
    here = never.snapshot()
    never.step(3)  # spends the noise
    spent = never.snapshot().noise
    never.restore(dataclasses.replace(here, noise=spent))
    for action in SCRIPT:
        assert np.array_equal(dream.step(action).frame, never.step(action).frame)


def test_a_real_frame_that_the_encoder_cannot_say_is_not_put_in(spoilt: Bundle) -> None:
    batch, before = begun(spoilt), begun(spoilt).frames[1].copy()
    frames = np.random.default_rng(0).integers(0, V, batch.frames.shape, np.uint8)
    runtime_of(spoilt).once("encoder", put(V))
    batch.append_frames(frames, [0, 0, 0])
    assert np.array_equal(batch.frames[1], before)
    assert np.array_equal(batch.frames[[0, 2]], frames[[0, 2]])
    assert batch.faults.count == 1
    batch.step([1, 1, 1])


def test_a_start_that_the_encoder_cannot_say_takes_the_nearest_code(spoilt: Bundle) -> None:
    batch = DreamBatch(spoilt, 3)
    runtime_of(spoilt).once("encoder", put(-1))
    batch.reset([0, 1, 2])
    assert batch.faults.count == 1
    assert (batch.z >= 0).all()
    batch.step([1, 1, 1])


def test_a_tape_with_a_fault_replays_to_identical_frames(spoilt: Bundle) -> None:
    dream = TapedDream(spoilt, mode="ar", seed=4)
    real = np.random.default_rng(0).integers(0, V, (32, 32, 3), np.uint8)
    runtime_of(spoilt).once("dynamics", put(np.nan, row=0), after=3)
    frames = [dream.step(action).frame.copy() for action in SCRIPT]
    assert np.array_equal(frames[2], frames[1])
    runtime_of(spoilt).once("encoder", put(V, row=0))
    dream.append_frame(real, 1)
    frames += [dream.step(action).frame.copy() for action in SCRIPT]
    assert dream.faults.count == 2
    # Of the replay's own runs the first three belong to the start, which is made twice.
    runtime_of(spoilt).once("dynamics", put(np.nan, row=0), after=2 * 3 + 3)
    again = list(replay(dream.tape(), spoilt))
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))


def test_a_code_that_is_never_drawn_is_no_fault() -> None:
    logits = np.zeros((2, 4, 5), np.float32)
    logits[0, 1, 2] = -np.inf
    assert finite(logits).tolist() == [True, True]

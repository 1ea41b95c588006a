"""The second decoder: other pictures of the very same dream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake import FakeRuntime, fake_bundle
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle
from reverie.engine.correction import fixed_noise
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch, DreamSnapshot
from reverie.engine.tape import Tape
from reverie.engine.taping import TapedDream, replay

SCRIPT = [0, 4, 4, 1, 1, 2, 3, 0]


@pytest.fixture
def bundle() -> Bundle:
    return fake_bundle(diffusion=True)


def denoised(bundle: Bundle) -> list[list[NDArray[np.generic]]]:
    """The inputs of every run of the graph so far."""
    assert isinstance(bundle.runtime, FakeRuntime)
    return bundle.runtime.denoised


def same_history(a: DreamSnapshot, b: DreamSnapshot) -> bool:
    assert a.ring is not None
    assert b.ring is not None
    rings = all(np.array_equal(x, y) for x, y in zip(a.ring.values(), b.ring.values(), strict=True))
    return rings and np.array_equal(a.z, b.z) and np.array_equal(a.noise, b.noise)


@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_the_decoder_and_its_steps_change_the_picture_and_nothing_that_is_dreamt(bundle: Bundle, mode: str) -> None:
    plain, switched = (
        Dream(bundle, mode=mode, decoder="vq", seed=3),
        Dream(bundle, mode=mode, decoder="diffusion", seed=3),
    )
    pictures = []
    for tick, action in enumerate(SCRIPT * 2):
        switched.change(decoder=("diffusion", "diffusion", "vq")[tick % 3], steps=tick % 8 + 1)
        frames = plain.step(action).frame, switched.step(action).frame
        assert same_history(plain.snapshot(), switched.snapshot())
        pictures.append(bool((frames[0] == frames[1]).all()))
    assert pictures[2::3] == [True] * 5
    assert not all(pictures)


def test_a_frame_takes_as_many_equal_steps_as_are_set_and_begins_with_the_one_noise(bundle: Bundle) -> None:
    dream = DreamBatch(bundle, 3, decoder="diffusion")
    dream.reset([1, 2, 3])
    assert dream.settings["steps"] == 2
    for steps in (2, 1, 4):
        dream.change(steps=steps)
        denoised(bundle).clear()
        dream.step([0, 1, 2])
        levels = [(float(level[0]), float(target[0])) for _, level, target, *_ in denoised(bundle)]
        assert levels == [((steps - i) / steps, (steps - i - 1) / steps) for i in range(steps)]
        assert np.array_equal(denoised(bundle)[0][0], np.stack([fixed_noise(32, 32)] * 3))
    assert dream.timings["decode"] > 0


def test_a_picture_depends_on_its_tokens_alone(bundle: Bundle) -> None:
    dream = DreamBatch(bundle, 2, decoder="diffusion", temperature=0, steps=1)
    dream.reset([1, 2])
    for action in SCRIPT:
        dream.step([action, 0])
        *_, told, vq = denoised(bundle)[-1]
        assert np.array_equal(told, dream.z)
        assert np.array_equal(vq, bundle.dynamics.decode(dream.z, {"decoder": "vq"})[0])
    frames, tokens = dream.frames, dream.z
    dream.reset([3, 4])
    dream.put_z(tokens, [0, 0])
    assert np.array_equal(dream.frames, frames), "whatever was drawn before"


def test_a_tape_replays_the_pictures_of_both_decoders_exactly(bundle: Bundle) -> None:
    dream = TapedDream(bundle, decoder="diffusion", seed=4)
    frames = [dream.step(action).frame.tobytes() for action in SCRIPT]
    dream.change(steps=5)
    frames += [dream.step(action).frame.tobytes() for action in SCRIPT]
    dream.append_frame(np.random.default_rng(0).integers(0, 24, (32, 32, 3), np.uint8), 1)
    moment = dream.snapshot()
    frames += [dream.step(action).frame.tobytes() for action in SCRIPT]
    dream.change(decoder="vq")
    frames += [dream.step(action).frame.tobytes() for action in SCRIPT]
    dream.change(decoder="diffusion")
    dream.put_z(dream.z.copy(), 2)
    frames += [dream.step(action).frame.tobytes() for action in SCRIPT]
    dream.restore(moment)
    frames += [dream.step(action).frame.tobytes() for action in SCRIPT]
    tape = dream.tape()
    assert tape.settings["steps"] == 2
    assert [event.set["steps"] for event in tape.events if event.set and "steps" in event.set] == [5]
    assert [frame.tobytes() for frame in replay(tape, bundle)] == frames
    assert [frame.tobytes() for frame in replay(tape, bundle, decoder="vq")] != frames


def test_a_tape_of_a_bundle_without_the_decoder_has_no_steps() -> None:
    plain = fake_bundle()
    dream = TapedDream(plain)
    frame = dream.step(1).frame.tobytes()
    tape: Tape = dream.tape()
    assert "steps" not in tape.settings
    assert [again.tobytes() for again in replay(tape, plain)] == [frame]


def test_steps_that_there_are_not_are_one_sentence_and_change_nothing(bundle: Bundle) -> None:
    dream = Dream(bundle, steps=8)
    for steps in (0, 9):
        with pytest.raises(ValueError, match=f"steps of fake must be a whole number from 1 to 8, not {steps}"):
            dream.change(steps=steps)
    assert dream.settings["steps"] == 8
    without = Dream(fake_bundle())
    assert "steps" not in without.settings
    with pytest.raises(ValueError, match="fake has no setting steps"):
        without.change(steps=2)


def test_a_picture_that_is_no_number_is_the_vq_decoders_and_is_told(bundle: Bundle) -> None:
    class Broken(FakeRuntime):
        def run(self, graph, inputs):  # type: ignore[no-untyped-def]
            noisy, *rest = super().run(graph, inputs)
            if graph == "diffusion":
                noisy[1] = np.nan
            return [noisy, *rest]

    broken = DreamBatch(replace(bundle, runtime=Broken()), 2, decoder="diffusion")
    sound = DreamBatch(bundle, 2, decoder="diffusion")
    for dream in (broken, sound):
        dream.reset([1, 2])
        dream.step([0, 4])
    assert same_history(broken.snapshot(), sound.snapshot())
    assert np.array_equal(broken.frames[0], sound.frames[0])
    assert np.array_equal(broken.frames[1], bundle.dynamics.decode(sound.z, {"decoder": "vq"})[0][1])
    assert (broken.faults.count, sound.faults.count) == (1, 0)
    assert broken.faults.last.startswith("the diffusion decoder gave NaN or infinity: the VQ decoder's picture")

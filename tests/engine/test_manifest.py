from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake import fake_manifest

from reverie.engine.bundle import read_manifest
from reverie.engine.errors import BundleError
from reverie.engine.manifest import KnownFrame, Manifest
from reverie.engine.tokens.model import graph, model_of, state

FILE = Path("v9/manifest.json")


@pytest.mark.parametrize("diffusion", [False, True])
@pytest.mark.parametrize("outcome", [False, True])
def test_a_manifest_reads_back_as_it_was_written(outcome: bool, diffusion: bool) -> None:
    manifest = fake_manifest(outcome, diffusion)
    assert Manifest.parse(json.loads(manifest.to_json()), FILE) == manifest


def test_a_game_whose_rules_are_not_said_is_dreamt_by_the_first() -> None:
    manifest = fake_manifest()
    assert manifest.rules_of("garden") == 1
    assert replace(manifest, rules={"garden": 2}).rules_of("garden") == 2


Change = dict[tuple[str | int, ...], Any]
"""Where in a manifest, and what stands there; GONE for nothing."""
GONE = object()
BAD: list[tuple[Change, str]] = [
    ({("format",): 3}, "format 3.*update Reverie"),
    ({("format",): 1}, "format 1.*export or download the bundle again"),
    ({("flavour",): 1}, "it has an unknown key 'flavour'"),
    ({("model",): GONE}, "it lacks the key 'model'"),
    ({("family",): "dreams"}, "the family 'dreams' is not known; this version has tokens"),
    ({("model", "ring"): 1}, "model has an unknown key 'ring'"),
    ({("model", "positions"): 17}, "at most the 16 tokens"),
    ({("model", "positions"): 0}, "layers, heads, head_dim and positions of its memory"),
    ({("model", "vocabulary"): "many"}, "vocabulary must be a whole number"),
    ({("model", "vocabulary"): True}, "vocabulary must be a whole number"),
    ({("model", "vocabulary"): 0}, "model.vocabulary must be 1 to 65,536, not 0"),
    ({("model", "vocabulary"): 25}, "graphs.dynamics.outputs must be"),
    ({("model", "grid"): [8]}, "grid must have 2 entries"),
    ({("model", "fine"): 0}, "model.fine must be 1 to 16"),
    ({("model", "layers"): 65}, "model.layers must be 0 to 64"),
    ({("model", "rewards"): [0]}, "rewards and graphs.outcome need each other"),
    ({("actions",): []}, "actions must have 1 to 256 entries"),
    ({("fps",): 241}, "fps must be 1 to 240"),
    ({("rules",): {"chess": 2}}, "rules must name none but its games"),
    ({("rules",): {"garden": 0}}, "rules.garden must be 1 to 255"),
    ({("resolution",): 513}, "resolution must be 1 to 512"),
    ({("name",): "x" * 301}, "name must have 1 to 300 characters"),
    ({("settings", "mode", "choices"): ["parallel", "psychic"]}, "choices must be some of ar, parallel"),
    ({("settings", "mode", "default"): "psychic"}, "default must be one of choices"),
    ({("settings", "mode", "choices"): ["ar"], ("settings", "mode", "default"): "ar"}, "must have the mode parallel"),
    ({("settings", "decoder", "choices"): ["vq", "diffusion"]}, "choices must be some of vq"),
    ({("settings", "steps"): {"default": 2, "lowest": 1, "highest": 8}}, "settings must be some of mode"),
    ({("settings", "top_p", "default"): 0.0}, "top_p.default must be 0.01 to 1"),
    ({("settings", "passes", "default"): 0}, "passes.default must be 1 to 17"),
    ({("settings", "passes", "highest"): 18}, "passes must be within 1 and 17"),
    ({("settings", "passes", "default"): 1.5}, "passes.default is of another type"),
    ({("settings", "temperature", "default"): 10**30}, "temperature.default must be"),
    ({("settings", "temperature", "highest"): None}, "must have choices, or a number with lowest and highest"),
    ({("graphs", "oil"): {"file": "encoder.onnx", "inputs": {}, "outputs": {}}}, "inputs must have 1 to 64 entries"),
    ({("graphs", "encoder"): GONE}, "graphs.encoder is missing"),
    ({("graphs", "encoder", "inputs", "frames", "type"): "text"}, "type must be one of float32, int64, uint8"),
    ({("graphs", "encoder", "inputs", "frames", "shape"): [1, 2]}, "shape must begin with 'B'"),
    ({("graphs", "encoder", "inputs", "frames", "shape"): ["B", 2, 2, 3]}, "graphs.encoder.inputs must be frames"),
    ({("state", "keys", "update"): "pull"}, "update must be push or age"),
    ({("state", "keys", "source"): "dynamics.hidden"}, "source must be an output of a graph"),
    ({("state", "keys", "axis"): 7}, "must name a source, and an axis of its shape"),
    ({("state",): {}}, "history must be 1 without state"),
    ({("history",): 9}, "must have 8 slots, one less than history"),
    ({("starts",): "other.npz"}, "no SHA-256 of other.npz"),
    ({("files",): {}}, "no SHA-256 of encoder.onnx"),
    ({("known_frame", "sha256"): "x"}, "known_frame.sha256 is not a SHA-256"),
    ({("precision",): "fp4"}, "precision must be one of"),
    ({("active_parameters",): 2}, "active_parameters must be at most parameters"),
]


def changed(manifest: Manifest, change: Change) -> Any:
    """The JSON value of a manifest with some of it changed."""
    value = json.loads(manifest.to_json())
    for path, item in change.items():
        inside = value
        for key in path[:-1]:
            inside = inside[key]
        if item is GONE:
            del inside[path[-1]]
        else:
            inside[path[-1]] = item
    return value


@pytest.mark.parametrize(("change", "match"), BAD)
def test_what_is_not_understood_is_refused_in_one_sentence(change: Change, match: str) -> None:
    with pytest.raises(BundleError, match=match) as error:
        Manifest.parse(changed(fake_manifest(), change), FILE)
    assert str(FILE) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..\\b", "C:\\b", "manifest.json"])
def test_a_file_outside_the_folder_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match="does not lie inside the bundle"):
        Manifest.parse(changed(fake_manifest(), {("files", name): "0" * 64}), FILE)


def test_what_a_dream_keeps_between_two_frames_has_a_limit_that_is_checked_before_it_is_allocated() -> None:
    huge = replace(fake_manifest(), model=fake_manifest().model | {"layers": 64, "heads": 64, "head_dim": 1024})
    model = model_of(huge)
    specs = {name: graph(name, model, 32, 4, 1, spec.file) for name, spec in huge.graphs.items()}
    huge = replace(huge, graphs=specs, state=state(model, 4))
    with pytest.raises(BundleError, match="MB for each dream, and at most 256 are allowed"):
        Manifest.parse(json.loads(huge.to_json()), FILE)


def test_a_manifest_is_written_with_every_shape_on_one_line() -> None:
    assert '"shape": ["B", 32, 32, 3]' in fake_manifest().to_json()
    odd = replace(fake_manifest(), actions=("noop", "a  [b", "c"), known_frame=KnownFrame(0, (1,), None, "known.png"))
    assert Manifest.parse(json.loads(odd.to_json()), FILE) == odd


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1', "[" * 100_000, "9" * 5000, "NaN", "x" * 2**21])
def test_what_is_no_manifest_at_all_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BundleError) as error:
        read_manifest(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_fifo_is_no_manifest_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(BundleError, match="it is not a file"):
        read_manifest(tmp_path)


def test_an_outcome_without_a_reward_is_refused() -> None:
    for rewards in ([], [0, float("nan")]):
        with pytest.raises(BundleError, match="rewards"):
            Manifest.parse(changed(fake_manifest(outcome=True), {("model", "rewards"): rewards}), FILE)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({("settings", "decoder", "choices"): ["diffusion"]}, "default must be one of"),
        ({("settings", "steps", "default"): 0}, "steps.default must be 1 to 8, not 0"),
        ({("settings", "steps", "default"): 9}, "steps.default must be 1 to 8, not 9"),
    ],
)
def test_a_diffusion_decoder_that_is_half_there_is_refused(change: Change, match: str) -> None:
    with pytest.raises(BundleError, match=match):
        Manifest.parse(changed(fake_manifest(diffusion=True), change), FILE)

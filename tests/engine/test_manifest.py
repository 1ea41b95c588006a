from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake import fake_manifest

from reverie.engine.errors import BundleError
from reverie.engine.manifest import Manifest

FILE = Path("v9/manifest.json")


@pytest.mark.parametrize("diffusion", [False, True])
@pytest.mark.parametrize("outcome", [False, True])
def test_a_manifest_reads_back_as_it_was_written(outcome: bool, diffusion: bool) -> None:
    manifest = fake_manifest(outcome, diffusion)
    assert Manifest.parse(manifest.to_json(), FILE) == manifest


def test_a_manifest_from_before_there_were_passes_outcomes_and_a_second_decoder_is_read() -> None:
    value = json.loads(fake_manifest().to_json())
    del value["sampling"]["passes"], value["graphs"]["outcome"], value["outcome"]
    del value["graphs"]["diffusion"], value["diffusion"]
    assert Manifest.parse(json.dumps(value), FILE) == fake_manifest()


CACHE = {"layers": 1, "heads": 1, "head_dim": 4, "slots": 3, "positions": 16}
HEADLESS = {"encoder": "encoder.onnx", "dynamics": "dynamics.onnx", "decoder": "decoder.onnx"}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"format": 2}, "format 2.*update Reverie"),
    ({"format": 0}, "format 0.*export the bundle again"),
    ({"flavour": 1}, "the key flavour is not known"),
    ({"cache": CACHE | {"ring": 1}}, "cache.ring is not known"),
    ({"cache": {"layers": 1, "heads": 1, "head_dim": 4, "slots": 3}}, "cache.positions is missing"),
    ({"cache": CACHE | {"positions": 17}}, "at most the 16 tokens"),
    ({"vocabulary": "many"}, "vocabulary must be a whole number"),
    ({"vocabulary": True}, "vocabulary must be a whole number"),
    ({"vocabulary": 0}, "vocabulary must be at least 1"),
    ({"grid": [8]}, "grid must have 2 entries"),
    ({"fine": 0}, "fine must be at least 1"),
    ({"actions": []}, "actions must name"),
    ({"modes": ["parallel", "psychic"]}, "psychic"),
    ({"modes": ["ar"]}, "modes must name parallel"),
    ({"decoders": ["oil"]}, "oil"),
    ({"decoders": ["vq", "diffusion"]}, "needs graphs.diffusion and diffusion"),
    ({"diffusion": {"steps": 2}}, "needs graphs.diffusion and diffusion"),
    ({"hidden": None}, "the mode ar needs"),
    ({"outcome": {"rewards": [0]}}, "outcome and graphs.outcome need each other"),
    ({"modes": ["parallel"], "graphs": HEADLESS}, "hidden belongs to graphs.causal_head and graphs.outcome"),
    ({"history": 9}, "cache.slots must be history - 1"),
    ({"starts": "other.npz"}, "no SHA-256 of other.npz"),
    ({"files": {}}, "no SHA-256 of encoder.onnx"),
    ({"sampling": {"temperature": 1.0, "min_p": 0.0, "top_p": 0.0}}, "sampling.top_p must be"),
    ({"sampling": {"temperature": 1.0, "min_p": 0.0, "passes": 0}}, "sampling.passes must be 1 to 17"),
    ({"sampling": {"temperature": 1.0, "min_p": 0.0, "passes": 18}}, "sampling.passes must be 1 to 17"),
    ({"sampling": {"temperature": 10**400, "min_p": 0.0}}, "sampling.temperature must be a number"),
    ({"precision": "fp4"}, "precision must be one of"),
]


@pytest.mark.parametrize(("change", "match"), BAD)
def test_what_is_not_understood_is_refused_in_one_sentence(change: dict[str, Any], match: str) -> None:
    value = json.loads(fake_manifest().to_json()) | change
    with pytest.raises(BundleError, match=match) as error:
        Manifest.parse(json.dumps(value), FILE)
    assert str(FILE) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..\\b", "C:\\b", "manifest.json"])
def test_a_file_outside_the_folder_is_refused(name: str) -> None:
    value = json.loads(fake_manifest().to_json())
    value["files"][name] = "0" * 64
    with pytest.raises(BundleError, match="does not lie inside the bundle"):
        Manifest.parse(json.dumps(value), FILE)


def test_a_missing_key_is_named() -> None:
    value = json.loads(fake_manifest().to_json())
    del value["grid"]
    with pytest.raises(BundleError, match="the key grid is missing"):
        Manifest.parse(json.dumps(value), FILE)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1', "[" * 100_000, "9" * 5000])
def test_what_is_no_manifest_at_all_is_refused(text: str) -> None:
    with pytest.raises(BundleError):
        Manifest.parse(text, FILE)


def test_an_outcome_without_a_reward_is_refused() -> None:
    value = json.loads(fake_manifest(outcome=True).to_json())
    for rewards in ([], [0, float("nan")]):
        value["outcome"]["rewards"] = rewards
        with pytest.raises(BundleError, match="must name at least one number"):
            Manifest.parse(json.dumps(value), FILE)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"decoders": ["vq"]}, "and they need it"),
        ({"diffusion": None}, "and they need it"),
        ({"diffusion": {"steps": 0}}, "diffusion.steps must be 1 to 8, not 0"),
        ({"diffusion": {"steps": 9}}, "diffusion.steps must be 1 to 8, not 9"),
        ({"fine": 2}, "tokens of one level"),
    ],
)
def test_a_diffusion_decoder_that_is_half_there_is_refused(change: dict[str, Any], match: str) -> None:
    value = json.loads(fake_manifest(diffusion=True).to_json()) | change
    with pytest.raises(BundleError, match=match):
        Manifest.parse(json.dumps(value), FILE)

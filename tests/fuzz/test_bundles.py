"""No hostile bundle or tape runs code, hangs, ends in a traceback or takes a gigabyte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from reverie.engine.bundle import Bundle
from reverie.engine.taping import TapedDream
from reverie.export.run_export import export_run
from tests.export.tiny import tiny_run
from tests.fuzz.harness import fuzz


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound bundle, and a tape of it with everything that a tape can hold."""
    folder = tmp_path_factory.mktemp("base")
    export_run(tiny_run(folder / "run"), folder / "bundle", "fp16", log=lambda _: None)
    dream = TapedDream(Bundle.load(folder / "bundle", threads=1), seed=3)
    for action in (0, 0, 1):
        dream.step(action)
    snapshot = dream.snapshot()
    dream.change(mode="parallel", temperature=0.5)
    dream.step(2)
    dream.restore(snapshot)
    dream.append_frame(np.zeros((64, 64, 3), np.uint8), 1)
    dream.begin(5, np.zeros((64, 64, 3), np.uint8))
    dream.step(3)
    dream.reset(9)
    dream.step(4)
    dream.tape().save(folder / "play.tape")
    return folder


@pytest.mark.parametrize("kind", ["manifests", "graphs", "starts", "weights", "tapes"])
def test_hostile_inputs_are_harmless(kind: str, base: Path, pytestconfig: pytest.Config) -> None:
    count, seed = pytestconfig.getoption("--fuzz"), pytestconfig.getoption("--fuzz-seed")
    fuzz(f"tests.fuzz.inputs_of_bundles:{kind}", base, count, seed).assert_harmless()

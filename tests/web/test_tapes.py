"""Tapes of every family go to the shared page and back."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.app.cli import main
from reverie.engine.bundle import Bundle
from reverie.engine.library import resolve
from reverie.engine.tape import Tape
from reverie.engine.taping import TapedDream, replay
from reverie.export.run_export import export_run
from reverie.web.serve import Server
from tests.latent.tiny_latent import tiny_run
from tests.web import chromium
from tests.web.chromium import Chromium
from tests.web.test_page import FIRST_FRAME, needs

REPLAYED = """(async () => {
  const { openBundle } = await import("/engine/bundle.js");
  const { readTape, replay, tapeText } = await import("/engine/tape.js");
  const site = await (await fetch("/site.json")).json();
  const bundle = await openBundle(site, "/", 1, () => {});
  const found = { z: [], frames: [] };
  const played = replay(readTape(%s), bundle);
  let next = await played.next();
  for (; !next.done; next = await played.next()) {
    found.z.push(Array.from(next.value.z, Number));
    found.frames.push(Array.from(next.value.frame));
  }
  return { ...found, tape: tapeText(next.value.tape()) };
})()"""


def played(bundle: Bundle) -> tuple[Tape, list[NDArray[np.float64]], list[NDArray[np.int64]]]:
    """A tape with every kind of event, and the representation and the picture after each dreamt frame."""
    dream = TapedDream(bundle, seed=5, game=bundle.manifest.games[-1])
    z, frames = [], []

    def step(count: int) -> None:
        for _ in range(count):
            frames.append(dream.step(len(frames) // 3 % len(dream.actions)).frame.ravel().astype(np.int64))
            z.append(dream.z.ravel().astype(np.float64))

    step(4)
    moment = dream.snapshot()
    dream.change(temperature=0.7)
    step(3)
    for seed in (11, 12):  # as the futures of a branch
        dream.restore(moment)
        dream.change_luck(seed)
        step(3)
    dream.paint(dream.frame[::-1].copy())
    step(3)
    dream.append_frame(dream.frame[:, ::-1].copy(), 1)
    step(2)
    dream.begin(9, dream.frame)
    step(2)
    dream.reset(3, 0)
    step(2)
    return dream.tape(), z, frames


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "apart", "levels"), [("v1.1", 0, 1), ("arcade", 0, 1), ("latent", 1e-3, 2)], ids=lambda value: str(value)
)
def test_a_tape_with_paint_and_luck_goes_to_the_page_and_back(
    name: str, apart: float, levels: int, tmp_path: Path
) -> None:
    """apart, levels: by how much representations and colours may differ. Latents differ in their last digits."""
    needs(chromium.find(), "chromium")
    if name == "latent":
        folder = export_run(tiny_run(tmp_path / "run"), tmp_path / "tiny", "fp32", log=lambda line: None)
    else:
        folder = resolve(name)
    bundle = Bundle.load(folder, threads=1)
    tape, z, frames = played(bundle)
    assert tape.format == 5
    tape.save(tmp_path / "python.tape")
    assert main(["share", str(folder), "-o", str(tmp_path / "site")]) == 0
    with Server(tmp_path / "site") as server, Chromium() as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(f"{server.address}?seed=0")
        page.wait(FIRST_FRAME, 120)
        page.key("p", "KeyP")
        found = page.run(REPLAYED % json.dumps((tmp_path / "python.tape").read_text()))
        assert page.complaints() == []
        server.shutdown()
    assert np.abs(np.array(found["z"]) - np.array(z)).max() <= apart
    assert np.abs(np.array(found["frames"]) - np.array(frames)).max() <= levels
    (tmp_path / "page.tape").write_text(found["tape"])
    back = Tape.load(tmp_path / "page.tape")
    assert back.format == 5
    assert [event.kind() for event in back.events] == [event.kind() for event in tape.events]
    again = [frame.ravel().astype(np.int64) for frame in replay(back, bundle)]
    assert np.abs(np.array(again) - np.array(frames)).max() <= levels

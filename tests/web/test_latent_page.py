"""The shared page dreams in latents what the Python engine dreams."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from reverie.app.cli import main
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.export.run_export import export_run
from reverie.web.serve import Server
from tests.latent.tiny_latent import tiny_run
from tests.web import chromium
from tests.web.chromium import Chromium
from tests.web.test_page import FIRST_FRAME, needs

ACTIONS = [0, 1, 1, 4, 2, 3, 5, 0, 4, 1]
DREAMT = """(async () => {
  const { openBundle } = await import("/engine/bundle.js");
  const { Dream } = await import("/engine/dream.js");
  const site = await (await fetch("/site.json")).json();
  const dream = new Dream(await openBundle(site, "/", 1, () => {}));
  await dream.reset(3);
  const found = { z: [], frames: [], rewards: [], ended: [] };
  for (const [action, steps] of %s) {
    dream.change({ steps });
    await dream.step(action);
    found.z.push(Array.from(dream.z));
    found.frames.push(Array.from(dream.frame));
    found.rewards.push(dream.reward);
    found.ended.push(dream.ended);
  }
  return { ...found, faults: dream.faults.count, history: dream.history };
})()"""


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "levels"), [("fp32", 2), ("int8", 16)])
def test_a_dream_of_latents_is_the_same_in_a_real_browser(precision: str, levels: int, tmp_path: Path) -> None:
    """levels: by how many of 255 a colour may differ. Bytes that round otherwise once move what comes after."""
    needs(chromium.find(), "chromium")
    folder = export_run(tiny_run(tmp_path / "run"), tmp_path / "tiny", precision, log=lambda line: None)
    played = [(action, 1 + i % 8) for i, action in enumerate(ACTIONS)]
    dream = Dream(Bundle.load(folder, threads=1), seed=3)
    z, frames, rewards = [], [], []
    for action, steps in played:
        dream.change(steps=steps)
        step = dream.step(action)
        z.append(dream.z.ravel().copy())
        frames.append(step.frame.ravel().copy())
        rewards.append(step.reward)
    assert main(["share", str(folder), "-o", str(tmp_path / "site")]) == 0
    with Server(tmp_path / "site") as server, Chromium() as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(f"{server.address}?seed=0")
        page.wait(FIRST_FRAME, 60)
        found = page.run(DREAMT % json.dumps(played))
        assert page.complaints() == []
        server.shutdown()
    assert (found["faults"], found["history"]) == (0, 5)
    assert np.abs(np.array(found["z"]) - z).max() < (1e-3 if precision == "fp32" else 0.5)
    assert np.abs(np.array(found["frames"], int) - np.array(frames, int)).max() <= levels
    assert found["rewards"] == rewards

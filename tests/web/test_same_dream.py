"""The shared page dreams what the Python engine dreams, frame by frame."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reverie.app.cli import main
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.library import resolve
from reverie.export.run_export import export_run
from reverie.web.serve import Server
from tests.export import tiny as tokens
from tests.latent.tiny_latent import tiny_run
from tests.web import chromium, count
from tests.web.chromium import Chromium
from tests.web.count import other_frames
from tests.web.test_page import FIRST_FRAME, needs

ACTIONS = [0, 1, 1, 4, 2, 3, 4, 0, 4, 1]
DREAMT = """(async () => {
  const { openBundle } = await import("/engine/bundle.js");
  const { Dream } = await import("/engine/dream.js");
  const site = await (await fetch("/site.json")).json();
  const dream = new Dream(await openBundle(site, "/", 1, () => {}));
  await dream.reset(3);
  const found = { z: [], frames: [], rewards: [], ended: [] };
  for (const [action, settings] of %s) {
    dream.change(settings);
    await dream.step(action);
    found.z.push(Array.from(dream.z, Number));
    found.frames.push(Array.from(dream.frame));
    found.rewards.push(dream.reward);
    found.ended.push(dream.ended);
  }
  return { ...found, faults: dream.faults.count, history: dream.history };
})()"""


def differences(bundle: Path, played: list[tuple[int, dict[str, Any]]], work: Path) -> tuple[float, int]:
    """Play the same in Python and in a real browser: actions, each with settings from then on.

    Returns by how much the representations and the colours differ at most. Rewards, ends and history must be the same.
    """
    dream = Dream(Bundle.load(bundle, threads=1), seed=3)
    z, frames, rewards, ended = [], [], [], []
    for action, settings in played:
        dream.change(**settings)
        step = dream.step(action)
        z.append(dream.z.ravel().copy())
        frames.append(step.frame.ravel().copy())
        rewards.append(step.reward)
        ended.append(step.ended)
    assert main(["share", str(bundle), "-o", str(work / "site")]) == 0
    with Server(work / "site") as server, Chromium() as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(f"{server.address}?seed=0")
        page.wait(FIRST_FRAME, 60)
        page.run("document.querySelector('[data-tool=pause]').click()")
        found = page.run(DREAMT % json.dumps(played))
        assert page.complaints() == []
        server.shutdown()
    assert (found["faults"], found["history"]) == (0, dream.history_fill)
    assert (found["rewards"], found["ended"]) == (rewards, ended)
    apart = np.abs(np.array(found["z"]) - np.array(z, float)).max()
    return float(apart), int(np.abs(np.array(found["frames"], int) - np.array(frames, int)).max())


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "most"), [("fp32", (1e-3, 2)), ("int8", (0.5, 16))])
def test_latents_are_the_same_in_a_real_browser(precision: str, most: tuple[float, int], tmp_path: Path) -> None:
    """most: of the differences. Bytes that round otherwise once move what comes after."""
    needs(chromium.find(), "chromium")
    folder = export_run(tiny_run(tmp_path / "run"), tmp_path / "tiny", precision, log=lambda line: None)
    played = [(action, {"steps": 1 + i % 8}) for i, action in enumerate(ACTIONS)]
    apart, levels = differences(folder, played, tmp_path)
    assert apart <= most[0]
    assert levels <= most[1]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_the_experts_of_a_game_are_picked_in_a_real_browser_too(precision: str, tmp_path: Path) -> None:
    needs(chromium.find(), "chromium")
    games = {"garden": ("noop", "up", "down", "left", "right"), "duel": ("noop", "up", "down")}
    run = tokens.tiny_run(tmp_path / "run", games=games, experts=True)
    folder = export_run(run, tmp_path / "tiny", precision, log=lambda line: None)
    played: list[tuple[int, dict[str, Any]]] = [(action, {"mode": "ar", "temperature": 0.0}) for action in ACTIONS[:4]]
    assert differences(folder, played, tmp_path) == (0, 0)


@pytest.mark.slow
def test_diffusion_corrects_the_same_pictures_in_a_real_browser(tmp_path: Path) -> None:
    needs(chromium.find(), "chromium")
    settings: list[dict[str, Any]] = [{"mode": "parallel", "decoder": "diffusion", "steps": 1 + i} for i in range(3)]
    apart, levels = differences(resolve("v2"), list(zip(ACTIONS[1:], settings, strict=False)), tmp_path)
    assert apart == 0
    assert levels <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["arcade", "v2"])
def test_where_graphs_compute_in_bytes_few_frames_come_out_otherwise(name: str) -> None:
    """Each frame is dreamt from the history of the Python engine. A byte that rounds otherwise may change a token."""
    needs(chromium.find(), "chromium")
    assert other_frames(name, 150) <= 3


@pytest.mark.slow
def test_frames_of_a_folder_with_latents_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs(chromium.find(), "chromium")
    folder = export_run(tiny_run(tmp_path / "run"), tmp_path / "tiny", "fp32", log=lambda line: None)
    count.main([str(folder), "--frames", "60"])
    found = re.search(r"latents differ by (\S+) at most, colours by (\d+) of 255", capsys.readouterr().out)
    assert found
    assert float(found[1]) <= 1e-3
    assert int(found[2]) <= 2

"""The shared page: what is written, what it agrees with, and a real browser that plays it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.app.cli import main
from reverie.app.commands.share import _described
from reverie.engine.bundle import Bundle
from reverie.engine.library import resolve
from reverie.engine.taping import TapedDream
from reverie.web.serve import POLICY, Handler, Server
from reverie.web.site import PAGE, write_site
from tests.web import chromium, vectors
from tests.web.chromium import Chromium

ROOT = Path(__file__).parents[2]
FIRST_FRAME = "document.getElementById('loading')?.hidden"
PICTURE = (
    "Array.from(document.getElementById('picture').getContext('2d')"
    ".getImageData(0, 0, 64, 64).data.filter((_, i) => i % 4 < 3))"
)


def needs(found: str | None, what: str) -> None:
    """Skip where a program is missing, and fail where CI should have it."""
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("web") / "site"
    assert main(["share", "v1.1", "-o", str(out)]) == 0
    return out


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    with Server(site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.address
        server.shutdown()


class PlainServer(Server):
    """A host that sets no headers."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(folder, port)
        self.RequestHandlerClass = partial(PlainHandler, directory=str(folder))  # type: ignore[assignment]


class PlainHandler(Handler):
    end_headers = SimpleHTTPRequestHandler.end_headers


def eventually(holds: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until something holds. Fails where it does not in time."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", vectors.VECTORS)
def test_the_vectors_are_what_the_engine_computes(name: str) -> None:
    kept = json.loads((vectors.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    now = json.loads(vectors.text(name))
    if name == "noise":  # a logarithm's last digit differs between machines
        for old, new in zip(kept["cases"], now["cases"], strict=True):
            for noise in ("gumbel", "normal"):
                np.testing.assert_allclose(old.pop(noise), new.pop(noise), rtol=4e-7, atol=4e-7)
    if name == "latent":
        for old, new in zip(kept["cases"], now["cases"], strict=True):
            np.testing.assert_allclose(old.pop("z"), new.pop("z"), rtol=2e-6, atol=2e-6)
    assert kept == now


def test_the_pages_engine_agrees_with_the_vectors() -> None:
    node = shutil.which("node")
    needs(node, "node")
    done = subprocess.run(
        [str(node), "--test", "tests/web"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_types_of_the_page_hold() -> None:
    """TypeScript reads the types in the comments; of the vendored modules it knows none."""
    tsc = shutil.which("tsc")
    needs(tsc, "tsc")
    words = [str(tsc), "--project", "jsconfig.json", "--pretty", "false"]
    done = subprocess.run(words, cwd=PAGE, capture_output=True, text=True, timeout=120, check=False)
    assert [line for line in done.stdout.splitlines() if not line.startswith(("vendor/", " "))] == []


def test_the_page_is_small_and_carries_its_licences(site: Path) -> None:
    assert size(PAGE) <= 16 << 20
    assert size(site) <= 30 << 20
    assert all((folder / "LICENSE").is_file() for folder in (site / "vendor").iterdir() if folder.is_dir())


def test_a_folder_that_is_no_page_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("keep")
    assert main(["share", "v1.1", "-o", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert "no shared page" in capsys.readouterr().err


def test_the_server_answers_on_loopback_for_loopback_names_alone(address: str) -> None:
    with urllib.request.urlopen(address) as answer:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert POLICY in answer.headers["Content-Security-Policy"]
        assert POLICY in answer.read().decode()
    asked = urllib.request.Request(address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked)
    assert refused.value.code == 421


def after_steps(page: Chromium, frames: int) -> NDArray[np.uint8]:
    """The picture, (64 * 64 * 3), after so many single steps of a dream that waits."""
    for _ in range(frames):
        before = page.frames()
        page.key(".", "Period")
        page.wait_for_frame(before + 1)
    return np.array(page.run(PICTURE), np.uint8)


@pytest.mark.slow
def test_keys_move_the_player_in_a_real_browser(address: str, tmp_path: Path) -> None:
    """The same moment is played twice, frame by frame: with the key held, and with none. All else is the same."""
    needs(chromium.find(), "chromium")
    with Chromium() as page:
        page.open(f"{address}?seed=0")
        page.wait(FIRST_FRAME, 60)
        page.key("p", "KeyP")
        page.wait("!!document.querySelector('.pill.paused')")
        page.key("F8", "F8")
        page.hear("moment saved")
        page.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight")
        with_key = after_steps(page, 6)
        page.screenshot(Path(os.environ.get("REVERIE_SHOTS", tmp_path)) / "page.png")
        page.send("Input.dispatchKeyEvent", type="keyUp", key="ArrowRight", code="ArrowRight")
        page.key("F9", "F9")
        page.hear("back to the saved moment")
        without = after_steps(page, 6)
        assert (with_key != without).mean() > 0.01
        page.key("F9", "F9")
        assert (after_steps(page, 6) == without).all()
        assert page.complaints() == []
        assert all(url.startswith((address, "blob:", "about:")) for url in page.requests())


@pytest.mark.slow
def test_a_tape_of_600_frames_replays_in_the_page_and_back_to_the_same_tokens(address: str) -> None:
    needs(chromium.find(), "chromium")
    bundle = Bundle.load(resolve("v1.1"))
    dream = TapedDream(bundle, seed=5)
    dream.change(mode="parallel")
    digest = hashlib.sha256()
    for i in range(600):
        if i == 40:
            dream.change(mode="ar", temperature=1.0)
        if i == 100:
            dream.change(mode="parallel", passes=2)
        if i == 300:
            moment = dream.snapshot()
        if i == 400:
            dream.restore(moment)
        if i == 500:
            dream.reset(9, 1)
        if i == 550:
            dream.change_luck(77)
            dream.paint(dream.frame[::-1].copy())
        dream.step((i // 7) % len(dream.actions))
        digest.update(dream.z.tobytes())
    with Chromium() as page:
        path = page.downloads / "python.tape"
        dream.tape().save(path)
        page.open(f"{address}?seed=0")
        page.wait(FIRST_FRAME, 60)
        node = page.send("Runtime.evaluate", expression="document.getElementById('choose')")["result"]["objectId"]
        page.send("DOM.setFileInputFiles", files=[str(path)], objectId=node)
        assert page.wait("document.documentElement.dataset.played", 600) == digest.hexdigest()
        page.dreams(3)  # it is played on from there
        page.run("document.querySelector('[data-tool=tape]').click()")
        back = page.download("garden.tape")
        assert main(["render", str(back), "--check"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("isolated", [False, True])
def test_after_the_first_visit_it_opens_offline_until_there_is_a_newer_build(tmp_path: Path, isolated: bool) -> None:
    needs(chromium.find(), "chromium")
    out = tmp_path / "site"
    words = ["-o", str(out), *["--isolated"] * isolated]
    assert main(["share", "v1.1", *words]) == 0
    with Chromium() as page:
        server = PlainServer(out)
        port = server.server_port
        with server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            page.open(f"{server.address}?seed=0")
            page.wait(FIRST_FRAME, 60)
            assert page.run("crossOriginIsolated") is isolated
            kept = (
                "(async () => { const cache = await caches.open((await caches.keys())[0]);"
                " return (await cache.keys()).length })()"
            )
            files = sum(1 for path in out.rglob("*") if path.is_file())
            page.wait(f"{kept}.then((n) => n >= {files})", 120)  # sw.js is none of them, and / is one
            server.shutdown()
        page.open(f"{server.address}?seed=1&threads=2")
        page.wait(FIRST_FRAME, 60)
        assert page.run("crossOriginIsolated") is isolated
        assert main(["share", "v1", *words]) == 0
        with PlainServer(out, port) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            page.open(f"{server.address}?seed=0")
            page.wait("document.getElementById('title')?.textContent.endsWith('· v1')", 90)
            assert page.run("caches.keys().then((names) => names.length)") == 1
            server.shutdown()


@pytest.mark.slow
def test_names_in_a_manifest_are_only_ever_text(tmp_path: Path) -> None:
    needs(chromium.find(), "chromium")
    evil = tmp_path / "bundle"
    shutil.copytree(resolve("v1.1"), evil)
    manifest = json.loads((evil / "manifest.json").read_text())
    bad = "<img src=x onerror=\"document.title='owned'\">"
    manifest |= {"name": bad, "version": "</script><script>document.title='owned'</script>", "games": [bad]}
    (evil / "manifest.json").write_text(json.dumps(manifest))
    folder, games, explained = _described(str(evil))
    out = tmp_path / "site"
    write_site(folder, out, games, explained)
    with Server(out) as server, Chromium() as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(server.address)
        page.wait(FIRST_FRAME, 60)
        page.key("F1", "F1")
        page.wait("!!document.querySelector('dialog[open]')")
        assert "owned" not in page.run("document.title").replace(bad, "")
        assert page.run("document.querySelectorAll('img').length") == 0
        assert bad in page.run("document.getElementById('title').textContent")
        assert page.complaints() == []
        server.shutdown()


@pytest.mark.slow
def test_a_damaged_download_is_one_sentence(tmp_path: Path, site: Path) -> None:
    needs(chromium.find(), "chromium")
    damaged = tmp_path / "site"
    shutil.copytree(site, damaged)
    file = damaged / "dream" / "decoder.onnx"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    with Server(damaged) as server, Chromium() as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(server.address)
        assert page.wait("document.querySelector('[role=alert]')?.textContent", 60).startswith(
            "The download of decoder"
        )
        server.shutdown()

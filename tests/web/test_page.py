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
from reverie.web.site import PAGE, WASM, write_site
from tests.web import chromium, vectors
from tests.web.chromium import Chromium

ROOT = Path(__file__).parents[2]
FIRST_FRAME = "document.getElementById('loading')?.hidden"
PICTURE = (
    "Array.from(document.getElementById('picture').getContext('2d')"
    ".getImageData(0, 0, 64, 64).data.filter((_, i) => i % 4 < 3))"
)

ALERT = "document.querySelector('[role=alert]')?.textContent"
NAMELESS = (
    "[...document.querySelectorAll('button, select, input, canvas, progress, dialog, [role]')].filter((e) =>"
    " e.id !== 'message' && !(e.ariaLabel || e.textContent.trim())).map((e) => e.outerHTML)"
)
"""What a screen reader would have no word for; the place of the messages is empty at times."""
INJECTED = """(() => {
  const script = document.createElement("script");
  script.textContent = "document.title = 'owned'";
  document.head.append(script);
})()"""


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
    print(f"page {size(PAGE) / 1e6:.1f} MB, with v1.1 {size(site) / 1e6:.1f} MB")
    assert size(PAGE) <= 16e6
    assert size(site) <= 30e6
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
                "(async () => { const kept = await Promise.all((await caches.keys()).map((name) => caches.open(name)));"
                " return (await Promise.all(kept.map((cache) => cache.keys()))).flat().length })()"
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

            def newer_is_played() -> bool:  # on a visit; where the host answers too late, on the one after
                page.open(f"{server.address}?seed=0")
                page.wait(FIRST_FRAME, 90)
                return bool(page.run("document.getElementById('title').textContent.endsWith('· v1')"))

            eventually(newer_is_played, 120)
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
        page.run(INJECTED)
        assert page.run("document.title") != "owned"
        assert any("Content Security Policy" in words for words in page.complaints())
        server.shutdown()


def damaged(site: Path) -> None:
    """One bit of one file is another."""
    file = site / "dream" / "decoder.onnx"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)


def cut_short(site: Path) -> None:
    """The runtime's WebAssembly ends early."""
    file = site / WASM
    file.write_bytes(file.read_bytes()[:1_000_000])


def out_of_memory(site: Path) -> None:
    """The browser says so while the start pictures are read."""
    file = site / "engine" / "npz.js"
    said = 'throw new RangeError("Array buffer allocation failed");'
    text = file.read_text()
    assert "const view =" in text
    file.write_text(text.replace("const view =", f"{said}\n  const view =", 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (damaged, "The download of decoder.onnx is damaged: load the page again."),
        (cut_short, "The download of ort-wasm-simd-threaded.wasm was cut short: load the page again."),
        (out_of_memory, "The browser has too little memory for this dream: close other pages and try again."),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    what: Callable[[Path], None], sentence: str, tmp_path: Path, site: Path
) -> None:
    needs(chromium.find(), "chromium")
    bad = tmp_path / "site"
    shutil.copytree(site, bad)
    what(bad)
    with Server(bad) as server, Chromium() as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(server.address)
        assert page.wait(ALERT, 60) == sentence
        server.shutdown()


@pytest.mark.slow
def test_a_browser_without_simd_is_told_so(address: str) -> None:
    needs(chromium.find(), "chromium")
    with Chromium() as page:
        page.send("Page.addScriptToEvaluateOnNewDocument", source="WebAssembly.validate = () => false")
        page.open(address)
        words = "This browser lacks SIMD for WebAssembly, which the dream needs: use a newer one."
        assert page.wait(ALERT, 60) == words
        assert not any(url.endswith(".wasm") for url in page.requests())


@pytest.mark.slow
def test_everything_has_a_name_and_is_reached_by_the_keyboard(address: str) -> None:
    needs(chromium.find(), "chromium")
    with Chromium() as page:
        page.open(f"{address}?seed=0")
        page.wait(FIRST_FRAME, 60)
        assert page.run("document.activeElement.id") == "stage"
        tools = page.run("[...document.querySelectorAll('#tools button')].map((button) => button.textContent)")
        for name in tools:
            page.key("Tab", "Tab")
            assert page.run("document.activeElement.textContent") == name
            assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.run("document.querySelector('[data-tool=pause]').focus()")
        page.key("Enter", "Enter")
        page.wait("document.querySelector('[data-tool=pause]').getAttribute('aria-pressed') === 'true'")
        for key in ("settings", "help"):
            page.run(f"document.querySelector('[data-tool={key}]').click()")
            page.wait("!!document.querySelector('dialog[open]')")
            assert page.run(NAMELESS) == []
            page.key("Enter", "Enter")  # on its button to close it, which has the focus
            page.wait("!document.querySelector('dialog[open]')")

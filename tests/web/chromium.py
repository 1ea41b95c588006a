"""A headless Chromium driven over its debugging pipe, with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import deque
from pathlib import Path
from select import select
from typing import Any

SAID = """globalThis.said = [];
addEventListener("DOMContentLoaded", () => {
  const box = document.getElementById("message");
  const hear = () => said.push(box.textContent);
  if (box) new MutationObserver(hear).observe(box, { childList: true });
});"""
"""Lets a page remember its messages, for they pass."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--remote-debugging-pipe",
)


def find() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser with one page. `with Chromium() as page: page.open(address)`."""

    def __init__(self, width: int = 1280, height: int = 800, touch: bool = False, scale: float = 1) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="reverie-chromium-", ignore_cleanup_errors=True)
        self.downloads = Path(self._profile.name) / "downloads"
        self.downloads.mkdir()
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        program = find()
        assert program is not None

        def wire() -> None:  # Chromium reads from 3 and writes to 4
            ends = os.dup(to_browser), os.dup(from_browser)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [
                program,
                *FLAGS,
                f"--user-data-dir={self._profile.name}",
                f"--window-size={width},{height}",
                "about:blank",
            ],
            preexec_fn=wire,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._number = 0
        self._buffer = b""
        self.events: deque[dict[str, Any]] = deque(maxlen=10_000)
        self._session: str | None = None
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.addScriptToEvaluateOnNewDocument", source=SAID)
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": touch}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        if touch:
            self.send("Emulation.setTouchEmulationEnabled", enabled=True)
            self.send("Emulation.setEmitTouchEventsForMouse", enabled=True, configuration="mobile")
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._write)  # a browser whose pipe is closed ends
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
        os.close(self._read)
        self._profile.cleanup()

    @property
    def pid(self) -> int:
        """The browser's process."""
        return self._process.pid

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result. Raises RuntimeError for its error."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message(300)
            if answer.get("id") != self._number:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result

    def _message(self, seconds: float) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            if not select([self._read], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise RuntimeError("Chromium has ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def open(self, address: str) -> None:
        """Go to an address."""
        self.send("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited where it is a promise."""
        done = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in done:
            details = done["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return done["result"].get("value")

    def wait(self, script: str, seconds: float = 30) -> Any:
        """Wait until an expression is true, and return it. Raises TimeoutError with the page's text."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if value := self.run(script):
                return value
            time.sleep(0.03)
        raise TimeoutError(f"{script} did not come true: {self.run('document.body.innerText')!r} {self.complaints()}")

    def hear(self, words: str, seconds: float = 30) -> None:
        """Wait until the page has said this, however long ago and for however short a time."""
        self.wait(f"said.includes({json.dumps(words)})", seconds)

    def frames(self) -> int:
        """The number of the frame that is shown."""
        return int(self.run("document.documentElement.dataset.frames"))

    def wait_for_frame(self, number: int, seconds: float = 60) -> None:
        """Wait until a frame of this number, or a later one, is shown."""
        self.wait(f"document.documentElement.dataset.frames >= {number}", seconds)

    def dreams(self, frames: int, seconds: float = 60) -> None:
        """Wait until so many more frames were dreamt and shown."""
        self.wait_for_frame(self.frames() + frames, seconds)

    def key(self, key: str, code: str, hold: float = 0.0) -> None:
        """Press a key, hold it for so many seconds, and release it."""
        what: dict[str, Any] = {"key": key, "code": code}
        if len(key) == 1 or key == "Enter":
            what["text"] = "\r" if key == "Enter" else key
        self.send("Input.dispatchKeyEvent", type="keyDown", **what)
        time.sleep(hold)
        self.send("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in what.items() if k != "text"})

    def touch(self, x: float, y: float, hold: float = 0.0) -> None:
        """Put a thumb on a place, hold it for so many seconds, and take it away."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        time.sleep(hold)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def screenshot(self, path: Path) -> None:
        """Write a PNG of what is seen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Errors of the page so far: exceptions, and what the browser refused."""
        found = []
        self.run("0")  # reads what has come
        for event in self.events:
            if event.get("method") == "Runtime.exceptionThrown":
                details = event["params"]["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                entry = event["params"]["entry"]
                found.append(f"{entry['text']} {entry.get('url', '')}")
        return found

    def requests(self) -> list[str]:
        """Addresses that the page asked for so far."""
        self.run("0")
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def memory(self) -> float:
        """Megabytes that the processes of its pages take, after they and their workers collected their garbage."""
        self.send("HeapProfiler.collectGarbage")
        self._collect_garbage_of_workers()
        kilobytes = 0
        for process in Path("/proc").iterdir():
            try:
                session = process.joinpath("stat").read_text().rpartition(")")[2].split()[3]
                if int(session) == self.pid and b"--type=renderer" in process.joinpath("cmdline").read_bytes():
                    lines = process.joinpath("smaps_rollup").read_text().splitlines()
                    kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            except (OSError, IndexError, ValueError):
                continue  # it has ended, or is no process
        return kilobytes / 1000

    def _collect_garbage_of_workers(self) -> None:
        page, attach = self._session, {"waitForDebuggerOnStart": False, "flatten": True}
        self.send("Target.setAutoAttach", autoAttach=True, **attach)
        told = [(event.get("method"), event.get("params", {})) for event in self.events]
        ended = {said["sessionId"] for method, said in told if method == "Target.detachedFromTarget"}
        try:
            for method, said in told:
                if method == "Target.attachedToTarget" and said["targetInfo"]["type"] == "worker":
                    self._session = said["sessionId"]
                    if self._session not in ended:
                        self.send("HeapProfiler.collectGarbage")
        finally:
            self._session = page
            self.send("Target.setAutoAttach", autoAttach=False, **attach)

    def download(self, ending: str, seconds: float = 30) -> Path:
        """Wait for a file that the page hands out."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [path for path in self.downloads.iterdir() if path.name.endswith(ending)]
            if found:
                return found[0]
            time.sleep(0.05)
        raise TimeoutError(f"the page handed out no {ending}")

"""A headless Firefox driven over its Marionette port, with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("firefox-esr", "firefox")
PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


def find() -> str | None:
    """The path of a Firefox, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Firefox:
    """One browser with one page. `with Firefox() as page: page.open(address)`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="reverie-firefox-", ignore_cleanup_errors=True)
        profile = Path(self._folder.name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        known = {**PREFERENCES, "marionette.port": port}
        (profile / "user.js").write_text(
            "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in known.items())
        )
        program = find()
        assert program is not None
        self._process = subprocess.Popen(
            [program, "--headless", "--no-remote", "--marionette", "--profile", str(profile)],
            env={**os.environ, "HOME": str(profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._number = 0
        self._socket = self._connected(port, 60)
        self._read()  # what it is
        self.send("WebDriver:NewSession", strictFileInteractability=False)

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._folder.cleanup()

    def _connected(self, port: int, seconds: float) -> socket.socket:
        until = time.monotonic() + seconds
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=90)
            except ConnectionRefusedError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.1)

    def _read(self) -> Any:
        """A message: its length, a colon, and so many bytes of JSON."""
        length = b""
        while (byte := self._socket.recv(1)) != b":":
            if not byte:
                raise RuntimeError("Firefox has ended")
            length += byte
        data = b""
        while len(data) < int(length):
            data += self._socket.recv(int(length) - len(data))
        return json.loads(data)

    def send(self, command: str, **parameters: Any) -> Any:
        """Send a command of the WebDriver protocol and return its result. Raises RuntimeError for its error."""
        self._number += 1
        data = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(f"{len(data)}:".encode() + data)
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{command}: {error['message']}")
        return result

    def open(self, address: str) -> None:
        """Go to an address."""
        self.send("WebDriver:Navigate", url=address)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        return self.send("WebDriver:ExecuteScript", script=f"return {script}", args=[])["value"]

    def wait(self, script: str, seconds: float = 30) -> Any:
        """Wait until an expression is true, and return it. Raises TimeoutError with the page's text."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if value := self.run(script):
                return value
            time.sleep(0.05)
        raise TimeoutError(f"{script} did not come true: {self.run('document.body.innerText')!r}")

    def key(self, key: str, hold: float = 0.0) -> None:
        """Press a key, by its character of the WebDriver standard, hold it for so many seconds, and release it."""
        pressed = {"type": "keyDown", "value": key}, {"type": "pause", "duration": int(1000 * hold)}
        actions = [{"type": "key", "id": "keyboard", "actions": [*pressed, {"type": "keyUp", "value": key}]}]
        self.send("WebDriver:PerformActions", actions=actions)

    def screenshot(self, path: Path) -> None:
        """Write a PNG of what is seen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.send("WebDriver:TakeScreenshot", full=False)["value"]))

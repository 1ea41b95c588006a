"""A script of actions: one name a line, repeated from the top when it ends."""

from __future__ import annotations

from pathlib import Path

from reverie.app.errors import Mistake
from reverie.reading import why

MOST_BYTES = 64 << 20
"""A longer script is not read."""


def read_script(path: Path, actions: tuple[str, ...]) -> tuple[str, ...]:
    """The action names in a script file. Empty lines and lines that begin with `#` are skipped.

    Raises Mistake for a file that cannot be read, has no action, or names an action that the world does not have.
    """
    try:
        with path.open("rb") as stream:  # a pipe is welcome here, such as --script <(…)
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise Mistake(f"Cannot read the script {path}: it is larger than {MOST_BYTES >> 20} MiB.")
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"Cannot read the script {path}: {why(error)}.") from error
    script = []
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        if name not in actions:
            raise Mistake(
                f"{path}, line {number}: unknown action '{name[:40]}'; this world knows {', '.join(actions)}."
            )
        script.append(name)
    if not script:
        raise Mistake(f"The script {path} holds no action; write one action name a line, such as {actions[-1]}.")
    return tuple(script)

"""A script of actions: one name a line, repeated from the top when it ends."""

from __future__ import annotations

from pathlib import Path

from reverie.app.errors import Mistake
from reverie.reading import read_text, why

MOST_BYTES = 64 << 20
"""A longer script is not opened."""


def read_script(path: Path, actions: tuple[str, ...]) -> tuple[str, ...]:
    """The action names in a script file. Empty lines and lines that begin with `#` are skipped.

    Raises Mistake for a file that cannot be read, has no action, or names an action that the world does not have.
    """
    try:
        lines = read_text(path, MOST_BYTES).splitlines()
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

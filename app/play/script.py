"""A script of actions: one name a line, repeated from the top when it ends."""

from __future__ import annotations

from pathlib import Path

from reverie.app.errors import Mistake


def read_script(path: Path, actions: tuple[str, ...]) -> tuple[str, ...]:
    """The action names in a script file. Empty lines and lines that begin with `#` are skipped.

    Raises Mistake for a file that cannot be read, has no action, or names an action that the world does not have.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Mistake(f"Cannot read the script {path}: {reason}.") from error
    script = []
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        if name not in actions:
            raise Mistake(f"{path}, line {number}: unknown action '{name}'; this world knows {', '.join(actions)}.")
        script.append(name)
    if not script:
        raise Mistake(f"The script {path} holds no action; write one action name a line, such as {actions[-1]}.")
    return tuple(script)

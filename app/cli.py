"""The `reverie` command: reads the words, runs one command, and turns what happens into an exit code.

0 done; 1 the thing asked for does not hold; 2 a person's mistake; 130 Ctrl-C, after everything recorded is on disk.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sys
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

from reverie.app.errors import CheckFailed, Mistake
from reverie.reading import one_line

COMMANDS = {
    "play": "play:Play",
    "list": "list:List",
    "learn": "learn:Learn",
    "record": "record:Record",
    "import": "import_:Import",
    "train": "train:Train",
    "export": "export:Export",
    "eval": "eval:Eval",
    "bench": "bench:Bench",
    "render": "render:Render",
    "verify": "verify:Verify",
    "share": "share:Share",
}
"""Command -> its module in app/commands and the dataclass of its options there."""
DEBUG = "REVERIE_DEBUG"
"""Environment variable that lets a mistake end in its traceback, for who looks for a fault in the program itself."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    started = time.perf_counter()
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a character shows "?" for it
            stream.reconfigure(errors="replace")
    if words == ["--version"]:
        print(f"reverie {_version()}")
        return 0
    # `reverie` and `reverie --real` mean `reverie play …`.
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "play")
    try:
        command = parse(words)
    except KeyboardInterrupt:
        return 130
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0
    except BrokenPipeError:
        return _nobody_reads()
    # A process that is asked to end, or whose terminal is closed, keeps what it recorded, as with Ctrl-C.
    with contextlib.suppress(ValueError):  # only the main thread may say so
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:  # nohup stays
                signal.signal(getattr(signal, name), _interrupt)
    try:
        command.run(started)
    except KeyboardInterrupt:
        return 130
    except CheckFailed as failed:
        return _say(str(failed), 1)
    except BrokenPipeError:
        return _nobody_reads()
    except (Mistake, ValueError, OSError) as error:
        if os.environ.get(DEBUG):
            raise
        return _say(_sentence(error), 2)
    return 0


def parse(words: list[str]) -> Any:
    """The command object that the words ask for. Raises SystemExit, after one sentence on stderr."""
    import tyro

    if words[0] not in (*COMMANDS, "-h", "--help"):
        _say(f"There is no command '{words[0]}'; {_meant(words[0])}", 2)
        raise SystemExit(2)
    config = (tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            if words[0] in COMMANDS:
                return tyro.cli(_command(words[0]), prog=f"reverie {words[0]}", args=words[1:], config=config)
            union: Any = None
            for name in COMMANDS:
                one = Annotated[_command(name), tyro.conf.subcommand(name, prefix_name=False)]  # type: ignore[valid-type]
                union = one if union is None else union | one
            return tyro.cli(
                union, prog="reverie", args=words, default=_command("play")(), description=HELP, config=config
            )
    except SystemExit as exit_:
        if exit_.code not in (0, None):
            _say(_flat(complaint.getvalue(), words[0]), 2)
            raise SystemExit(2) from None
        raise


HELP = """Play games that a neural network dreams.
`reverie` alone plays; `reverie COMMAND --help` says more; `reverie --version` says which Reverie this is."""


def _command(name: str) -> type:
    """The dataclass of a command's options; its module is imported only now."""
    module, kind = COMMANDS[name].split(":")
    command: type = getattr(import_module(f"reverie.app.commands.{module}"), kind)
    return command


def _meant(word: str) -> str:
    """What a person may have meant by a word that is no command."""
    from reverie.app.own.game_folder import is_game_folder
    from reverie.engine import library
    from reverie.engine.manifest import MANIFEST

    if word in library.shipped() or is_game_folder(word) or (Path(word) / MANIFEST).is_file():
        return f"to play it: reverie play {word}"
    return f"there is {', '.join(COMMANDS)}."


def _version() -> str:
    """The version that is installed."""
    try:
        return version("reverie")
    except PackageNotFoundError:
        return "that is not installed"


def _flat(box: str, command: str) -> str:
    """The text in tyro's box of an error, as one sentence."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("│╭╰╮╯─|+ \t") for line in box.splitlines()]
    said = [line for line in lines if line.strip("-") and not line.startswith("For full helptext")]
    text = re.sub(r"-{5,}", " ", " ".join(said[1:] or said)).strip(" .")
    if wrong := re.search(r"Error parsing (\S+):.*?from \['(.*?)'\]", text):
        text = f"{wrong[1]} cannot be '{wrong[2]}'"
    return f"{text or 'That was not understood'}; see `reverie {command} --help`."


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'A file'}: {error.strerror.lower()}."
    return " ".join(str(error).split())


def _say(sentence: str, code: int) -> int:
    print(f"reverie: {one_line(sentence)}", file=sys.stderr)
    return code


def _nobody_reads() -> int:
    """The reader of stdout (`| head`) has gone: what Python still holds back for it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

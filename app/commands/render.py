"""`reverie render`: draws a tape again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from reverie.app.commands.dream_settings import DreamSettings, chosen
from reverie.app.commands.option_types import Name
from reverie.app.errors import CheckFailed, Mistake
from reverie.app.play.capture import VideoRecording
from reverie.app.play.select_bundle import load_bundle
from reverie.engine.settings import Value
from reverie.engine.tape import FrameDigest, Tape
from reverie.engine.taping import replay


@dataclass
class Render:
    """Draw a tape again: as it was, or with another sampler."""

    tape: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="TAPE")]]
    """The tape."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE", help_behavior_hint="")] = None
    """Write it to this .gif or .mp4."""
    bundle: Name = ""
    """Name or folder of the dream, when it is not the one that the tape names."""
    check: bool = False
    """Fail (exit code 1) unless the frames are those that were played."""
    settings: tyro.conf.OmitArgPrefixes[DreamSettings] = field(default_factory=DreamSettings)

    def run(self, started: float) -> None:
        """Replay, check, write."""
        if self.out is None and not self.check:
            raise Mistake("Say where to draw the tape with -o OUT.gif, or --check it.")
        settings = chosen(self.settings)
        if self.check and settings:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in settings)
            raise Mistake(f"--check compares with the frames that were played, and {options} would change them.")
        render(self.tape, self.out, self.bundle, settings, self.check)


def render(path: Path, out: Path | None, bundle_name: str, settings: Mapping[str, Value], check: bool) -> None:
    """Replay a tape into `out`, compare it with what was played when `check`, and say what came of it.

    settings: hold from beginning to end, whatever the tape says.

    Raises TapeError, BundleError or Mistake with one sentence, and then nothing is written, and CheckFailed when the
    frames differ. Ctrl-C keeps the frames drawn so far.
    """
    tape = Tape.load(path)
    bundle = load_bundle(bundle_name or tape.bundle)
    tape.check_bundle(bundle)
    recording = VideoRecording(out, bundle.manifest.fps) if out else None
    digest = FrameDigest()
    try:
        for frame in replay(tape, bundle, **settings):
            digest.add(frame)
            if recording:
                recording.add(frame)
    except (KeyboardInterrupt, Mistake):
        _save(recording)
        raise
    _save(recording)
    if check and (digest.frames, digest.hex()) != (tape.frames, tape.frames_sha256):
        raise CheckFailed(f"The replay of {path} differs from what was played ({digest.frames} frames).")
    if check:
        print(f"{digest.frames} frames, the same as were played")


def _save(recording: VideoRecording | None) -> None:
    if recording and recording.close():
        print(f"drew {recording.frames} frames in {recording.path}")

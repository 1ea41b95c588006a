"""A tape becomes pictures again."""

from __future__ import annotations

from pathlib import Path

from reverie.app.errors import CheckFailed
from reverie.app.play.capture import Recording
from reverie.app.play.select_bundle import load_bundle
from reverie.engine.tape import FrameDigest, Tape
from reverie.engine.taping import replay


def render(path: Path, out: Path | None, bundle_name: str, mode: str | None, decoder: str | None, check: bool) -> None:
    """Replay a tape into `out`, compare it with what was played when `check`, and say what came of it.

    Raises TapeError, BundleError or Mistake with one sentence, and then nothing is written, and CheckFailed when the
    frames differ. Ctrl-C keeps the frames drawn so far.
    """
    tape = Tape.load(path)
    bundle = load_bundle(bundle_name or tape.bundle)
    tape.check_bundle(bundle)
    recording = Recording(out, bundle.manifest.fps) if out else None
    digest = FrameDigest()
    try:
        for frame in replay(tape, bundle, mode, decoder):
            digest.add(frame)
            if recording:
                recording.add(frame)
    except KeyboardInterrupt:
        _save(recording)
        raise
    _save(recording)
    if check and (digest.frames, digest.hex()) != (tape.frames, tape.frames_sha256):
        raise CheckFailed(f"The replay of {path} differs from what was played ({digest.frames} frames).")
    if check:
        print(f"{digest.frames} frames, the same as were played")


def _save(recording: Recording | None) -> None:
    if recording and recording.close():
        print(f"drew {recording.frames} frames in {recording.path}")

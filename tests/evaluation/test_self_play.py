"""Dreams that play themselves: by what their pictures show, and so that the tape replays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.tape import FrameDigest
from reverie.engine.taping import replay
from reverie.evaluation.self_play import main, self_play
from tests.evaluation.tiny_bundle import write_tiny_bundle


@pytest.mark.slow
def test_a_dream_is_played_by_what_its_pictures_show() -> None:
    bundle = Bundle.load(library.resolve("v1.1"), threads=1)
    tape = self_play(bundle, 40, seed=1)[0]
    digest = FrameDigest()
    for frame in replay(tape, bundle):
        digest.add(frame)
    assert (digest.frames, digest.hex()) == (tape.frames, tape.frames_sha256)
    assert tape.frames == 40
    assert {event.action for event in tape.events} - {0, None}, "somebody walks about"
    assert self_play(bundle, 40, seed=1)[0] == tape


def test_who_sees_no_game_presses_no_key(tmp_path: Path) -> None:
    bundle = Bundle.load(write_tiny_bundle(tmp_path / "grey"), threads=1)
    tape, earned, lost = self_play(bundle, 5, seed=0)
    assert [(event.action, event.count) for event in tape.events] == [(0, 5)]
    assert (earned, lost) == (0, 0)


def test_the_command_keeps_a_tape_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_bundle(tmp_path / "grey")
    words = ["self_play", str(tmp_path / "grey"), "--frames", "3", "--dreams", "2", "-o", str(tmp_path / "a.tape")]
    monkeypatch.setattr(sys, "argv", words)
    main()
    assert (tmp_path / "a.tape").is_file()
    assert "dream 0 earned 0 and lost 0 rounds in 3 frames" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*words, "--game", "chess"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "chess" in capsys.readouterr().err

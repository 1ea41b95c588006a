from __future__ import annotations

import pygame
import pytest

from app import hud, look
from app.meter import Meter
from app.session import Choice, Session
from tests.app.conftest import make_bundle


def written(session: Session, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that the HUD writes under the picture."""
    words: list[str] = []

    def text(screen: pygame.Surface, what: str, at: tuple[int, int], *rest: object) -> int:
        words.append(what)
        return at[0]

    monkeypatch.setattr(look, "text", text)
    hud.draw_figures(pygame.Surface((800, 600)), session.status(), Meter(0.0), 20.0)
    return "\n".join(words)


def test_the_hud_names_the_decoder_and_the_steps_of_diffusion(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Choice("dots"), make_bundle(diffusion=True))
    assert "parallel  vq  T 1.00" in written(session, monkeypatch)
    session.toggle_decoder()
    session.change_steps(1)
    assert "parallel  diffusion ×3  T 1.00" in written(session, monkeypatch)

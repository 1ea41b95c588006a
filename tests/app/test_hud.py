from __future__ import annotations

import pygame
import pytest

from reverie.app.play.choice import Choice
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.app.window import font, hud, theme
from tests.app.conftest import make_bundle


def written(session: Session, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that the HUD writes under the picture."""
    words: list[str] = []

    def text(screen: pygame.Surface, what: str, at: tuple[int, int], *rest: object) -> int:
        words.append(what)
        return at[0]

    monkeypatch.setattr(theme, "text", text)
    hud.draw_figures(pygame.Surface((800, 600)), session.status(), Meter(0.0), 20.0)
    return "\n".join(words)


def test_the_hud_names_the_decoder_and_the_steps_of_diffusion(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Choice("dots"), make_bundle(diffusion=True))
    assert "parallel  vq  T 1.00" in written(session, monkeypatch)
    session.change_setting("decoder")
    session.change_setting("steps", 1)
    assert "parallel  diffusion ×3  T 1.00" in written(session, monkeypatch)


def test_a_long_name_makes_room_for_what_stands_right_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    status = Session(Choice("dots"), make_bundle(diffusion=True)).status()
    ends: dict[str, int] = {}
    draw = theme.text

    def text(screen: pygame.Surface, what: str, at: tuple[int, int], *rest: font.Colour) -> int:
        ends[what] = draw(screen, what, at, *rest)
        return ends[what]

    monkeypatch.setattr(theme, "text", text)
    hud.draw_header(
        pygame.Surface((400, 400)), status, (hud.PAUSED, hud.REC), title="A game with a title as long as a street"
    )
    [name] = [words for words in ends if words.endswith("…")]
    assert "A game with a title as long as a street".startswith(name[:-1])
    pills = sum(font.measure(word, theme.TEXT_SCALE) + 16 for word in ("DREAM", "PAUSED", "REC"))
    assert ends[name] <= 400 - theme.MARGIN - pills - 16
    hud.draw_header(pygame.Surface((800, 400)), status, (), title="Dots")
    assert f"Dots · {status.bundle}" in ends

"""Makes the page's font from the window's: `python -m reverie.web.make_font`. It needs fontTools."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

UNIT = 100
"""Font units of a pixel of assets/font.txt."""
ABOVE, BELOW = 7, 2
"""Pixels above the baseline and below it."""
DIGITS = "0123456789"
SPACE = 3


def glyphs(text: str) -> dict[str, tuple[int, list[tuple[int, int]]]]:
    """Character → its width in pixels and its pixels as (column, row from the top). text: of assets/font.txt."""
    found: dict[str, tuple[int, list[tuple[int, int]]]] = {" ": (SPACE, [])}
    for line in text.splitlines():
        character, _, rest = line.partition(" ")
        if character == "##" or not rest:
            continue
        rows = [int(row, 16) for row in rest.split()]
        pixels = [(column, y) for y, row in enumerate(rows) for column in range(5) if row >> (4 - column) & 1]
        ink = 1 + max((column for column, _ in pixels), default=SPACE - 1)
        found[character] = (5 if character in DIGITS else ink, pixels)
    return found


def main() -> None:
    """Write page/font.ttf."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    table = glyphs(resources.files("reverie.assets").joinpath("font.txt").read_text(encoding="utf-8"))
    table["\N{NO-BREAK SPACE}"] = table[" "]
    names = {character: f"uni{ord(character):04X}" for character in table}
    builder = FontBuilder((ABOVE + BELOW) * UNIT, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap({ord(character): name for character, name in names.items()})
    drawn, metrics = {}, {}
    for name, (width, pixels) in {".notdef": table["?"], **{names[c]: table[c] for c in table}}.items():
        pen = TTGlyphPen(None)
        for column, row in pixels:
            left, top = column * UNIT, (ABOVE - row) * UNIT
            pen.moveTo((left, top))
            for x, y in ((left + UNIT, top), (left + UNIT, top - UNIT), (left, top - UNIT)):
                pen.lineTo((x, y))
            pen.closePath()
        drawn[name] = pen.glyph()
        metrics[name] = ((width + 1) * UNIT, min((column for column, _ in pixels), default=0) * UNIT)
    builder.setupGlyf(drawn)
    builder.setupHorizontalMetrics(metrics)
    builder.setupHorizontalHeader(ascent=ABOVE * UNIT, descent=-BELOW * UNIT)
    builder.setupOS2(
        sTypoAscender=ABOVE * UNIT, sTypoDescender=-BELOW * UNIT, usWinAscent=ABOVE * UNIT, usWinDescent=BELOW * UNIT
    )
    builder.setupNameTable({"familyName": "Reverie", "styleName": "Regular"})
    builder.setupPost(isFixedPitch=0)
    builder.updateHead(created=0, modified=0)
    builder.save(Path(__file__).parent / "page" / "font.ttf")


if __name__ == "__main__":
    main()

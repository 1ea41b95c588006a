"""The strip on top of every built-in game's picture, as grids of letters, 8x8 px each: hearts, a bar, digits."""

from __future__ import annotations

PALETTE = {
    "b": "#0c1120",  # the strip's ground
    "t": "#ff5264",  # hearts
    "T": "#ffb0b0",  # their light, and the bar of the grace
    "1": "#e8ecff",  # digits
    "2": "#3a4260",  # an empty heart
}
"""Letter to colour."""

BLANK = " ".join(["bbbbbbbb"] * 8)
HEART_FULL = "bbbbbbbb bttbbttb tTtttttt tTtttttt bttttttb bbttttbb bbbttbbb bbbbbbbb"
HEART_EMPTY = "bbbbbbbb b22bb22b 2bb22bb2 2bbbbbb2 b2bbbb2b bb2bb2bb bbb22bbb bbbbbbbb"
BAR = tuple(
    " ".join([*["bbbbbbbb"] * 2, *["T" * full + "b" * (8 - full)] * 4, *["bbbbbbbb"] * 2]) for full in range(1, 9)
)
"""Half of the bar with so many of its 8 px."""
DIGITS = (
    "bbbbbbbb bb1111bb b11bb11b b11bb11b b11bb11b b11bb11b bb1111bb bbbbbbbb",
    "bbbbbbbb bbb11bbb bb111bbb bbb11bbb bbb11bbb bbb11bbb bb1111bb bbbbbbbb",
    "bbbbbbbb bb1111bb b1bbb11b bbbb11bb bbb11bbb bb11bbbb b111111b bbbbbbbb",
    "bbbbbbbb b11111bb bbbbb11b bbb111bb bbbbb11b bbbbb11b b11111bb bbbbbbbb",
    "bbbbbbbb bbbb11bb bbb111bb bb1b11bb b11b11bb b111111b bbbb11bb bbbbbbbb",
    "bbbbbbbb b111111b b11bbbbb b11111bb bbbbb11b bbbbb11b b11111bb bbbbbbbb",
    "bbbbbbbb bbb111bb bb11bbbb b11111bb b11bb11b b11bb11b bb1111bb bbbbbbbb",
    "bbbbbbbb b111111b bbbbb11b bbbb11bb bbb11bbb bbb11bbb bbb11bbb bbbbbbbb",
    "bbbbbbbb bb1111bb b11bb11b bb1111bb b11bb11b b11bb11b bb1111bb bbbbbbbb",
    "bbbbbbbb bb1111bb b11bb11b b11bb11b bb11111b bbbb11bb bb111bbb bbbbbbbb",
)

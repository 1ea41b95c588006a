"""Whoever moves in the garden, drawn finer for pictures of 128x128: 16x16 px each, in the letters of sprites.py."""

from __future__ import annotations

_HOOD = ".....zzzzz...... ...zzoooOOzz.... ..zoooooOOOoz... ..zooooooOOoz..."
_APART = "..zCCCzzzCCCz... ..zzzz...zzzz..."
_TOGETHER = "...zCCCCCCCz.... ....zzzzzzz....."
_DOWN = f"""{_HOOD}
.zoozzzzzzzooz.. .zozwwwwwwwzoz.. .zozwzwwwzwzoz.. .zozwzwwwzwzoz.. .zoozwwwwwzooz..
..zoozzzzzoozzz. .zcoooooooooczY. zccooccccoocczyY zcccccccccccczyY .zccccccccccczYY"""
_UP = f"""{_HOOD}
.zoooooooooooz.. .zoooooooooooz.. .zoocooooocooz.. .zooocccccoooz.. .zoooooooooooz..
.zzzoooooooozz.. .Yzcoooooooocz.. Yyzccooccooccz.. Yyzccccccccccz.. YYzccccccccccz.."""
_LEFT = """.....zzzzzz..... ...zzoooOOOzz... ..zwwooooOOooz.. .zwwwwooooOOoz..
.zwwwwwooooooz.. .zwzwwwooooooz.. .zwzwwwooooooz.. .zwwwwwooooocz.. ..zwwwoooooocz..
.zzzzoooooooccz. .Yzcooooooooccz. Yyzccoooooocccz. Yyzcccccccccccz. YYzccccccccccz.."""

PLAYER_DOWN = (f"{_DOWN} {_APART}", f"{_DOWN} {_TOGETHER}")
PLAYER_UP = (f"{_UP} {_APART}", f"{_UP} {_TOGETHER}")
PLAYER_LEFT = (
    f"{_LEFT} ...zzCCzzCCCz... ....zzz..zzzz...",
    f"{_LEFT} .....zCCCCCz.... ......zzzzz.....",
)

_BEETLE = """v..............v vv....VVVV....vv .vv..VvvvvV..vv. ..vv.VrrrrV.vv.. ...vVrrRRrrVv...
....VrRRRrrV.... vvvVrrRRrrrrVvvv ...VrrRrrrrrV... ...VrrrrrrrrV... ..vVrrVrrVrrVv.. .vvVrVVrrVVrVvv.
vv..VrrrrrrV..vv v....VrrrrV....v ....v.VrrV.v.... ...v...VV...v... ..v..........v.."""
BEETLE = (_BEETLE, " ".join(reversed(_BEETLE.split())))

_WISP_TOP = "....uiiiiiiu.... ...uiiIIIIiiu... ..uiiIIIIIIiiu.. .uiiIIIIIIIIiiu."
_WISP_BOTTOM = ".uiiIIIIIIIIiiu. .uiiIIIUUIIIiiu. ..uiiIIIIIIiiu.. ...uiiIIIIiiu... ....uuiiiiuu...."
_EYES = "uiiIIUIIIIUIIiiu"
_BROW = "uiiIIIIIIIIIIiiu"
WISP = (
    f".......uu....... .....uuiiuu..... {_WISP_TOP} {_EYES} {_EYES} {_BROW} {_WISP_BOTTOM} "
    "U.....uiiu.....U .U.....uu.....U.",
    f".U.....uu.....U. U....uuiiuu....U {_WISP_TOP} {_BROW} {_EYES} {_EYES} {_WISP_BOTTOM} "
    "......uiiu...... .......uu.......",
)

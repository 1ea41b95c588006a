"""The garden's pictures as grids of letters, 8x8 px each: drawn here, for this game."""

from __future__ import annotations

from reverie.games.kit import strip

PALETTE = {
    **strip.PALETTE,
    "`": "#1b2742",  # floor, night blue
    "'": "#213050",
    ",": "#18223b",
    "k": "#0a0d18",  # outlines
    "p": "#3c4c78",  # stone of the pad
    "P": "#5a6ea3",
    "q": "#2c3a60",
    "s": "#3f2a26",  # soil and its wooden bed
    "S": "#54382d",
    "d": "#7d5638",
    "g": "#2a7a4a",  # hedges
    "G": "#3b9a5a",
    "h": "#1d5a3b",
    "H": "#123a2c",
    "j": "#0c2620",
    "f": "#f4f0d0",  # flowers
    "F": "#e8c85a",
    "a": "#86a83c",  # the archway's leaves and its dark inside
    "A": "#b4cf56",
    "e": "#56752c",
    "x": "#141026",
    "m": "#ff4fd8",  # berries
    "M": "#ffc2f4",
    "n": "#7a2a78",
    "l": "#6fd06a",
    "o": "#ff9326",  # the keeper: hood, face, lantern, cloak
    "O": "#ffb85c",
    "c": "#c9561a",
    "C": "#8a3412",
    "w": "#ffe7c0",
    "y": "#fff27a",
    "Y": "#ffd21f",
    "z": "#2a130a",
    "r": "#e8323a",  # beetles
    "R": "#ff7a6a",
    "v": "#6a2a9a",
    "V": "#35124f",
    "i": "#8df4ff",  # the wisp
    "I": "#f4ffff",
    "u": "#35b6d8",
    "U": "#1b6c98",
}
"""Letter to colour. `.` is transparent."""

FLOOR = "```````` ``'````` ```````` `````,`` ```````` `'`````` ``````'` ````````"
PAD = "`qqqqqq` qPPPPPPq qPppppPq qPpqqpPq qPpqqpPq qPppppPq qpPPPPpq `qqqqqq`"
PLANTER = "dddddddd dssssssd dsSssSsd dsssssSd dSsssssd dssSssSd dssssssd dddddddd"
BERRY = "dddddddd dsslssld dsllllsd dnmmmmnd dmMmmMmd dmmmmmmd dnmmmmnd dddddddd"
ARCH = "AaAaAAaA aeaAaeaa AaexxeaA aexxxxea aexxxxea aaexxeaa AaeaaeAa aAaAaaAe"
HEDGE_TOP = "hGghhgGh GghgGghg ghhGghhh hgGghgGg gGhhgGgh hghgGhhg GhgGghGh hghhghgh"
HEDGE_FRONT = "hGghhgGh GghgGghg ghhGghhh hgGghgGg hhhhhhhh HhHHhHHh HHHHHHHH jjjjjjjj"
HEDGE_FLOWER = "hGfhhgGh GfFfGghg ghfGgfhh hgGgfFfg hhhhhfhh HhfHhHHh HHHHHHfH jjjjjjjj"
BERRY_ICON = "bbbbbbbb bbblbbbb bbbllbbb bbmmmmbb bmMmmmmb bmmmmmmb bbmmmmbb bbbbbbbb"

PLAYER_DOWN = (
    "..zzzz.. .zoooOz. .zwwwwz. .zwzwzz. .zowwozY zcoooczy zccccczY .zCzzCz.",
    "..zzzz.. .zoooOz. .zwwwwz. .zwzwzz. .zowwozY zcoooczy zccccczY ..zCCz..",
)
PLAYER_UP = (
    "..zzzz.. .zoooOz. .zooooz. .zoccoz. Yzooooz. yzcooccz Yzcccccz .zCzzCz.",
    "..zzzz.. .zoooOz. .zooooz. .zoccoz. Yzooooz. yzcooccz Yzcccccz ..zCCz..",
)
PLAYER_LEFT = (
    "..zzzz.. .zwoooz. .wwwooz. .zwwooz. YzwoooCz yzcooocz Yzccccz. ..zCzCz.",
    "..zzzz.. .zwoooz. .wwwooz. .zwwooz. YzwoooCz yzcooocz Yzccccz. ...zCz..",
)
BEETLE = (
    "v......v .v.VV.v. ..vrrv.. vvrRrrvv .vrrrrv. .vrVVrv. v.vrrv.v ...VV...",
    "...VV... v.vrrv.v .vrRrrv. .vrrrrv. vvrVVrvv ..vrrv.. .v.VV.v. v......v",
)
WISP = (
    "...uu... ..uiiu.. .uiIIiu. uiIUUIiu uiIIIIiu .uiIIiu. ..uiiu.. U..uu..U",
    "U..uu..U ..uiiu.. .uiIIiu. uiIIIIiu uiIUUIiu .uiIIiu. ..uiiu.. ...uu...",
)

"""The rooftop runner as grids of letters: drawn here, for this game."""

from __future__ import annotations

PALETTE = {
    "z": "#1a0d10",  # the runner: hood, face, cloak, legs, lantern
    "o": "#ff9326",
    "O": "#ffb85c",
    "c": "#c9561a",
    "C": "#8a3412",
    "w": "#ffe7c0",
    "y": "#fff27a",
    "Y": "#ffd21f",
    "r": "#a8485a",  # roof tiles
    "R": "#c8606a",
    "q": "#7e3350",
    "Q": "#5a2442",
    "b": "#8c5a4c",  # chimneys
    "B": "#b0786a",
    "d": "#5c3540",
    "e": "#4a3a4c",
    "E": "#6c5870",
    "v": "#8272b0",  # owls
    "V": "#b0a2d8",
    "u": "#54468a",
    "g": "#ffe066",
    "l": "#b8f26a",  # moths
    "L": "#eaffb0",
    "m": "#5fae58",
    "n": "#0d0a1c",  # what is below the roofs
    "N": "#171230",
    "0": "#0c1120",
}

ROOF = """RRRRRRRQ rrrrrrrQ rrrqrrrQ qqqqqqqQ rrrrrrrQ rqrrrrrQ rqrrrrrQ qqqqqqqQ
rrrqrrrQ rrrqrrrQ rrrqrrrQ qqqqqqqQ rqrrrrrQ rqrrrrrQ QqQqQqQQ QQQQQQQQ"""
GAP = """NnnnnnnN nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn
nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn nnnnnnnn"""
CHIMNEY = "EEEEEEEE eeeeeeee .BbBbbd. .bbbbBd. .BbBbbd. .bbbbBd. .BbBbbd. .bbbbBd."
OWL = "vu....uv vVvvvvVv VggvvggV VgzvvzgV vvvyyvvv vVvVvVvv uvVvVvvu .u.y.y.."
MOTH = "........ ll.mm.ll lLlmmlLl lLLmmLLl .lLmmLl. llLmmLll lLl..lLl .l....l."
ICON = "00000000 ll0mm0ll lLlmmlLl lLLmmLLl 0lLmmLl0 llLmmLll lLl00lLl 0l0000l0"

_HEAD = "..zzzz.. .zoooOz. .zoowwz. .zoowzw. .zooowz."
RUN_APART = f"{_HEAD} ..zcozzY .zcccoYy zccccozY .zcccoz. ..zccz.. .zC.zCz. zC....Cz"
RUN_TOGETHER = f"{_HEAD} ..zcoz.. .zccozzY .zcccoYy .zcccozY ..zccz.. ..zCCz.. ...zCz.."
RISE = f"{_HEAD} z.zcozYy zzcccoYY .zccccz. .zcccz.. zzcccz.. zCzzCz.. zz..zz.."
FALL = "..zzzz.. .zoooOz. zzoowwzY zczowzwy .czoowzY .zccozz. .zccccz. zccccccz zzcccczz ..zCzCz. ..zC.zC. ...z..z."
DUCK = "........ ........ ........ ........ ........ ..zzzz.. .zoooOz. zooowwz. zcoowzwY zcccowYy zccccozY .zCzzCz."

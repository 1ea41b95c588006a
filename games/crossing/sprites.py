"""The way home as grids of letters: drawn here, for this game."""

from __future__ import annotations

PALETTE = {
    "g": "#2f8a55",  # grass
    "G": "#3fa564",
    "h": "#267348",
    "f": "#f4f0d0",
    "F": "#e8c85a",
    "a": "#3a3554",  # road
    "A": "#443f62",
    "d": "#8b84b0",
    "e": "#2c2842",
    "w": "#2566b0",  # river
    "W": "#3a84cf",
    "v": "#1d5496",
    "r": "#e8323a",  # the fast car
    "R": "#ff7a6a",
    "q": "#8a1436",
    "c": "#b6ecff",
    "y": "#fff27a",
    "k": "#14101e",
    "s": "#7d8299",
    "o": "#f0a030",  # the slow wagon
    "O": "#ffcf6a",
    "p": "#a85c1c",
    "b": "#9a5f34",  # logs
    "B": "#c98a50",
    "D": "#6e3f22",
    "t": "#f0cf94",
    "T": "#d0a060",
    "l": "#58b848",  # lily pads
    "L": "#86d85c",
    "m": "#2f8038",
    "i": "#ff8ad0",
    "I": "#ffd6f0",
    "n": "#4a2f26",  # the hedgehog
    "N": "#7a5238",
    "M": "#a87a50",
    "u": "#ffe0b8",
    "x": "#e0a878",
    "z": "#1a0f0c",
    "1": "#ff5264",  # the apple
    "2": "#ffb0a8",
    "3": "#b01f3c",
    "0": "#0c1120",
}

GRASS = "gggggggg ggGggggg gggggggg ggggggGg ghgggggg ggggghgg gGgggggg gggggggg"
BANK = "gggggggg gfggggGg fFfggggg gfgghggg ggGggggg ggggggfg gggGgfFf ghggggfg"
ROAD = "eeeeeeee aaaaaaaa aaaaaaaa aaaaaaaa aaddddaa aaaaaaaa aaaaaaaa eeeeeeee"
RIVER = "vvvvvvvv wwwwwwww wwWWwwww wwwwwwww wwwwwwww wwwwwWWw wwwwwwww vvvvvvvv"
CAR = "........ ..rrrr.. .rccRcr. qrccRccr rRRRRRRy rrrrrrry qkkrrkkq .ks..ks."
WAGON = "oOoOoO.. pOOOOOp. oOOOOOoo pOOOOOoc oooooooc ppppppoy pkkppkkp .ks..ks."
LOG_BACK = "........ .BBBBBBB BbbbbBbb bbBbbbbb bbbbbbbB DbbBbbbb .DDDDDDD ........"
LOG = "........ BBBBBBBB bbbbbbBb bBbbbbbb bbbbBbbb bbbbbbbb DDDDDDDD ........"
LOG_FRONT = "........ BBBBBBt. bbbbbtTt bBbbbtTt bbbbBtTt bbbbbtTt DDDDDDt. ........"
PAD = ".mllllm. mlLLLLlm lLLlLLll lLLLLlmm lLlLLLll lLLLLLLl mlLLlLlm .mllllm."
PAD_FRONT = ".mllllm. mlLiLLlm lLiIiLll lLLiLlmm lLlLLiLl lLLLiIil mlLLlilm .mllllm."
APPLE = "...n.l.. ...nll.. .11n11.. 1211111. 1211113. 1111113. .11133.. ..33.3.."
ICON = "000n0l00 000nll00 011n1100 12111110 12111130 11111130 01113300 00000000"

RIGHT = (
    "..nnnn.. .nNnNnn. nNnMnNuu nnNnMuzu nMnNnuuz nNnMnuuu .nnnnxx. .x...x..",
    "..nnnn.. .nNnNnn. nNnMnNuu nnNnMuzu nMnNnuuz nNnMnuuu .nnnnxx. ...xx...",
)
UP = (
    "...zz... ..uuuu.. .nNnNnn. nNnMnNnn nnNnMnNn nNnMnNnn .nnNnnn. .x....x.",
    "...zz... ..uuuu.. .nNnNnn. nNnMnNnn nnNnMnNn nNnMnNnn .nnNnnn. ..x..x..",
)
DOWN = (
    "..nnnn.. .nNnNnn. nNnMnNnn nnuuuunn nuzuuzun .uuuuuu. .nuzzun. .x....x.",
    "..nnnn.. .nNnNnn. nNnMnNnn nnuuuunn nuzuuzun .uuuuuu. .nuzzun. ..x..x..",
)

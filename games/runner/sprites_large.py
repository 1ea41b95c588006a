"""What of the rooftop runner is drawn finer for pictures of 128x128, in the letters of sprites.py."""

from __future__ import annotations

CHIMNEY = """EEEEEEEEEEEEEEEE EeeeeeeeeeeeeeeE eeeeeeeeeeeeeeee .eeeeeeeeeeeeee.
..BBBdBBBBdbbd.. ..bbbdbbbbdbbd.. ..dddddddddddd.. ..BdBBBBdBBBbd..
..bdbbbbdbbbbd.. ..dddddddddddd.. ..BBBdBBBBdbbd.. ..bbbdbbbbdbbd..
..dddddddddddd.. ..BdBBBBdBBBbd.. ..bdbbbbdbbbbd.. ..dddddddddddd.."""
OWL = """.v............v. vuv..........vuv vVuvvvvvvvvvvuVv vVVvVvVvvVvVvVVv
vVgggVvvvvVgggVv VggggguvvuggggGV VggzzguvvugzzggV vggzzgvyyvgzzggv
vVgggvvyyvvgggVv vvvvvvVyyVvvvvvv uvVvVvVvvVvVvVvu uvvVvVvVVvVvVvvu
.uvvVvVvvVvVvvu. ..uuvvVvvVvvuu.. ....uuyuuyuu.... ......y..y......""".replace("G", "g")
ROOF = """RRRRRRRRRRRRRRqQ RRRRRRRRRRRRRRqQ rrrrrrrrrrrrrrQQ rrrrrrrrrrrrrrQQ
rrrrrrrqrrrrrrQQ rrrrrrqqrrrrrrQQ qqrrqqqqqrrrqqQQ QqqqQQQQQqqqQQQQ
rrrrrrrrrrrrrrQQ RrrrrrrRrrrrrrQQ rrrrrrrrrrrrrrQQ rrrrrrrrrrrrrrQQ
rrrrrrrrrrrrrrQQ rrrrrrrrrrrrrrQQ qqqrrrqqqqqrrqQQ QQQqqqQQQQQqqQQQ
rrrrrrrqrrrrrrQQ RrrrrrqqRrrrrrQQ rrrrrrrqrrrrrrQQ rrrrrrqqrrrrrrQQ
rrrrrrrqrrrrrrQQ rrrrrrqqrrrrrrQQ qqrrqqqqqrrrqqQQ QqqqQQQQQqqqQQQQ
rrrrrrrrrrrrrrQQ RrrrrrrRrrrrrrQQ rrrrrrrrrrrrrrQQ qrqrqrqrqrqrqrQQ
QqQqQqQqQqQqQqQQ qQqQqQqQqQqQqQQQ QQQQQQQQQQQQQQQQ QQQQQQQQQQQQQQQQ"""
MOTH = """................ ....m......m.... .....m....m..... .lll..mmmm..lll.
lLLLl.mnnm.lLLLl lLLLLlmnnmlLLLLl lLmLLLmnnmLLLmLl lLLLLLmnnmLLLLLl
.lLLLLmnnmLLLLl. ..lllLmnnmLlll.. .lLLLlmnnmlLLLl. lLLmLl.mm.lLmLLl
lLLLl..mm..lLLLl .lLl........lLl. ..l..........l.. ................"""

_HEAD = """....zzzzzzz..... ...zoooooOOz.... ..zooooooOOOz... ..zoooooooOOOz..
.zoooozzzzzoOz.. .zooozwwwwwwzz.. .zooozwwwzwwwz.. .zooozwwwzwwwz.. .zooozzwwwwwz... ..zooozzwwwzz..."""
_CLOAK = """...zzcoozzzz.... ..zccccooooz.zz. ..zcccccooozzYYz .zzccccccoooYYyY
.zcccccccccooYyY zzccccccccccczz. zccccccccccz.... zzcccccccccz.... .zzccccccczz...."""
_FLYING = """zz.zzcoozzzz.zz. zczzcccooooczYYz zcccccccooocYYyY .zcccccccccooYyY
.zccccccccccczz. zcccccccccccz... zccccccccccccz.. zcccccccccccccz. zzzccccccccczzz."""
_APART = "..zzCCzzCCzz.... ..zCCz..zCCz.... .zCCz....zCCz... zCCz......zCCz.. zzz........zzz.."
_TOGETHER = "...zzCCCCzz..... ....zCCCCz...... ....zCCzCz...... .....zCCz....... .....zzzz......."
_TUCKED = "..zCCCzCCCz..... .zCCzzzCCz...... zCCz..zCCz...... zzz...zCz....... ......zzz......."
_DANGLING = "...zCCz.zCCz.... ...zCCz.zCCz.... ....zCz..zCCz... ....zz....zzz... ................"
RUN_APART = f"{_HEAD} {_CLOAK} {_APART}"
RUN_TOGETHER = f"{_HEAD} {_CLOAK} {_TOGETHER}"
RISE = f"{_HEAD} {_CLOAK} {_TUCKED}"
FALL = f"{_HEAD} {_FLYING} {_DANGLING}"
DUCK = (
    " ".join(["................"] * 10)
    + """
....zzzzzzz..... ...zoooooOOz.... ..zooooooOOOz... .zoooozzzzzOOz.. .zooozwwwwwwzz..
zzooozwwwzwwwz.. zcooozwwwzwwwzzz zccooozwwwwwzYYz zcccoozzzzzzYYyY zccccccooooooYyY
zcccccccccccozYz zzccccccccccczz. .zCCzzzzzzCCz... .zzz......zzz..."""
)

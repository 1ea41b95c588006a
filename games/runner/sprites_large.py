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

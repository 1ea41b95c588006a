"""What of the way home is drawn finer for pictures of 128x128: 16x16 px each, in the letters of sprites.py."""

from __future__ import annotations

_BODY = """......nnnn...... ...nnNNnNNnn.... ..nNnMnNnMnNn... .nNnNnNnMnNnNn..
.nnMnNnMnNnMnnuu nNnNnMnNnNnNuuuu nMnNnNnMnNnuuuuu nnNnMnNnNnMuuzzu
nNnMnNnMnNnuuzuu nnNnNnNnNnMuuuuz nNnMnNnMnNnuuuuz .nNnNnNnNnuuuuu.
.nnMnNnMnnuuuux. ..nnnnnnnxxxxx.."""
RIGHT = (f"{_BODY} ...xx.....xx.... ..xxx....xxx....", f"{_BODY} .....xx.xx...... .....xxxxxx.....")
_BACK = """.......zz....... ......uuuu...... .....uuuuuu..... ...nnNunnuNnn...
..nNnMnNnMnNnn.. .nNnNnNnMnNnNnn. .nnMnNnMnNnMnNn. nNnNnMnNnNnNnMnn
nMnNnNnMnNnMnNnn nnNnMnNnNnNnNnMn nNnMnNnMnNnMnNnn nnNnNnNnNnMnNnnn .nMnNnMnNnNnMnn.
..nnNnNnMnNnn..."""
UP = (f"{_BACK} ..xxnnnnnnnnxx.. ..xx........xx..", f"{_BACK} ...nxxnnnnxxn... ....xx....xx....")
_FACE = """.....nnnnnn..... ...nnNnNNnNnn... ..nNnMnNnMnNnn.. .nNnNnNnMnNnNnn.
.nnMnNnMnNnMnNn. nNnNnNnNnNnNnMnn nMnnuuunnuuunnnn nnnuuuuuuuuuunnn
nNuuzzuuuuzzuuNn nnuuzzuuuuzzuunn .nuuuuuuuuuuuun. .nnuuuuzzuuuunn. ..nxuuuzzuuuxn..
...nxxuuuuxxn..."""
DOWN = (f"{_FACE} ..xxnnnxxnnnxx.. ..xx........xx..", f"{_FACE} ...nxxnxxnxxn... ....xx....xx....")
CAR = """................ ................ ....rrrrrrrr.... ...rRRRRRRRRr...
..rcccckRcccr... ..rccccqRccccr.. .qrccccqRccccrr. qrrrrrrrrrrrrrrr
rRRRRRRRRRRRRRRy rRrrrrrrqrrrrrRy rrrrrrrrrrrrrrry rrkkkrrrrrkkkrrr
qkksskqqqqkksskq .ksdsk....ksdsk. ..kkk......kkk.. ................"""
WAGON = """................ oOOoOOoOOo...... pOOpOOpOOp...... oOOOOOOOOOp.....
pOOOOOOOOOpoooo. oOOOOOOOOOoOOcco pOOOOOOOOOpOccco oOOOOOOOOOoOccco
poooooooooooccco ooooooooooooooOy pppppppppppooooy ppkkkpppppkkkpop
pkksskppppkksskp .ksdsk....ksdsk. ..kkk......kkk.. ................"""
GRASS = """gggggggggggggggg gggggggggggGgggg ggggGgggggGggggg gggGgggggggggggg
gggggggggggggggg gggggggggggggghg ghgggggggGgggggg gggggggggGgggggg
gggggggggggggggg ggGgggghgggggggg ggGggggggggggGgg ggggggggggggggGg
gggggggggggggggg gghggggggGgggggg ggggggghgggggggg gggggggggggggggg"""
RIVER = """vvvvvvvvvvvvvvvv wvwvwwvwwvwwvwvw wwwwwwwwwwwwwwww wwwwwwwwwwwwwwww
wwwWWWwwwwwwwwww wwWwwwWWwwwwwwww wwwwwwwwwwwwwwww wwwwwwwwwwwwwwww
wwwwwwwwwwwwwwww wwwwwwwwwwwwwwww wwwwwwwwwWWWwwww wwwwwwwwWwwwWWww
wwwwwwwwwwwwwwww wwwwwwwwwwwwwwww wvwvwvwwvwvwwwvw vvvvvvvvvvvvvvvv"""
ROAD = """eeeeeeeeeeeeeeee eeeeeeeeeeeeeeee aaaaaaaaaaaaaaaa aaaaaaaaaAaaaaaa
aaAaaaaaaaaaaaaa aaaaaaaaaaaaaaaa aaaaaaaaaaaaaAaa aaaaaaaaaaaaaaaa
aaaaddddddddaaaa aaaaddddddddaaaa aaaaaaaaaaaaaaaa aAaaaaaaaaaaaaaa
aaaaaaaaaaAaaaaa aaaaaaaaaaaaaaaa eeeeeeeeeeeeeeee eeeeeeeeeeeeeeee"""
APPLE = """.......n........ .......n..ll.... .......n.lLl.... ...111.nlll..... ..111111111111..
.11221111111113. .12221111111113. 1122111111111133 1121111111111133 1111111111111133
1111111111111133 .111111111111333 .11111111111333. ..111111111333.. ...1111..3333... ................"""

"""What a recording, a model, a bundle and a tape hold at most: the same in all, so that none refuses another."""

MOST_ACTIONS = 256
"""Actions of a game, the one that is no key at all among them: a recording keeps them in bytes."""
MOST_FPS = 240
"""Frames a second of what is played."""
MOST_GAMES = 64
"""Games that one model dreams."""
MOST_NAME = 300
"""Letters in the name of a game, an action or a bundle."""
MOST_RULES = 255
"""The highest number that a game's rules can have."""
MOST_SIDE = 512
"""Pixels of a frame's side."""

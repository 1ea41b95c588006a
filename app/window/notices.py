"""What the window says for a while: messages, one after the other, and in a fresh window what it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MESSAGE_SECONDS, LETTERS_A_SECOND = 2.5, 16
"""How long a message stays: the longer of the two."""
CARD_SECONDS = 10.0
"""How long a fresh window says what it is, unless a key is pressed before."""


class Notices:
    """message: what is said now, empty where nothing is. card: whether the window still says what it is.

    A long message is said in parts, one after the other. A new one takes the place of the one before.
    """

    def __init__(self, messages: deque[str], now: float) -> None:
        """messages: those that wait to be said, oldest first. now: perf_counter seconds, as everywhere here."""
        self._messages = messages
        self.message = ""
        self._rest: list[str] = []
        self.card = True
        self._message_until, self._card_until = 0.0, now + CARD_SECONDS

    def refresh(self, now: float, covered: bool, parts: Callable[[str], list[str]]) -> bool:
        """Let what was said long enough end, and say the next.

        covered: under an overlay nothing can be read. parts: a message as parts that there is room for.
        Returns whether something else is said than before.
        """
        before = (self.message, self.card)
        self.card = self.card and now <= self._card_until
        if self._messages and not covered:
            self._say(parts(self._messages.popleft()), now)
        elif now > self._message_until and not (covered and self._rest):
            self._say(self._rest, now)
        return before != (self.message, self.card)

    def _say(self, parts: list[str], now: float) -> None:
        self.message, self._rest = (parts[0], parts[1:]) if parts else ("", [])
        self._message_until = now + max(MESSAGE_SECONDS, len(self.message) / LETTERS_A_SECOND)

"""What the window says for a while: messages, one after the other, and in a fresh window what it is."""

from __future__ import annotations

from collections import deque

MESSAGE_SECONDS, LETTERS_A_SECOND = 2.5, 16
"""How long a message stays: the longer of the two."""
CARD_SECONDS = 10.0
"""How long a fresh window says what it is, unless a key is pressed before."""


class Notices:
    """message: what is said now, empty where nothing is. card: whether the window still says what it is."""

    def __init__(self, messages: deque[str], now: float) -> None:
        """messages: those that wait to be said, oldest first. now: perf_counter seconds, as everywhere here."""
        self._messages = messages
        self.message = ""
        self.card = True
        self._message_until, self._card_until = 0.0, now + CARD_SECONDS

    def refresh(self, now: float, covered: bool) -> bool:
        """Let what was said long enough end, and say the next. covered: under an overlay nothing can be read.

        Returns whether something else is said than before.
        """
        before = (self.message, self.card)
        self.card = self.card and now <= self._card_until
        if self._messages and not covered:
            self.message = self._messages.popleft()
            self._message_until = now + max(MESSAGE_SECONDS, len(self.message) / LETTERS_A_SECOND)
        elif now > self._message_until:
            self.message = ""
        return before != (self.message, self.card)

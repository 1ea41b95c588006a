"""What the next step needs is made while this one computes."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Makes what step n needs, in a thread of its own, as soon as step n - 1 has taken its own.

    waited: seconds that steps have waited for it in all.
    """

    def __init__(self, make: Callable[[int], T]) -> None:
        """make: step number to what that step needs, the same each time it is asked."""
        self.make, self.waited = make, 0.0
        self.pool = ThreadPoolExecutor(1)
        self.next: tuple[int, Future[T]] | None = None

    def take(self, step: int) -> T:
        """What this step needs; begins with what the step after it needs."""
        began = time.perf_counter()
        ready = self.next[1] if self.next and self.next[0] == step else self.pool.submit(self.make, step)
        made = ready.result()
        self.waited += time.perf_counter() - began
        self.next = step + 1, self.pool.submit(self.make, step + 1)
        return made

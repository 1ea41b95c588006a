"""The batch of the next step is made while this step computes."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """Makes the batch of step n in a thread of its own, as soon as step n - 1 has taken its batch.

    waited: seconds that steps have waited for their batches in all.
    """

    def __init__(self, make: Callable[[int], T]) -> None:
        """make: returns the batch of a step, the same one each time."""
        self.make, self.waited = make, 0.0
        self.pool = ThreadPoolExecutor(1)
        self.next: tuple[int, Future[T]] | None = None

    def take(self, step: int) -> T:
        """Return the batch of this step, and begin to make that of the next."""
        began = time.perf_counter()
        ready = self.next[1] if self.next and self.next[0] == step else self.pool.submit(self.make, step)
        batch = ready.result()
        self.waited += time.perf_counter() - began
        self.next = step + 1, self.pool.submit(self.make, step + 1)
        return batch

    def close(self) -> None:
        """End the thread, when the batch that it makes is done."""
        self.pool.shutdown(cancel_futures=True)

"""How many processor cores this process may use: its affinity, and the CPU quota of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows the control groups of versions 1 and 2."""
MOST_THREADS = 4
"""The graphs of a dream are too small for more threads than these."""


def usable_cores() -> int:
    """Cores that this process may use, at least 1: the smaller of its affinity and its CPU quota, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def default_threads() -> int:
    """Threads for a dream's graphs unless a person says otherwise."""
    return min(MOST_THREADS, usable_cores())


def cpu_quota(root: Path = CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> float | None:
    """Cores' worth of time that the control groups of this process allow, None without a limit.

    A group is limited by its own quota and by that of every group above it, so the smallest counts.
    root: where the groups are mounted. membership: the file that says which groups this process is in.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    quotas: list[float] = []
    for line in lines:
        parts = line.split(":", 2)
        if len(parts) != 3:
            continue
        _, controllers, path = parts
        if not controllers:  # version 2 has one tree and names no controllers
            quotas += _quotas(root, path, _version_2)
        elif "cpu" in controllers.split(","):
            for mount in (root / controllers, root / "cpu"):
                quotas += _quotas(mount, path, _version_1)
    return min(quotas, default=None)


def _quotas(mount: Path, path: str, read: Callable[[Path], float | None]) -> list[float]:
    """The quotas of a group and of every group above it."""
    names = [name for name in path.split("/") if name and name != ".."]
    folders = [mount.joinpath(*names[:depth]) for depth in range(len(names) + 1)]
    return [quota for folder in folders if (quota := read(folder)) is not None]


def _version_1(folder: Path) -> float | None:
    return _ratio(_words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us"))


def _version_2(folder: Path) -> float | None:
    return _ratio(_words(folder / "cpu.max"))


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []


def _ratio(words: list[str]) -> float | None:
    """Quota over period, both in microseconds; None where there is no limit ("max" or -1)."""
    try:
        quota, period = map(int, words)
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None

"""This machine's own peak: float32 matrix products, with a given number of threads.

Run as `python -m reverie.evaluation.speed.gemm`. The number of threads of numpy's BLAS is settled when it loads, so it
gets a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np

_SIDE = 1536
_SECONDS = 1.5


def measured_gflops() -> float:
    """GFLOP/s of the fastest of the products that fit into 1.5 s, in this process."""
    rng = np.random.default_rng(0)
    a = rng.random((_SIDE, _SIDE), dtype=np.float32)
    b = rng.random((_SIDE, _SIDE), dtype=np.float32)
    out = np.empty_like(a)
    np.matmul(a, b, out=out)
    best = float("inf")
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        began = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - began)
    return 2.0 * _SIDE**3 / best / 1e9


def gemm_gflops(threads: int) -> float:
    """The peak with so many threads, measured in a fresh process."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    done = subprocess.run(
        [sys.executable, "-m", "reverie.evaluation.speed.gemm"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


if __name__ == "__main__":
    print(measured_gflops())

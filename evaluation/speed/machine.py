"""The machine that the figures were taken on, in a few words."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

from reverie.cores import usable_cores


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, system and the versions that decide speed."""
    import numpy
    import onnxruntime

    return {
        "processor": processor(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def processor() -> str:
    """The processor's own name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def peak_rss_mb() -> float | None:
    """The most memory that this process has held so far, in MB; None where the system does not tell (Windows)."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)  # bytes there, kilobytes elsewhere

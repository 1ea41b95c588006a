"""What a frame costs with each choice of a setting, measured here while it is played."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from statistics import median

from reverie.engine.settings import SettingInfo, Settings

FRAMES = 60
"""The last frames of each combination of settings, whose median is told."""
FEWEST = 5
"""With fewer frames nothing is told."""

Key = tuple[object, ...]


class Speeds:
    """Milliseconds of the last frames, for each combination of the settings that are choices or counts."""

    def __init__(self) -> None:
        self._ms: dict[Key, deque[float]] = {}

    def add(self, bundle: str, infos: Mapping[str, SettingInfo], settings: Settings, ms: float) -> None:
        """One frame took so many milliseconds."""
        self._ms.setdefault(_key(bundle, infos, settings), deque(maxlen=FRAMES)).append(ms)

    def compared(
        self,
        bundle: str,
        infos: Mapping[str, SettingInfo],
        settings: Settings,
        name: str,
        choices: tuple[str, ...],
        of: Callable[[Iterable[bool]], bool],
    ) -> str:
        """The choices of a setting with their medians, the present one first; empty where there are not two.

        Such as `parallel, 3 passes: 7.6 ms · ar: not measured yet`. of: `any` or `all` of them must have been measured.
        """
        taken = {
            choice: self._ms.get(_key(bundle, infos, {**settings, name: choice}), ())
            for choice in sorted(choices, key=lambda choice: choice != settings[name])
        }
        if len(taken) < 2 or not of(len(ms) >= FEWEST for ms in taken.values()):
            return ""
        parts = []
        for choice, ms in taken.items():
            counts = (
                f", {info.says(settings[count])}"
                for count, info in infos.items()
                if isinstance(info.default, int) and count in settings and choice in info.when.get(name, ())
            )
            says = f"{median(ms):.1f} ms" if len(ms) >= FEWEST else "not measured yet"
            parts.append(f"{choice}{''.join(counts)}: {says}")
        return " · ".join(parts)


def _key(bundle: str, infos: Mapping[str, SettingInfo], settings: Settings) -> Key:
    """What decides how long a frame takes: numbers such as the temperature do not."""
    deciding = (name for name, info in infos.items() if not isinstance(info.default, float) and info.matters(settings))
    return (bundle, *((name, settings[name]) for name in deciding if name in settings))

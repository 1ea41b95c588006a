"""`reverie list`: the dreams and the games that are there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass
class List:
    """Show the dreams and games that are there, and what each can do."""

    json: bool = False
    """Print JSON."""

    def run(self, started: float) -> None:
        """Print to stdout."""
        found = listing()
        print(json.dumps(found, indent=2) if self.json else as_text(found))


def listing() -> dict[str, list[dict[str, Any]]]:
    """The object of `list --json`."""
    from reverie.engine import library
    from reverie.engine.bundle import read_manifest
    from reverie.games import registry

    bundles = []
    for name, path in library.shipped().items():
        manifest, _ = read_manifest(path)
        bundles.append(
            {
                "name": name,
                "version": manifest.version,
                "games": list(manifest.games),
                "resolution": manifest.resolution,
                "parameters": manifest.parameters,
                "actions": list(manifest.actions),
                "modes": list(manifest.choices("mode")),
                "decoders": list(manifest.choices("decoder")),
                "history": manifest.history,
                "family": manifest.family,
                "active_parameters": manifest.active_parameters,
                "bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
            }
        )
    games = [
        {"name": name, "actions": list(registry.get(name).actions), "sizes": list(registry.get(name).sizes)}
        for name in registry.names()
    ]
    return {"bundles": bundles, "games": games}


def as_text(found: dict[str, list[dict[str, Any]]]) -> str:
    """The listing for people."""
    lines = ["Dreams:" if found["bundles"] else "Dreams: none yet"]
    for b in found["bundles"]:
        size = f"{b['parameters'] / 1e6:.1f} M parameters, {b['bytes'] / 1e6:.1f} MB"
        can = f"{' | '.join(b['modes'])}; {' | '.join(b['decoders'])}"
        side = b["resolution"]
        one = len(b["games"]) == 1
        what = f"{b['games'][0] if one else str(len(b['games'])) + ' games'}, {side}×{side}"
        lines.append(f"  {b['name']:<10} {what}, {size}, {can}, history {b['history']}")
        if not one:
            lines.append(f"{'':<13}{', '.join(b['games'])}{_at_work(b)}")
    lines.append("Games:")
    for g in found["games"]:
        sizes = ", ".join(f"{s}×{s}" for s in g["sizes"])
        lines.append(f"  {g['name']:<10} {sizes}; {', '.join(g['actions'])}")
    return "\n".join(lines)


def _at_work(bundle: dict[str, Any]) -> str:
    """How many parameters are at work in a frame, where that is not all of them."""
    active = bundle["active_parameters"]
    return "" if active == bundle["parameters"] else f"; {active / 1e6:.1f} M parameters at work in a frame"

"""`reverie verify`: is a bundle what it says it is."""

from __future__ import annotations

from dataclasses import dataclass

import tyro

from app.errors import CheckFailed


@dataclass
class Verify:
    """Check bundles: hashes, manifest, graphs, and one known frame."""

    bundles: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names or folders; without any, all that ship."""

    def run(self, started: float) -> None:
        """Print a line for each bundle. Raises CheckFailed when one is not as it says."""
        from engine import library
        from engine.verify import verify

        paths = [library.resolve(name) for name in self.bundles] or list(library.shipped().values())
        bad = 0
        for path in paths:
            findings = verify(path)
            bad += bool(findings)
            print(f"{path.name}: {'good' if not findings else ''}{'; '.join(map(str, findings))}")
        if bad:
            raise CheckFailed(f"{bad} of {len(paths)} bundles are not what they say they are.")

"""How options stand in a command's help: what each takes, and no default but what its sentence says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

Count = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")]
Number = Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint="")]
Name = Annotated[str, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
File = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")]
Out = Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FOLDER", help_behavior_hint="")]
Bundles = tyro.conf.Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="[BUNDLE ...]", help_behavior_hint="")]]

"""The walls of docs/architecture.md: who may import whom, what a player's start loads, and no pickle anywhere."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("app", "engine", "models", "games", "training", "export", "evaluation", "agents", "web")
SOURCES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))

# The column "never imports" of docs/architecture.md, and what follows from "imports".
NEVER: dict[str, set[str]] = {
    "app": {"agents", "models", "torch", "gymnasium"},
    "engine": {"agents", "app", "models", "training", "export", "evaluation", "pygame", "torch", "gymnasium"},
    "models": {*ROOMS, "pygame", "gymnasium", "onnxruntime"} - {"models"},
    "games": {"agents", "app", "engine", "models", "training", "export", "evaluation", "torch", "pygame", "gymnasium"},
    "training": {"agents", "app", "engine", "export", "evaluation", "pygame", "gymnasium"},
    "export": {"agents", "app", "evaluation", "pygame", "gymnasium"},
    "evaluation": {"agents", "app", "models", "training", "export", "pygame", "gymnasium"},
    "agents": {"app", "models", "training", "export", "pygame", "torch"},
    "web": {*ROOMS, "pygame", "torch", "gymnasium"} - {"web", "engine"},
}
# The doors that the page names: one module, one import.
DOORS: tuple[tuple[str, str], ...] = (
    ("engine/torch_*.py", "torch"),
    ("engine/torch_*.py", "models"),
    ("engine/*/torch_*.py", "torch"),
    ("engine/*/torch_*.py", "models"),
    ("games/gym_*.py", "gymnasium"),
    ("games/gymnasium_*.py", "gymnasium"),
    ("agents/dqn.py", "torch"),
    ("agents/teach.py", "export"),
)
# An optimizer's state, which only its own trainer reads back, and only with weights_only=True.
KEEPS_OWN_STATE = {"training/loop/checkpoint.py"}
# Rooms that may be entered only from inside a function, so that a player's start does not load them.
LAZY: dict[str, set[str]] = {"app": {"training", "export", "evaluation"}}


class Import(NamedTuple):
    """One module named by an import statement; `top` when it runs as soon as the file is imported.

    names: what is taken from it, which may be modules too.
    """

    module: str
    line: int
    top: bool
    names: tuple[str, ...] = ()

    @property
    def room(self) -> str:
        """The room of a module of ours, the package of any other."""
        return self.module.removeprefix("reverie.").split(".")[0]


def imports(source: str) -> list[Import]:
    """Every module that a file imports; what only a type checker sees (TYPE_CHECKING) is left out."""
    return list(_walk(ast.parse(source), top=True))


def _walk(node: ast.AST, top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _walk(other, top)
        elif isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, top) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            if child.module == "reverie":
                yield from (Import(f"reverie.{alias.name}", child.lineno, top) for alias in child.names)
            elif child.module and not child.level:
                yield Import(child.module, child.lineno, top, tuple(alias.name for alias in child.names))
        else:
            if isinstance(child, ast.Call) and ast.unparse(child.func) in ("importlib.import_module", "__import__"):
                name = child.args[0] if child.args else None
                if isinstance(name, ast.Constant):
                    yield Import(str(name.value), child.lineno, top)
            yield from _walk(child, top and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def broken_walls(path: str, source: str) -> list[str]:
    """What a file imports although its room must not, as `path:line: sentence`."""
    room = path.split("/")[0]
    found = []
    for item in imports(source):
        open_door = any(fnmatch(path, door) and item.room == module for door, module in DOORS)
        if item.room in NEVER[room] and not open_door:
            found.append(f"{path}:{item.line}: {room} must not import {item.module}")
        elif item.top and item.room in LAZY.get(room, set()):
            found.append(f"{path}:{item.line}: {item.module} is to be imported inside the function that needs it")
        elif room == "engine" and item.room == "games" and item.module != "reverie.games.world":
            found.append(f"{path}:{item.line}: engine knows only reverie.games.world")
        elif room == "export" and item.module.startswith("reverie.training.tokens.train_"):
            found.append(f"{path}:{item.line}: export must not import a training loop")
    return found


def pickles(path: str, source: str) -> list[str]:
    """Uses of pickle, open or hidden, as `path:line: sentence`."""
    found = [
        f"{path}:{item.line}: imports {item.module}"
        for item in imports(source)
        if item.room in ("pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")
    ]
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        words = {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg}
        if name == "torch.save" and path not in KEEPS_OWN_STATE:
            found.append(f"{path}:{call.lineno}: torch.save writes a pickle; use safetensors")
        if name == "torch.load" and words.get("weights_only") != "True":
            found.append(f"{path}:{call.lineno}: torch.load without weights_only=True")
        if words.get("allow_pickle", "False") != "False":
            found.append(f"{path}:{call.lineno}: allow_pickle is not False")
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_keeps_its_walls(room: str) -> None:
    mine = [path for path in SOURCES if path.parts[0] == room]
    assert mine, f"{room}/ holds no Python file"
    assert [
        line for path in mine for line in broken_walls(path.as_posix(), (ROOT / path).read_text(encoding="utf-8"))
    ] == []


def test_nothing_reads_or_writes_pickle() -> None:
    assert [
        line for path in SOURCES for line in pickles(path.as_posix(), (ROOT / path).read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("app/window.py", "from reverie.models.tokens.world_model import WorldModel"),
        ("app/cli.py", "import reverie.evaluation.speed.bench"),
        ("engine/dream.py", "def f():\n    import torch"),
        ("engine/tokens/graph_dynamics.py", "from reverie.models.tokens.patch_vq import PatchVQ"),
        ("engine/dream.py", "from reverie.games.garden.rules import Garden"),
        ("games/garden/rules.py", "import gymnasium"),
        ("models/v1/vqvae.py", "from reverie.training.tokens.windows import Windows"),
        ("training/record.py", "if True:\n    import pygame"),
        ("export/parity.py", "from reverie.training.tokens.train_dynamics import train"),
        ("evaluation/bench.py", "from reverie.agents.dream_env import DreamEnv"),
        ("agents/dream_env.py", "import torch"),
    ],
)
def test_a_broken_wall_is_seen(path: str, source: str) -> None:
    assert len(broken_walls(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engine/torch_runtime.py", "import torch"),
        ("engine/tokens/torch_model.py", "from reverie.models.tokens.patch_vq import PatchVQ"),
        ("games/gym_adapter.py", "import gymnasium"),
        ("agents/dqn.py", "import torch"),
        ("app/commands/bench.py", "def run():\n    from reverie.evaluation.speed.bench import bench"),
        ("engine/dream.py", "from reverie.games.world import Step"),
        (
            "app/cli.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from reverie.evaluation.speed.bench import Row",
        ),
    ],
)
def test_the_doors_of_the_page_are_open(path: str, source: str) -> None:
    assert broken_walls(path, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.save(model, path)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_a_pickle_is_seen(source: str) -> None:
    assert len(pickles("app/x.py", source)) == 1


@pytest.mark.parametrize(
    "start", ["import engine, app", "import reverie.app.cli", "import reverie.engine.dream, reverie.app.window.window"]
)
def test_a_players_start_loads_neither_torch_nor_gymnasium(start: str) -> None:
    heavy = ("torch", "gymnasium", "onnx", "onnxscript", "reverie.training", "reverie.export", "reverie.models")
    code = f"{start}\nimport json, sys\nprint(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_ci_runs_the_readmes_test_command() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Test\n")[1].split("```")[1]
    environment, *commands = section.strip().splitlines()
    assert environment.startswith("python3 -m venv ")  # .ci/run makes its own, in a folder of its own
    ci = [line.replace("pip install -q ", "pip install ") for line in _ci_lines()]
    assert commands[-1] == "pytest"
    assert [command for command in commands if command not in ci] == []


def _ci_lines() -> list[str]:
    return [line.strip() for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()]


FAMILY_FOLDERS = ("*/tokens/*", "*/latent/*", "models/v1/*")
FAMILY_WORDS = re.compile(r"(?<![a-z])(tokens?|logits?)(?![a-z])|vocabular|causal[_ ]head|codebook", re.IGNORECASE)
MODULE_OF_A_FAMILY = re.compile(r'"tokens": |\breverie(\.\w+)+')
"""What a registry of families may say: the name of one, and where it is."""


def family_words(path: str, source: str) -> list[str]:
    """Lines outside the folders of a family that speak as if every dream were of that family."""
    if any(fnmatch(path, folder) for folder in FAMILY_FOLDERS):
        return []
    lines = enumerate(source.splitlines(), 1)
    return [f"{path}:{n}: {line.strip()}" for n, line in lines if FAMILY_WORDS.search(MODULE_OF_A_FAMILY.sub("", line))]


def test_only_the_folders_of_a_family_speak_of_its_parts() -> None:
    found = [line for path in SOURCES for line in family_words(path.as_posix(), (ROOT / path).read_text("utf-8"))]
    assert found == []


def test_a_word_of_a_family_is_seen() -> None:
    assert family_words("engine/dream.py", "self.causal_head = 1\nx = 2  # logits of a frame") != []
    assert family_words("engine/tokens/sampler.py", "logits = 1") == []
    assert family_words("engine/families.py", 'FAMILIES = {"tokens": "reverie.engine.tokens.family"}') == []


def circles(graph: dict[str, set[str]]) -> list[str]:
    """The modules that import themselves by way of others, each circle as one sorted line."""
    reach: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for other in graph.get(todo.pop(), set()) - seen:
                seen.add(other)
                todo.append(other)
        reach[start] = seen
    found = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}
    return sorted(" ".join(sorted(circle)) for circle in found)


def test_no_two_files_import_one_another() -> None:
    files = {".".join(("reverie", *path.with_suffix("").parts)).removesuffix(".__init__"): path for path in SOURCES}
    graph = {}
    for module, path in files.items():
        tops = [item for item in imports((ROOT / path).read_text("utf-8")) if item.top]
        named = {item.module for item in tops} | {f"{item.module}.{name}" for item in tops for name in item.names}
        graph[module] = named & set(files) - {module}
    assert circles(graph) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a b c"]

"""One layer checks every kind of file, and what one kind may hold, the others may too."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import pytest

from reverie.engine.manifest import Manifest
from reverie.engine.tape import Event
from reverie.limits import MOST_ACTIONS, MOST_FPS, MOST_NAME
from reverie.schema import SchemaError, Within, read_object
from tests.engine.fake import fake_manifest


@dataclass(frozen=True)
class Inner:
    """A table in a table."""

    size: Annotated[int, Within(1, 512)]


@dataclass(frozen=True)
class Outer:
    """Every kind of field. Refuses a share of exactly 0.5 itself."""

    name: Annotated[str, Within(1, 8)]
    inner: Inner
    share: Annotated[float, Within(0, 1)] = 0.0
    grid: tuple[Annotated[int, Within(1, 9)], Annotated[int, Within(1, 9)]] = (1, 1)
    many: Annotated[tuple[int, ...], Within(0, 3)] = ()
    rate: Annotated[int, Within(1, 9)] | None = None
    either: str | int = 0
    table: dict[str, float] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.share == 0.5:
            raise ValueError("share must not be a half.")


GOOD = 'name = "x"\ninner = {size = 3}\n'


def test_a_table_becomes_a_dataclass() -> None:
    text = GOOD + 'share = 1\ngrid = [2, 3]\nmany = [4]\neither = "y"\ntable = {a = 1}'
    read = read_object(Outer, tomllib.loads(text))
    assert read == Outer("x", Inner(3), 1.0, (2, 3), (4,), None, "y", {"a": 1.0})
    assert type(read.share) is float


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it lacks the key 'name'"),
        (GOOD + "speed = 1", "it has an unknown key 'speed'; there are name, inner, share"),
        (GOOD.replace("size", "side"), "inner has an unknown key 'side'; there are size"),
        (GOOD.replace("3", "true"), "inner.size must be a whole number, not True"),
        (GOOD.replace("3", "513"), "inner.size must be 1 to 512, not 513"),
        (GOOD.replace("{size = 3}", "3"), "inner must be a table of keys and values, not 3"),
        (GOOD.replace('"x"', '"123456789"'), "name must have 1 to 8 characters, not 9"),
        (GOOD + "share = nan", "share must be a number, not nan"),
        (GOOD + "share = 1" + "0" * 400, "share must be a number, not a huge number"),
        (GOOD + "rate = 0x" + "f" * 5000, "rate must be 1 to 9, not a huge number"),
        (GOOD + "share = 0.5", "share must not be a half"),
        (GOOD + "grid = [1]", "grid must have 2 entries, not 1"),
        (GOOD + "grid = [1, 10]", r"grid[1] must be 1 to 9, not 10"),
        (GOOD + "many = [1, 2, 3, 4]", "many must have 0 to 3 entries, not 4"),
        (GOOD + "either = 1.5", "either must be a text or a whole number"),
        (GOOD + 'table = {a = "b"}', "table.a must be a number, not 'b'"),
        (GOOD + '"a\\nb" = 1', "it has an unknown key 'a\\nb'"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_key(text: str, says: str) -> None:
    with pytest.raises(SchemaError) as caught:
        read_object(Outer, tomllib.loads(text))
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith(".")


def test_a_message_begins_with_the_place_that_the_caller_names() -> None:
    for where, says in (
        ("a.toml:", "a.toml: inner.size must be"),
        ("a.toml: part", "a.toml: part.inner.size must be"),
    ):
        with pytest.raises(SchemaError, match=says):
            read_object(Outer, {"name": "x", "inner": {"size": 0}}, where)


def test_a_bundle_and_a_tape_hold_every_action_that_a_recording_holds() -> None:
    recording = pytest.importorskip("reverie.training.data.recording")
    names = tuple(f"{number:0{MOST_NAME}}" for number in range(MOST_ACTIONS))
    world = "w" * MOST_NAME
    index = read_object(recording.Index, recording.Index(world, names, 64, fps=MOST_FPS).to_json())
    manifest = replace(fake_manifest(), games=(world,), name=world, actions=index.actions, fps=MOST_FPS)
    manifest = replace(manifest, known_frame=replace(manifest.known_frame, actions=(MOST_ACTIONS - 1,)))
    assert Manifest.parse(json.loads(manifest.to_json()), Path("manifest.json")).actions == names
    assert read_object(Event, {"action": MOST_ACTIONS - 1}).action == MOST_ACTIONS - 1
    with pytest.raises(SchemaError, match="actions must have 1 to 256 entries, not 257"):
        read_object(recording.Index, {**index.to_json(), "actions": [*names, "more"]})

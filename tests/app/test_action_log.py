"""Logs as other programs write them are understood, and the import says how; otherwise one sentence says where."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from reverie.app.errors import Mistake
from reverie.app.own.action_log import Line, Notes, read_log

MUTATIONS = 200


def read(tmp_path: Path, text: str | bytes, name: str = "a.csv") -> tuple[tuple[Line, ...], Notes]:
    path, notes = tmp_path / name, Notes()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_log(path, notes).lines, notes


@pytest.mark.parametrize("yes", ["1", "1.0", "T", "true", "TRUE", "yes", "Y", "2"])
@pytest.mark.parametrize("no", ["0", "0.0", "F", "False", "no", "", "nan"])
@pytest.mark.parametrize("column", ["ended", "terminated", "done", "Terminal"])
def test_ends_are_read_in_every_way_that_they_are_written(yes: str, no: str, column: str, tmp_path: Path) -> None:
    lines, notes = read(tmp_path, f"action,{column}\nup,{no}\nup,{yes}\n")
    assert [line.ended for line in lines] == [False, True]
    assert column.lower() in notes.used


def test_a_limit_of_time_is_no_end(tmp_path: Path) -> None:
    lines, _ = read(tmp_path, "action,done,truncated\nup,1,1\nup,1,0\nup,0,0\n")
    assert [(line.ended, line.cut) for line in lines] == [(False, True), (True, False), (False, False)]
    lines, notes = read(tmp_path, "action,terminated,truncated,done\nup,0,1,1\nup,1,0,1\n")
    assert [(line.ended, line.cut) for line in lines] == [(False, True), (True, False)]
    assert list(notes.ignored) == ["done"]


@pytest.mark.parametrize(
    ("written", "action"),
    [
        ("1.0", "1"),
        ("0.0", "0"),
        ("1e0", "1"),
        ("nan", "noop"),
        (" Left ", "left"),
        ('"[""a"", ""b""]"', "a+b"),
        ("[]", "noop"),
    ],
)
def test_actions_are_read_for_what_they_mean_and_the_summary_says_so(written: str, action: str, tmp_path: Path) -> None:
    lines, notes = read(tmp_path, f"action,x\n{written},1\n")
    assert lines[0].action == action
    assert list(notes.ignored) == ["x"]
    said = "\n".join(notes.sentences())
    assert "columns used: action" in said
    assert "columns ignored: x" in said
    assert action in said or action == "left"


@pytest.mark.parametrize(
    ("written", "action"),
    [("1.0", "1"), ("null", "noop"), ("NaN", "noop"), ('["up"]', "up"), ("[2.0]", "2"), ('["up", "a"]', "up+a")],
)
def test_actions_in_json_are_read_alike(written: str, action: str, tmp_path: Path) -> None:
    assert read(tmp_path, f'{{"action": {written}}}\n', "a.jsonl")[0][0].action == action
    assert read(tmp_path, f'[\n{{"Action": {written}}}\n]', "a.json")[0][0].action == action


@pytest.mark.parametrize(
    "text",
    [
        "frame;action\n0;up\n1;down\n",
        "frame\taction\n0\tup\n1\tdown\n",
        "frame|action\n0|up\n1|down\n",
        "frame, action\n0, up\n1, down\n",
        " Frame , ACTION \n0,UP\n1.0,down\n",
        "sep=;\nframe;action\n0;up\n1;down\n",
        "frame,action\r\n0,up\r\n1,down\r\n",
        "frame,action\r0,up\r1,down",
        "frame,action\n0,up\n1,down\n\n\n",
        "frame,action\n0,up\n1,down\n,\n",
        "\ufeffframe,action\n0,up\n1,down\n",
        "frame,action\n0,up\n1,down\n".encode("utf-16"),
    ],
)
def test_tables_are_read_however_they_are_saved(text: str | bytes, tmp_path: Path) -> None:
    lines, _ = read(tmp_path, text)
    assert [(line.frame, line.action) for line in lines] == [(0, "up"), (1, "down")]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "action,ended\nup,maybe\n", "line 2, column ended: 'maybe' says neither yes nor no"),
        ("a.csv", "action\nup\n1.5\n", "line 3, column action: 1.5 is not a whole number"),
        ("a.csv", "action\n-1\n", "line 2, column action: -1 is not a whole number"),
        ("a.csv", "action,action\nup,up\n", "the column 'action' is there twice"),
        ("a.csv", "frame,action\n0,up\n1\n", "line 3 has 1 columns, and the head line has 2"),
        ("a.csv", "frame,action\n0,up,7\n", "line 2 has 3 columns, and the head line has 2"),
        ("a.csv", "frame,action\n0.5,up\n", "line 2, column frame"),
        ("a.csv", "action\n\xff".encode("latin-1"), "save it as UTF-8"),
        ("a.jsonl", '{"action": "up"}\n{"action": {"x": 1}}\n', "line 2, column action"),
        ("a.jsonl", '{"action": "up"}\n{"action" "up"}\n', "line 2, column 11"),
        ("a.jsonl", '{"action": "up", "frame": 0}\n{"action": "up"}\n', "line 2: 'frame' stands in some lines only"),
        ("a.jsonl", '{"action": true}\n', "line 1, column action"),
        ("a.json", "[[1, 2]]", "line 1 holds no object"),
        ("a.json", "[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_what_is_not_understood_is_said_with_its_line(name: str, text: str | bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="(?s)" + says.replace("(", r"\(")) as caught:
        read(tmp_path, text, name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_spoiled_logs_are_read_or_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    good = {
        "a.csv": "frame,action,reward,ended\n0,up,0.5,0\n1,2.0,0,T\n",
        "a.jsonl": '{"frame": 0, "action": "up", "reward": 0.5}\n{"frame": 1, "action": [2.0], "ended": true}\n',
        "a.json": '[{"frame": 0, "action": "up"}, {"frame": 1, "action": null}]',
    }[name]
    parts = ["NaN", "1e999", "-", "[", "{", '"', ",", "\n", "\0", "9" * 5000, "null", "true", "\ufeff", "²", "é", "\r"]
    luck = random.Random(name)
    for _ in range(MUTATIONS):
        text = list(good)
        for _ in range(luck.randint(1, 4)):
            at = luck.randrange(len(text))
            text[at : at + luck.randint(0, 8)] = [luck.choice(parts)]
        said = ""
        try:
            read(tmp_path, "".join(text), name)
        except Mistake as mistake:
            said = str(mistake)
        assert "\n" not in said, "".join(text)

"""A dream uses the processor time that it is given: by affinity, and by the quota of its container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reverie import cores


def test_a_quota_of_version_2_counts_as_well_as_those_above_it(tmp_path: Path) -> None:
    inner = tmp_path / "docker" / "one"
    inner.mkdir(parents=True)
    (tmp_path / "docker" / "cpu.max").write_text("150000 100000\n")
    (inner / "cpu.max").write_text("max 100000\n")
    (tmp_path / "membership").write_text("0::/docker/one\n")
    assert cores.cpu_quota(tmp_path, tmp_path / "membership") == 1.5
    (inner / "cpu.max").write_text("50000 100000\n")
    assert cores.cpu_quota(tmp_path, tmp_path / "membership") == 0.5


def test_a_quota_of_version_1_counts(tmp_path: Path) -> None:
    group = tmp_path / "cpu,cpuacct" / "x"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text("100000\n")
    (group / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "membership").write_text("9:name=systemd:/\n4:cpu,cpuacct:/x\n")
    assert cores.cpu_quota(tmp_path, tmp_path / "membership") == 1.0
    (group / "cpu.cfs_quota_us").write_text("-1\n")
    assert cores.cpu_quota(tmp_path, tmp_path / "membership") is None


def test_a_system_without_affinities_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr(cores, "cpu_quota", lambda: None)
    assert cores.usable_cores() == 3


@pytest.mark.parametrize("text", ["", "0::\n", "no group at all\n", "0::/missing\n", "0::/../../etc\n"])
def test_what_is_not_understood_limits_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "membership").write_text(text)
    assert cores.cpu_quota(tmp_path, tmp_path / "membership") is None
    assert cores.cpu_quota(tmp_path, tmp_path / "nowhere") is None


@pytest.mark.parametrize(("quota", "threads"), [(0.5, 1), (1.0, 1), (1.5, 2), (16.0, 4), (None, 4)])
def test_threads_follow_the_quota(monkeypatch: pytest.MonkeyPatch, quota: float | None, threads: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "cpu_quota", lambda: quota)
    assert cores.default_threads() == threads


def test_the_telemetry_of_onnxruntime_is_off_before_it_is_imported() -> None:
    code = (
        "import sys, reverie.engine, os\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""`reverie bench`: the speed of each bundle in every variant, and its share of the machine's own limit.

Every row runs in a process of its own, so that its peak of memory is its own. The time of a frame runs from the action
to the picture. The first frames, in which caches and threads warm up, are not counted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from reverie.cores import default_threads
from reverie.engine import families
from reverie.engine.bundle import read_manifest
from reverie.engine.files import write_json
from reverie.engine.manifest import Manifest
from reverie.evaluation.families import family_of
from reverie.evaluation.pages.tables import speed_table
from reverie.evaluation.speed.flops import gflop_of_graph
from reverie.evaluation.speed.gemm import gemm_gflops
from reverie.evaluation.speed.machine import machine, peak_rss_mb

WARM_UP = 20
_HELD = 6


def bench(
    bundles: Sequence[str | Path],
    frames: int = 300,
    threads: int | None = None,
    json_path: str | Path | None = None,
    seed: int = 0,
    baseline: bool = False,
) -> dict[str, Any]:
    """Time bundles, print a table and return the report, which is also written to `json_path` if given.

    bundles: names or folders; of none, all that ship. A bundle of several games is timed in its first, because all of
    them take the same arithmetic. threads: by default as many as play uses. baseline: time a plain pixel diffusion
    too, at the largest resolution among the bundles; it needs torch.
    Raises ValueError with one sentence for a person's mistake.
    """
    from reverie.evaluation.subjects.bundle_subject import folders, variants

    if frames < 1:
        raise ValueError(f"A benchmark needs at least one frame, not {frames}.")
    if threads is not None and threads < 1:
        raise ValueError(f"A benchmark needs at least one thread, not {threads}.")
    if json_path is not None and not Path(json_path).resolve().parent.is_dir():
        raise ValueError(f"There is no folder {Path(json_path).parent} to write {Path(json_path).name} into.")
    chosen = [(folder, read_manifest(folder)[0]) for folder in folders(bundles)]
    threads = threads or default_threads()
    peak = gemm_gflops(threads)
    report: dict[str, Any] = {"machine": machine(), "gemm_gflops": round(peak, 1), "frames": frames, "seed": seed}
    rows: list[dict[str, Any]] = []
    jobs: list[tuple[str, tuple[object, ...]]] = [
        ("bench", (folder.resolve(), mode, decoder, frames, threads, seed, backend))
        for folder, manifest in chosen
        for mode, decoder in variants(manifest)
        for backend in backends_here(manifest)
    ]
    if baseline:
        largest = max((manifest for _, manifest in chosen), key=lambda manifest: manifest.resolution)
        few = max(1, frames // 30)  # a frame of it takes as long as thirty of a dream
        jobs.append(("pixel_diffusion", (largest.resolution, len(largest.actions), few, threads, seed)))
    for module, words in jobs:
        row = _in_fresh_process(module, words, threads)
        on_gpu = row["backend"].endswith("-cuda")  # whose peak is not the one that was measured
        row["roofline_share"] = None if on_gpu else row["gflop_per_frame"] * row["fps"] / peak
        gflop = row.pop("gflop_dynamics")
        row["dynamics_roofline_share"] = None if on_gpu else gflop / (row["stages_ms"]["dynamics"] / 1e3) / peak
        if note := row.pop("note", ""):
            print(note, file=sys.stderr)
        rows.append(row)
        name = " ".join(row[key] for key in ("bundle", "mode", "decoder", "backend"))
        print(f"{name}: {row['fps']:.1f} FPS, p95 {row['frame_ms']['p95']:.1f} ms", file=sys.stderr, flush=True)
    keys = dict.fromkeys(key for row in rows for key in row)
    report["rows"] = [{key: row.get(key) for key in keys} for row in rows]  # all rows have the keys of all families
    if json_path is not None:
        write_json(Path(json_path), report)
    table = speed_table(report)
    print(f"{table.markdown()}\n\n{table.note}")
    return report


def backends_here(manifest: Manifest) -> list[str]:
    """Backends that a bundle is timed with: ONNX Runtime on the processor, and on a GPU all that can use it."""
    found = ["onnx"]
    if shutil.which("nvidia-smi") is None:
        return found
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        found.append("onnx-cuda")
    if manifest.networks is not None and find_spec("torch") is not None:
        found.append("torch-cuda")
    return found


def _in_fresh_process(module: str, words: tuple[object, ...], threads: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", f"reverie.evaluation.speed.{module}", *map(str, words)],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["there was no message"])[-1]
        raise ValueError(f"The benchmark of {' '.join(map(str, words[:3]))} failed: {last}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def bench_row(
    path: Path, mode: str, decoder: str, frames: int, threads: int, seed: int, backend: str
) -> dict[str, Any]:
    """One row, without the shares of the roofline. Runs in this process, whose peak of memory is reported."""
    from reverie.engine.bundle import Bundle
    from reverie.engine.dream import Dream

    bundle = Bundle.load(path, backend, threads)
    chosen = {key: value for key, value in (("mode", mode), ("decoder", decoder)) if value}
    dream = Dream(bundle, seed=seed, **chosen)
    dream.reset(seed)
    infos = families.family(bundle.manifest.family).SETTINGS
    counts = {name: dream.settings.get(name) for name, info in infos.items() if info.matters(dream.settings)}
    drawn_in = (count for name, count in counts.items() if "decoder" in infos[name].when)
    rng = np.random.default_rng(seed)
    actions = np.repeat(rng.integers(0, len(dream.actions), (WARM_UP + frames) // _HELD + 1), _HELD).tolist()
    for action in actions[:WARM_UP]:
        dream.step(action)
    times = np.zeros(frames)
    stages: dict[str, float] = {}
    runs = dict(bundle.dynamics.runs)
    began = time.perf_counter()
    for index, action in enumerate(actions[WARM_UP : WARM_UP + frames]):
        start = time.perf_counter()
        dream.step(action)
        times[index] = time.perf_counter() - start
        for stage, milliseconds in dream.timings.items():
            stages[stage] = stages.get(stage, 0.0) + milliseconds
    wall = time.perf_counter() - began
    runs_per_frame = {name: (count - runs.get(name, 0)) / frames for name, count in bundle.dynamics.runs.items()}
    peak_mb = peak_rss_mb()  # before the arithmetic is counted, which takes memory too
    manifest, family = bundle.manifest, family_of(bundle.manifest.family)
    gflop = {name: gflop_of_graph(path / manifest.graphs[name].file) for name, runs in runs_per_frame.items() if runs}
    return {
        "bundle": manifest.name,
        "mode": mode,
        "decoder": decoder,
        "steps": counts.get("steps"),
        "decoder_steps": next(drawn_in, None),
        "backend": bundle.backend,
        "note": bundle.runtime.note,
        "threads": threads,
        "parameters": manifest.parameters,
        "resolution": manifest.resolution,
        "fps": frames / wall,
        "frame_ms": {
            "p50": float(np.percentile(times, 50) * 1e3),
            "p95": float(np.percentile(times, 95) * 1e3),
            "max": float(times.max() * 1e3),
        },
        "stages_ms": {stage: total / frames for stage, total in stages.items()},
        "gflop_dynamics": gflop.get(family.trunk, 0.0),
        "gflop_per_frame": sum(runs_per_frame[graph] * gflop[graph] for graph in gflop),
        "peak_rss_mb": peak_mb,
    } | family.bench_facts(manifest, mode, runs_per_frame)


if __name__ == "__main__":
    bundle_path, mode_name, decoder_name, *numbers, backend_name = sys.argv[1:]
    frame_count, thread_count, seed_value = map(int, numbers)
    row_of_it = bench_row(
        Path(bundle_path), mode_name, decoder_name, frame_count, thread_count, seed_value, backend_name
    )
    print(json.dumps(row_of_it))

"""An agent that was trained in a dream becomes part of its bundle."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from reverie.engine.agent import GRAPH
from reverie.engine.bundle import Bundle, check_files, read_manifest
from reverie.engine.manifest import OBSERVED, AgentSpec
from reverie.export.bundle_writer import building, hashed
from reverie.export.graph import Graph
from reverie.export.onnx_export import export_program, to_onnx
from reverie.export.parity import check_parity


def export_agent(bundle: Path, out: Path, game: str, q_network: nn.Module, repeat: int) -> None:
    """Write a copy of a bundle in which this agent plays the game. out: its folder, which may be that of the bundle.

    q_network: observations (B, 6, 32, 32) uint8 to the value of each action (B, A) float32. repeat: frames that a
    chosen action is repeated for. Raises BundleError, ExportError or ValueError, with nothing written.
    """
    manifest, _ = read_manifest(bundle)
    check_files(bundle, manifest)
    spec = AgentSpec(f"agent-{manifest.game_number(game)}.onnx", repeat)
    graph = Graph(q_network, ("observations",), ("values",))
    model = to_onnx(graph, export_program(graph, _observations("", 2, torch.Generator())))
    with building(out) as folder:
        for name in manifest.files:
            shutil.copyfile(bundle / name, folder / name)
        (folder / spec.file).write_bytes(model.SerializeToString())
        hashed(folder, replace(manifest, agents=manifest.agents | {game: spec}))
        check_parity({GRAPH: graph}, Bundle.load(folder).agents[game].runtime, _observations)


def _observations(_: str, batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    return (torch.randint(0, 256, (batch, 6, OBSERVED, OBSERVED), generator=generator, dtype=torch.uint8),)

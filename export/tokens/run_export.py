"""Turns a trained run of the token family into a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from torch import nn

from reverie.engine.bundle import Bundle
from reverie.engine.manifest import FORMAT, KnownFrame, Manifest, Network, Networks
from reverie.engine.tokens.model import as_json, representation, settings, state
from reverie.engine.tokens.torch_model import history, token_model
from reverie.engine.verify import verify
from reverie.export.bundle_writer import building, seal
from reverie.export.errors import ExportError
from reverie.export.expert_weights import pick_bytes
from reverie.export.onnx_export import export_program, to_onnx
from reverie.export.parity import check_parity
from reverie.export.preview import preview_bundle
from reverie.export.quantize import (
    count_parameters,
    quantize_int8,
    round_to_bytes,
    store_bytes,
    store_small,
)
from reverie.export.record import common_fields, known_actions
from reverie.export.shared_weights import SharedWeights
from reverie.export.starts import write_starts
from reverie.export.tokens.graphs import Sizes, inputs_of, split
from reverie.export.tokens.networks import Run, read_run, round_run
from reverie.export.tokens.shown_codes import with_shown_codes
from reverie.export.weights import WEIGHTS, save_weights
from reverie.models.layers import ExpertLinear
from reverie.models.registry import describe_network
from reverie.models.tokens.world_model import TemporalVisualWorldModel


def export_run(run_dir: Path, out: Path, precision: str, called: str, log: Callable[[str], None]) -> Path:
    """See `reverie.export.run_export.export_run`. In int8 the trunk computes in bytes."""
    trained = read_run(run_dir)
    run = with_shown_codes(trained)
    if (count := run.dynamics.config.vocabulary) < trained.dynamics.config.vocabulary:
        log(f"codes: {count} of {trained.dynamics.config.vocabulary} are ever shown, and no others are kept")
    sizes = sizes_of(run)
    parameters = count_parameters(*run.networks.values())
    if precision != "fp32":
        round_run(run)
    if precision == "int8":
        round_to_bytes(run.dynamics)
        if run.decoder is not None:
            round_to_bytes(run.decoder)
    graphs = split(run.tokenizer, run.dynamics, sizes, run.decoder)
    inputs = inputs_of(sizes)
    with building(out) as folder:
        models = {}
        for name, graph in graphs.items():
            log(f"{name}: torch.export, ONNX, {precision}")
            example = inputs(name, 2, torch.Generator().manual_seed(1))
            models[name] = _store(to_onnx(graph, export_program(graph, example)), name, precision)
        weights = SharedWeights(save_weights(run.networks, folder, precision))
        for name, model in models.items():
            weights.save(model, folder / f"{name}.onnx")
        write_starts(run.starts, sizes.history, folder / "starts.npz")
        seal(folder, _manifest(run, sizes, called, precision, parameters, tuple(graphs)))
        for backend in ("onnx", "torch"):
            bundle = Bundle.load(folder, backend, threads=1)
            in_bytes = ("dynamics",) if (backend, precision) == ("onnx", "int8") else ()
            worst = check_parity(graphs, bundle.runtime, inputs, in_bytes)
            log(f"{backend} against the network: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
        if findings := verify(folder):
            raise ExportError(findings[0])
    log(f"wrote {out}: {parameters:,} parameters, {sum(f.stat().st_size for f in out.iterdir()) / 1e6:.1f} MB")
    return out


def preview_run(run_dir: Path, folder: Path) -> Bundle:
    """See `reverie.export.preview.preview_run`."""
    run = with_shown_codes(read_run(run_dir, unfinished=True))
    sizes = sizes_of(run)
    graphs = split(run.tokenizer, run.dynamics, sizes, run.decoder)
    manifest = _manifest(run, sizes, run_dir.name, "fp32", count_parameters(*run.networks.values()), tuple(graphs))
    return preview_bundle(folder, manifest, run.networks, run.starts)


def sizes_of(run: Run) -> Sizes:
    """The sizes that the bundle's graphs agree on."""
    games = run.dynamics.config.games if isinstance(run.dynamics, TemporalVisualWorldModel) else 1
    actions, frames = run.dynamics.config.actions, history(run.dynamics)
    return Sizes(int(run.record["size"]), actions, frames, token_model(run.dynamics), games)


def idle_parameters(dynamics: nn.Module) -> int:
    """How many parameters are not at work in a frame: those of the experts of all games but one."""
    stacks = [module for module in dynamics.modules() if isinstance(module, ExpertLinear)]
    return sum(p.numel() - p[0].numel() for stack in stacks for p in stack.parameters())


def _store(model: onnx.ModelProto, name: str, precision: str) -> onnx.ModelProto:
    if precision == "fp32":
        return model
    if precision == "int8" and name not in ("encoder", "decoder"):
        if name == "dynamics":
            return store_bytes(pick_bytes(quantize_int8(model), multiply=True))
        return store_bytes(pick_bytes(model, multiply=False))
    return store_small(model)


def _manifest(run: Run, sizes: Sizes, name: str, precision: str, parameters: int, graphs: tuple[str, ...]) -> Manifest:
    record = run.record
    defaults = dict(run.sampling) | ({"steps": int(record["decoder_steps"])} if "diffusion" in graphs else {})
    return Manifest(
        format=FORMAT,
        family="tokens",
        name=name,
        version=str(record["kind"]).removeprefix("v"),
        history=sizes.history,
        representation=representation(sizes.model),
        graphs={graph: sizes.graph(graph, f"{graph}.onnx") for graph in graphs},
        state=state(sizes.model, sizes.history),
        settings=settings(sizes.model, graphs, defaults),
        model=as_json(sizes.model),
        networks=Networks(
            WEIGHTS, {name: Network(**describe_network(network)) for name, network in run.networks.items()}
        ),
        parameters=parameters,
        active_parameters=parameters - idle_parameters(run.dynamics),
        precision=precision,
        starts="starts.npz",
        files={},
        known_frame=KnownFrame(0, known_actions(record), None, "known.png"),
        **common_fields(record),
    )

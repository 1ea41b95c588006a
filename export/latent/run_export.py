"""Turns a trained run of the latent family into a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from reverie.engine.bundle import Bundle
from reverie.engine.errors import BundleError
from reverie.engine.latent.model import as_json, graph, representation, settings, state
from reverie.engine.latent.schedule import FINEST
from reverie.engine.latent.settings import HIGHEST_TEMPERATURE, MOST_DECODER_STEPS
from reverie.engine.latent.torch_model import latent_model
from reverie.engine.manifest import FORMAT, KnownFrame, Manifest, Network, Networks
from reverie.engine.verify import verify
from reverie.export.bundle_writer import building, seal
from reverie.export.errors import ExportError
from reverie.export.latent.graphs import random_inputs, split
from reverie.export.onnx_export import export_program, to_onnx
from reverie.export.parity import check_parity
from reverie.export.preview import preview_bundle
from reverie.export.quantize import (
    count_parameters,
    quantize_int8,
    round_to_bytes,
    round_to_half,
    store_bytes,
    store_small,
)
from reverie.export.record import common_fields, known_actions
from reverie.export.shared_weights import SharedWeights
from reverie.export.starts import write_starts
from reverie.export.weights import WEIGHTS, save_weights
from reverie.models.latent.autoencoder import Autoencoder
from reverie.models.latent.dynamics import LatentDynamics
from reverie.models.registry import describe_network
from reverie.training import runs
from reverie.training.errors import RunError
from reverie.training.runs import TrainedRun

IN_BYTES = ("dynamics", "denoiser")
"""Graphs whose matrix products are computed in bytes in int8."""
EXACT = ("analysis", "synthesis")
"""Parts of the autoencoder that stay in halves in int8: they carry most of the picture and weigh little."""


def export_run(run_dir: Path, out: Path, precision: str, called: str, log: Callable[[str], None]) -> Path:
    """See `reverie.export.run_export.export_run`. In int8 the trunk and the denoiser compute in bytes.

    The autoencoder is then stored in bytes, and computes as in fp32.
    """
    try:
        run, starts = runs.read_run(run_dir), runs.read_starts(run_dir)
    except RunError as error:
        raise ExportError(str(error).rstrip(".")) from error
    autoencoder, dynamics = _networks(run)
    for name, network in run.networks.items():
        if not all(torch.isfinite(weight).all() for weight in network.state_dict().values()):
            raise ExportError(f"{run_dir / name}.safetensors holds NaN or infinity: train the run again")
    parameters = count_parameters(*run.networks.values())
    if precision != "fp32":
        round_to_half(*run.networks.values())
    if precision == "int8":
        round_to_bytes(dynamics)
        round_to_bytes(autoencoder, exact=EXACT)
    try:
        graphs = split(run.networks)
    except BundleError as error:
        raise ExportError(f"{run_dir / 'run.json'} does not describe one dream: {error}") from error

    def inputs(name: str, batch: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        return random_inputs(name, autoencoder, dynamics, batch, generator)

    with building(out) as folder:
        models = {}
        for name, one in graphs.items():
            log(f"{name}: torch.export, ONNX, {precision}")
            model = to_onnx(one, export_program(one, inputs(name, 2, torch.Generator().manual_seed(1))))
            if precision == "int8":
                model = store_bytes(quantize_int8(model) if name in IN_BYTES else model)
            elif precision == "fp16":
                model = store_small(model)
            models[name] = model
        weights = SharedWeights(save_weights(run.networks, folder, precision))
        for name, model in models.items():
            weights.save(model, folder / f"{name}.onnx")
        write_starts(starts, dynamics.config.history, folder / "starts.npz")
        seal(folder, _manifest(run, autoencoder, dynamics, called, precision, parameters, tuple(graphs)))
        for backend in ("onnx", "torch"):
            bundle = Bundle.load(folder, backend, threads=1)
            in_bytes = IN_BYTES if (backend, precision) == ("onnx", "int8") else ()
            worst = check_parity(graphs, bundle.runtime, inputs, in_bytes)
            log(f"{backend} against the network: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
        if findings := verify(folder):
            raise ExportError(findings[0])
    log(f"wrote {out}: {parameters:,} parameters, {sum(f.stat().st_size for f in out.iterdir()) / 1e6:.1f} MB")
    return out


def preview_run(run_dir: Path, folder: Path) -> Bundle:
    """See `reverie.export.preview.preview_run`."""
    run, starts = runs.read_run(run_dir, whole=False), runs.read_starts(run_dir)
    autoencoder, dynamics = _networks(run)
    parameters, graphs = count_parameters(*run.networks.values()), tuple(split(run.networks))
    manifest = _manifest(run, autoencoder, dynamics, run_dir.name, "fp32", parameters, graphs)
    return preview_bundle(folder, manifest, run.networks, starts)


def _networks(run: TrainedRun) -> tuple[Autoencoder, LatentDynamics]:
    autoencoder, dynamics = run.networks.get("autoencoder"), run.networks.get("dynamics")
    if not isinstance(autoencoder, Autoencoder) or not isinstance(dynamics, LatentDynamics):
        raise ExportError(f"{run.folder / 'run.json'} does not describe an autoencoder and dynamics")
    return autoencoder, dynamics


def _manifest(
    run: TrainedRun,
    autoencoder: Autoencoder,
    dynamics: LatentDynamics,
    name: str,
    precision: str,
    parameters: int,
    graphs: tuple[str, ...],
) -> Manifest:
    model, c, record = latent_model(dynamics), dynamics.config, run.record
    steps = record.get("steps")
    if not isinstance(steps, int) or not 1 <= steps <= FINEST:
        raise ExportError(f"{run.folder / 'run.json'}: steps must be 1 to {FINEST}, not {steps}")
    temperature, most = record.get("temperature", 1.0), MOST_DECODER_STEPS
    if not isinstance(temperature, int | float) or not 0 <= temperature <= HIGHEST_TEMPERATURE:
        raise ExportError(
            f"{run.folder / 'run.json'}: temperature must be 0 to {HIGHEST_TEMPERATURE}, not {temperature}"
        )
    defaults: dict[str, float] = {"steps": steps, "temperature": float(temperature)}
    if "diffusion" in graphs:
        decoder_steps = record.get("decoder_steps")
        if not isinstance(decoder_steps, int) or not 1 <= decoder_steps <= most:
            raise ExportError(f"{run.folder / 'run.json'}: decoder_steps must be 1 to {most}, not {decoder_steps}")
        defaults["decoder_steps"] = decoder_steps
    return Manifest(
        format=FORMAT,
        family="latent",
        name=name,
        version="1",
        history=c.history,
        representation=representation(model),
        graphs={
            part: graph(part, model, autoencoder.config.size, c.history, c.games, f"{part}.onnx") for part in graphs
        },
        state=state(model, c.history),
        settings=settings(graphs, defaults),
        model=as_json(model),
        networks=Networks(
            WEIGHTS, {part: Network(**describe_network(network)) for part, network in run.networks.items()}
        ),
        parameters=parameters,
        active_parameters=parameters,
        precision=precision,
        starts="starts.npz",
        files={},
        known_frame=KnownFrame(0, known_actions(record), None, "known.png"),
        **common_fields(record),
    )

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tiny import tiny_run

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.export.run_export import export_run
from reverie.export.tokens.graphs import random_inputs, split
from reverie.export.tokens.networks import Run, read_run
from reverie.export.tokens.run_export import sizes_of
from reverie.export.tokens.shown_codes import with_shown_codes
from reverie.models.tokens.patch_vq import PatchVQ
from reverie.models.tokens.world_model import TemporalVisualWorldModel

SHOWN = torch.arange(64) % 3 == 1


def a_run_that_shows_some(folder: Path) -> Run:
    run = read_run(tiny_run(folder, decoder=True, rewards=(0.0, 1.0)))
    assert isinstance(run.dynamics, TemporalVisualWorldModel)
    run.dynamics.mask_codes(SHOWN[None])
    return run


def test_the_codes_that_stay_have_the_same_logits_and_pictures(tmp_path: Path) -> None:
    run = a_run_that_shows_some(tmp_path / "run")
    fewer, number = with_shown_codes(run), SHOWN.nonzero()[:, 0]
    before, after = (split(r.tokenizer, r.dynamics, sizes_of(r), r.decoder) for r in (run, fewer))
    for name in ("dynamics", "causal_head", "outcome", "decoder", "diffusion"):
        example = random_inputs(name, sizes_of(fewer), 2, torch.Generator().manual_seed(1))
        tokens = list(after[name].inputs).index("tokens")
        told = [number[x] if place == tokens else x for place, x in enumerate(example)]
        wanted, got = before[name].module(*told), after[name].module(*example)
        wanted, got = ([x] if isinstance(x, torch.Tensor) else list(x) for x in (wanted, got))
        if name in ("dynamics", "causal_head"):
            assert wanted[0].argmax(-1).eq(number[got[0].argmax(-1)]).all()
            wanted[0] = wanted[0][..., number]
        for a, b in zip(wanted, got, strict=True):
            torch.testing.assert_close(a, b)


def test_pictures_of_these_codes_are_encoded_as_before(tmp_path: Path) -> None:
    run = a_run_that_shows_some(tmp_path / "run")
    fewer = with_shown_codes(run)
    assert isinstance(run.tokenizer, PatchVQ)
    assert isinstance(fewer.tokenizer, PatchVQ)
    tokens = torch.randint(int(SHOWN.sum()), (3, 64), generator=torch.Generator().manual_seed(0))
    frames = fewer.tokenizer.decode(tokens)
    assert torch.equal(fewer.tokenizer.encode(frames), tokens)
    assert torch.equal(run.tokenizer.encode(frames), SHOWN.nonzero()[:, 0][tokens])


def test_a_bundle_holds_no_code_that_is_never_shown(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    run = a_run_that_shows_some(tmp_path / "run")
    save_file(run.dynamics.state_dict(), tmp_path / "run" / "dynamics.safetensors")
    said: list[str] = []
    bundle = Bundle.load(export_run(tmp_path / "run", tmp_path / "tiny", log=said.append), threads=1)
    assert bundle.manifest.model["vocabulary"] == int(SHOWN.sum()) == 21
    assert said[0].startswith("codes: 21 of 64")
    dream = Dream(bundle, mode="ar", decoder="vq")
    assert np.isin([dream.step(1).frame.shape for _ in range(3)], (64, 3)).all()


def test_where_every_code_is_shown_nothing_changes(run_v11: Path) -> None:
    run = read_run(run_v11)
    assert with_shown_codes(run) is run

"""The autoencoder of the latent family."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from reverie.models.latent.autoencoder import LIMIT, Autoencoder, AutoencoderConfig, limited, to_frames, to_pixels
from reverie.models.registry import build_network, describe_network
from reverie.schema import SchemaError, read_object

TINY = AutoencoderConfig(size=32, patch=4, channels=8, width=16, encoder_blocks=1, decoder_blocks=1)


def test_a_picture_becomes_a_grid_of_latents_and_a_picture_again() -> None:
    network = Autoencoder(TINY)
    frames = torch.randint(256, (3, 32, 32, 3), dtype=torch.uint8)
    latents = network.encode(frames)
    assert latents.shape == (3, 64, 8)
    decoded = network.decode(latents)
    assert decoded.shape == frames.shape
    assert decoded.dtype == torch.uint8


def test_it_begins_with_the_principal_components_of_the_squares() -> None:
    """Pictures of 8 kinds of squares lose nothing in 8 numbers; in 4 they do."""
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randint(256, (8, 4, 4, 3), generator=generator).to(torch.uint8)
    tiles = kinds[torch.randint(8, (16, 8, 8), generator=generator)]  # (16, 8, 8, 4, 4, 3)
    frames = tiles.transpose(2, 3).reshape(16, 32, 32, 3)
    squares = F.pixel_unshuffle(to_pixels(frames), 4).permute(0, 2, 3, 1).flatten(0, 2)
    errors = []
    for channels in (8, 4):
        network = Autoencoder(AutoencoderConfig(size=32, patch=4, channels=channels, width=16))
        network.init_from_squares(squares)
        latents = network.encode(frames)
        assert 0.1 < float(latents.square().mean()) < 4
        errors.append(float((network.decode(latents).float() - frames.float()).abs().max()))
    assert errors[0] <= 1 < errors[1]


def test_every_pixel_value_survives_the_way_to_numbers_and_back() -> None:
    frames = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(1, 16, 16, 3)
    assert torch.equal(to_frames(to_pixels(frames)), frames)


def test_latents_stay_within_what_the_dynamics_know() -> None:
    assert limited(torch.tensor([-100.0, 0.5, 100.0])).tolist() == [-LIMIT, 0.5, LIMIT]


def test_it_is_built_from_its_description() -> None:
    network = Autoencoder(TINY)
    again = build_network(describe_network(network), "run.json")
    again.load_state_dict(network.state_dict())
    assert isinstance(again, Autoencoder)
    assert again.config == TINY


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"size": 60}, "cannot be divided"),
        ({"blocks": 3}, "unknown key"),
        ({"patch": 2, "channels": 13}, "is larger than"),
        ({"channels": 0}, "channels must be 1 to 1,024"),
    ],
)
def test_sizes_that_do_not_fit_are_one_sentence(content: dict[str, object], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        read_object(AutoencoderConfig, content, "recipe: autoencoder")

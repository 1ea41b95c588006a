"""The autoencoder of the latent family."""

from __future__ import annotations

import pytest
import torch

from reverie.models.config import ConfigError, read_config
from reverie.models.latent.autoencoder import Autoencoder, AutoencoderConfig, on_sphere, to_frames, to_pixels
from reverie.models.registry import build_network, describe_network

TINY = AutoencoderConfig(size=32, widths=(8, 16), encoder_blocks=(0, 1), decoder_blocks=(1, 1), channels=4)


def test_a_picture_becomes_latents_of_one_length_and_a_picture_again() -> None:
    network = Autoencoder(TINY)
    frames = torch.randint(256, (3, 32, 32, 3), dtype=torch.uint8)
    latents = network.encode(frames)
    assert latents.shape == (3, 16, 4)
    assert torch.allclose(latents.square().mean(-1), torch.ones(3, 16), atol=1e-3)
    decoded = network.decode(latents)
    assert decoded.shape == frames.shape and decoded.dtype == torch.uint8


def test_every_pixel_value_survives_the_way_to_numbers_and_back() -> None:
    frames = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(1, 16, 16, 3)
    assert torch.equal(to_frames(to_pixels(frames)), frames)


def test_what_lies_off_the_sphere_is_brought_back() -> None:
    latents = on_sphere(torch.randn(5, 8))
    assert torch.allclose(on_sphere(3 * latents), latents, atol=1e-4)


def test_it_is_built_from_its_description() -> None:
    network = Autoencoder(TINY)
    again = build_network(describe_network(network), "run.json")
    again.load_state_dict(network.state_dict())
    assert isinstance(again, Autoencoder) and again.config == TINY


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"size": 60}, "cannot be halved"),
        ({"blocks": 3}, "unknown key"),
        ({"widths": [8], "encoder_blocks": [1, 1]}, "one number for each level"),
        ({"channels": 0}, "from 1 to"),
    ],
)
def test_sizes_that_do_not_fit_are_one_sentence(content: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_config(AutoencoderConfig, content, "recipe: autoencoder")

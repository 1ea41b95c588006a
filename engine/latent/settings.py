"""The settings of the family. A bundle has those that its graphs can do, with ranges inside these."""

from __future__ import annotations

from reverie.engine.latent.schedule import FINEST
from reverie.engine.settings import SettingInfo, SettingKey

HIGHEST_TEMPERATURE = 2
"""Size of the noise that a frame begins with, at most; 1 is as in training."""
MOST_DECODER_STEPS = 4
"""Steps of the diffusion decoder, at most."""

SETTINGS: dict[str, SettingInfo] = {
    "steps": SettingInfo(
        "steps",
        "Steps of diffusion, 1 to 8: 1 is the fastest, more are cleaner.",
        4,
        lowest=1,
        highest=FINEST,
        keys=(
            SettingKey("fewer steps", "z", "fewer steps of diffusion"),
            SettingKey("more steps", "x", "more steps of diffusion"),
        ),
        show="{} steps",
        message="{} steps",
        one="1 step",
    ),
    "decoder": SettingInfo(
        "decoder",
        "How a frame is drawn: by the plain decoder (vq or autoencoder) or by diffusion.",
        "autoencoder",
        choices=("autoencoder", "diffusion"),
        keys=(SettingKey("decoder", "v", "decoder: plain / diffusion"),),
    ),
    "decoder_steps": SettingInfo(
        "decoder steps",
        "Steps of the diffusion decoder, 1 to 4: 1 is the fastest, more are sharper.",
        2,
        lowest=1,
        highest=MOST_DECODER_STEPS,
        keys=(
            SettingKey("fewer decoder steps", "c", "fewer steps of the decoder"),
            SettingKey("more decoder steps", "f", "more steps of the decoder"),
        ),
        show="×{}",
        message="{} decoder steps",
        one="1 decoder step",
        when={"decoder": ("diffusion",)},
    ),
    "temperature": SettingInfo(
        "temperature",
        "How wild the dream is: 0 takes the most likely, 1 is as learnt.",
        1.0,
        highest=HIGHEST_TEMPERATURE,
        keys=(SettingKey("cooler", "[", "cooler dream"), SettingKey("warmer", "]", "warmer dream")),
        step=0.1,
        show="T {:.2f}",
        message="temperature {:.2f}",
    ),
}
"""In the order in which they are shown."""

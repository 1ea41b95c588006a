"""The settings of the family. A bundle has those that its graphs can do, with ranges inside these."""

from __future__ import annotations

from reverie.engine.settings import SettingInfo, SettingKey

MOST_STEPS = 8
"""Steps of the diffusion decoder, at most."""
MOST_PASSES = 65536
"""Passes of the parallel mode, at most; a bundle's own limit is its number of tokens and one."""

SETTINGS: dict[str, SettingInfo] = {
    "mode": SettingInfo(
        "mode",
        "How a frame is sampled: parallel or ar.",
        "parallel",
        choices=("parallel", "ar"),
        keys=(SettingKey("mode", "m", "parallel: faster / ar: truer"),),
        absent="all of a frame is sampled together",
        names={"ar": "autoregressive"},
    ),
    "passes": SettingInfo(
        "passes",
        "Passes a frame of the parallel mode: 1 is the fastest, more are truer.",
        1,
        lowest=1,
        highest=MOST_PASSES,
        keys=(
            SettingKey("fewer passes", "-", "fewer passes: faster"),
            SettingKey("more passes", "=", "more passes: truer"),
        ),
        show="×{}",
        message="{} passes",
        one="1 pass",
        when={"mode": ("parallel",)},
    ),
    "decoder": SettingInfo(
        "decoder",
        "How a frame is drawn: by the plain decoder (vq or autoencoder) or by diffusion.",
        "vq",
        choices=("vq", "diffusion"),
        keys=(SettingKey("decoder", "v", "decoder: plain / diffusion"),),
    ),
    "steps": SettingInfo(
        "steps",
        "Steps of diffusion, 1 to 8: 1 is the fastest, more are cleaner.",
        4,
        lowest=1,
        highest=MOST_STEPS,
        keys=(
            SettingKey("fewer steps", "z", "fewer steps of diffusion"),
            SettingKey("more steps", "x", "more steps of diffusion"),
        ),
        show="×{}",
        message="{} steps",
        one="1 step",
        when={"decoder": ("diffusion",)},
    ),
    "temperature": SettingInfo(
        "temperature",
        "How wild the dream is: 0 takes the most likely, 1 is as learnt.",
        1.0,
        highest=2,
        keys=(SettingKey("cooler", "[", "cooler dream"), SettingKey("warmer", "]", "warmer dream")),
        step=0.1,
        show="T {:.2f}",
        message="temperature {:.2f}",
    ),
    "min_p": SettingInfo(
        "min-p",
        "Leave out codes less likely than this share of the most likely one; 0 keeps all.",
        0.02,
        highest=0.99,
        step=0.01,
        show="",
    ),
    "top_p": SettingInfo(
        "top-p",
        "Keep only the likeliest codes that have this probability together; 1 keeps all.",
        1.0,
        lowest=0.01,
        step=0.05,
        show="",
    ),
}
"""In the order in which they are shown."""

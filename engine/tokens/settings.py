"""How the settings of the family are called, explained, shown and changed. What may be chosen stands in a manifest."""

from __future__ import annotations

from reverie.engine.settings import SettingInfo

SETTINGS: dict[str, SettingInfo] = {
    "mode": SettingInfo(
        "mode",
        "How a frame is sampled: parallel samples all tokens at once, ar one after the other.",
        keys={"mode": "m"},
        names={"ar": "autoregressive"},
    ),
    "passes": SettingInfo(
        "passes",
        "Passes a frame of the parallel mode: 1 is the fastest, more are truer.",
        keys={"fewer passes": "-", "more passes": "="},
        show="×{}",
        message="{} passes",
        one="1 pass",
        when={"mode": ("parallel",)},
    ),
    "decoder": SettingInfo(
        "decoder",
        "How a frame is drawn: vq, or diffusion, which is sharper and slower.",
        keys={"decoder": "v"},
    ),
    "steps": SettingInfo(
        "steps",
        "Steps of the diffusion decoder: 1 is the fastest, more are cleaner.",
        keys={"fewer steps": "z", "more steps": "x"},
        show="×{}",
        message="{} steps",
        one="1 step",
        when={"decoder": ("diffusion",)},
    ),
    "temperature": SettingInfo(
        "temperature",
        "How wild the dream is: 0 takes the most likely token, 1 samples as learnt.",
        keys={"cooler": "[", "warmer": "]"},
        step=0.1,
        show="T {:.2f}",
        message="temperature {:.2f}",
    ),
    "min_p": SettingInfo(
        "min_p",
        "Tokens less likely than this share of the most likely one are never drawn; 0 keeps them all.",
        step=0.01,
        show="min-p {:.2f}",
        message="min-p {:.2f}",
    ),
    "top_p": SettingInfo(
        "top_p",
        "Only the likeliest tokens are drawn that have this probability together; 1 keeps them all.",
        step=0.05,
        show="top-p {:.2f}",
        message="top-p {:.2f}",
    ),
}
"""In the order in which they are shown."""

"""Figures of a training, for its log."""

from __future__ import annotations


def figures_line(figures: dict[str, float]) -> str:
    """Figures on one line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())

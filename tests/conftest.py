"""Options of the whole test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many hostile inputs each kind of file is tried with, from which seed on, and how long the page is played."""
    parser.addoption("--fuzz", type=int, default=200, help="hostile inputs of each kind of file (default: 200)")
    parser.addoption("--fuzz-seed", type=int, default=0, help="seed of the hostile inputs (default: 0)")
    parser.addoption("--web-minutes", type=float, default=0.5, help="of play for the page's memory (default: 0.5)")

"""Writes the figures of `reverie.agents.compare` into a page, between its marks.

python -m reverie.agents.page AGENTS.json -o docs/agents.md
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from reverie.engine.files import write_whole
from reverie.evaluation.pages.marks import filled
from reverie.evaluation.pages.table import Table


def table(report: dict[str, Any]) -> Table:
    """The table of the page."""
    plan, rows = report["plan"], []
    for name, row in report["rows"].items():
        if each := row.get("learners"):
            rewards = ", ".join(f"{one['reward']:.1f}" for one in each)
            learning, minutes = mean(one["curve"][-1][1] for one in each), mean(one["minutes"] for one in each)
            rows.append([name, f"**{row['reward']:.1f}**", rewards, f"{learning:.1f}", f"{minutes:.0f}"])
        else:
            rows.append([name, f"**{row['reward']:.1f}** ± {row['error']:.1f}", "–", "–", "–"])
    seeds = ", ".join(str(plan["seed"] + number) for number in range(plan["learners"]))
    note = (
        f"{report['bundle']}, {report['game']}, {report['mode']}: all agents learnt from {plan['steps']:,} "
        f"steps, {plan['batch']} rounds at once, each action repeated for {plan['hold']} steps. "
        f"Scored in {plan['rounds']} held-out rooms, {plan['ticks']:,} steps each; "
        "± is the standard error over these. *Each agent*, by seed: "
        f"{seeds}; the reward is their mean. *While it learnt*: the reward of their last steps in the world that they "
        "learnt in, exploration included. It and *minutes* are means, on "
        f"{report['machine']['processor']} ({report['machine']['cores']} cores)."
    )
    head = ["who plays", "reward per 1,000 real steps", "each agent", "while it learnt", "minutes"]
    return Table("", head, rows, note)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Put the figures of a comparison into a page, between its marks.")
    parser.add_argument("report", type=Path, help="report of `python -m reverie.agents.compare --json`")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page, which must be there")
    options = parser.parse_args()
    try:
        figures = table(json.loads(options.report.read_text(encoding="utf-8")))
        write_whole(options.out, filled(options.out.read_text(encoding="utf-8"), figures).encode())
    except (ValueError, OSError) as error:
        print(f"reverie.agents.page: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()

"""Counts frames that the shared page dreams otherwise than the Python engine: `python -m tests.web.count [BUNDLE ...]`.

Each frame is dreamt from the history of the Python engine, so one that came out otherwise does not lead to the next.
Where graphs compute in bytes, a sum of floats in another order may round to another byte, and a token that was nearly
as likely may win. How often depends on the processor too. Latents are real numbers: for them the largest difference is
printed, and that of the colours. A bundle is a name or a folder.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Sequence

import numpy as np

from reverie.engine.bundle import Bundle, read_manifest
from reverie.engine.dream import Dream
from reverie.engine.library import resolve
from tests.web.chromium import Chromium
from tests.web.speed import FIRST_FRAME, shared

FRAMES_A_CALL = 50
OPENED = """(async () => {
  const { openBundle } = await import("/engine/bundle.js");
  const { Dream } = await import("/engine/dream.js");
  const { ARRAYS } = await import("/engine/ring.js");
  const site = await (await fetch("/site.json")).json();
  const dream = new Dream(await openBundle(site, "/", 1, () => {}));
  if (dream.settings.mode) dream.change({ mode: "parallel" });
  await dream.reset(3);
  globalThis.compare = async (played) => {
    const apart = [];
    for (const [action, z, picture] of played) {
      await dream.step(action);
      const colours = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
      const furthest = (all, others) => all.reduce((most, x, i) => Math.max(most, Math.abs(x - Number(others[i]))), 0);
      apart.push([furthest(z, dream.z), furthest(colours, dream.frame)]);
      const Kind = ARRAYS[dream.bundle.manifest.representation.type];
      dream.z = Kind.from(z, Kind === BigInt64Array ? BigInt : Number);
    }
    return apart;
  };
})()"""


def apart(name: str, frames: int) -> list[tuple[float, int]]:
    """The largest difference of each frame's numbers and of its colours; of codes any but 0 is another token."""
    dream = Dream(Bundle.load(resolve(name)), seed=3)
    if "mode" in dream.settings:
        dream.change(mode="parallel")
    found: list[tuple[float, int]] = []
    with shared(name) as address, Chromium() as page:
        page.open(f"{address}?seed=0")
        page.wait(FIRST_FRAME, 120)
        page.key("p", "KeyP")
        page.wait("!!document.querySelector('.pill.paused')")
        page.run(OPENED)
        while len(found) < frames:
            played = []
            for i in range(len(found), min(frames, len(found) + FRAMES_A_CALL)):
                action = (i // 7) % len(dream.actions)
                frame = dream.step(action).frame
                played.append((action, dream.z.ravel().tolist(), base64.b64encode(frame.tobytes()).decode()))
            found += [(numbers, colours) for numbers, colours in page.run(f"compare({json.dumps(played)})")]
    return found


def other_frames(name: str, frames: int) -> int:
    """How many of so many frames have another token."""
    return int(np.count_nonzero([numbers for numbers, _ in apart(name, frames)]))


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="*", default=["v1.1", "v2", "arcade"], help="(default: v1.1 v2 arcade)")
    parser.add_argument("--frames", type=int, default=1000, help="of each bundle (default: 1000)")
    options = parser.parse_args(arguments)
    for name in options.bundles:
        if read_manifest(resolve(name))[0].family == "latent":
            numbers, colours = np.array(apart(name, options.frames)).max(0)
            print(f"{name}: latents differ by {numbers:.2g} at most, colours by {colours:.0f} of 255", flush=True)
        else:
            print(f"{name}: {other_frames(name, options.frames)} of {options.frames} frames differ", flush=True)


if __name__ == "__main__":
    main()

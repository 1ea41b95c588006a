// The clock of the page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Loop } from "../../web/page/play/loop.js";

for (const paced of [true, false]) {
  test(`a dream slower than its clock hears keys, ${paced ? "paced" : "unpaced"}`, async () => {
    const played = [];
    const session = {
      dream: { faults: { count: 0, last: "" } },
      playOn() {},
      async step(action) {
        for (const until = performance.now() + 4; performance.now() < until; );
        played.push(action);
        if (played.length === 3) setTimeout(() => loop.press("KeyW", "up", 0));
        if (action === "up" || played.length === 200) throw new Error("enough");
        return false;
      },
    };
    const loop = new Loop(session, 1000, paced, () => {}, () => {});
    await assert.rejects(loop.run(), /enough/);
    assert.equal(played.at(-1), "up");
  });
}

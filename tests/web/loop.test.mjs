// The clock of the page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Loop } from "../../web/page/play/loop.js";

const PERIOD = 50;

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

/**
 * Play frames that take so many milliseconds each, on a clock that only they and the loop's waits move.
 * Returns when each began and the figures after each; `does` is called at each frame with its number.
 */
async function played(t, costs, does = () => {}) {
  let now = 0;
  const begun = [];
  const figures = [];
  t.mock.method(performance, "now", () => now);
  t.mock.method(globalThis, "setTimeout", (resolve, ms) => {
    now += ms;
    setImmediate(resolve);
  });
  const session = {
    dream: { faults: { count: 0, last: "" } },
    playOn() {},
    async step() {
      if (begun.length === costs.length) throw new Error("enough");
      does(begun.length, loop);
      begun.push(now);
      now += costs[begun.length - 1];
      return false;
    },
  };
  const show = (told, made) => made && figures.push(told);
  const loop = new Loop(session, 1000 / PERIOD, true, show, () => {});
  await assert.rejects(loop.run(), /enough/);
  return { begun, figures };
}

test("a frame begins at its slot", async (t) => {
  const { begun, figures } = await played(t, [35, 49, 1, 35]);
  assert.deepEqual(begun, [0, 50, 100, 150]);
  assert.equal(figures.at(-1).late, 0);
});

test("a late frame is made up for at once, and the slots keep their times", async (t) => {
  const { begun, figures } = await played(t, [35, 80, 35, 35, 35]);
  assert.deepEqual(begun, [0, 50, 130, 165, 200]);
  assert.deepEqual(figures.map(({ late }) => late), [0, 1, 1, 1, 1]);
});

test("a dream whose frames take less than a slot in the mean keeps the rate", async (t) => {
  const costs = Array.from({ length: 400 }, (_, i) => (i % 3 === 0 ? 65 : 34)); // 44.3 ms
  const { begun, figures } = await played(t, costs);
  assert.ok(Math.abs(begun[399] - 399 * PERIOD) <= PERIOD);
  for (const { fps } of figures.slice(40)) assert.ok(fps > 19.8, String(fps));
});

test("a frame that came early for a key is not late before its slot ends", async (t) => {
  const { begun, figures } = await played(t, [10, 85, 10], (_, loop) => loop.press("KeyW", "up", 0));
  assert.deepEqual(begun, [0, 10, 95]);
  assert.equal(figures.at(-1).late, 0);
});

test("at most one slot is made up for", async (t) => {
  const { begun } = await played(t, [1, 1000, 1, 1, 1, 1]);
  assert.deepEqual(begun, [0, 50, 1050, 1051, 1100, 1150]);
});

test("what took long between two frames is not made up for", async (t) => {
  const { begun } = await played(t, [1, 1, 1, 1], (number, loop) => {
    if (number === 1) loop.do(() => void globalThis.setTimeout(() => {}, 500));
  });
  assert.deepEqual(begun, [0, 50, 551, 601]);
});

test("a key brings the next frame forward by a slot at most, and nobody speeds the dream up with it", async (t) => {
  const { begun } = await played(t, Array(8).fill(10), (_, loop) => {
    loop.press("KeyW", "up", 0);
    loop.press("KeyS", "down", 0);
  });
  assert.deepEqual(begun, [0, 10, 50, 100, 150, 200, 250, 300]);
});

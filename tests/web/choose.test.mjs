// In which mode a dream plays.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Dream } from "../../web/page/engine/dream.js";
import { changed, defaults } from "../../web/page/engine/settings.js";
import { chooseMode } from "../../web/page/play/choose.js";

const mode = { default: "ar", choices: ["ar", "parallel"], title: "mode" };
const passes = { default: 2, choices: null, lowest: 1, highest: 9, whole: true, title: "passes" };
const frame = new Uint8Array(3);
const manifest = { games: ["garden"], actions: ["noop"], fps: 20, resolution: 1, history: 1, state: {} };
const starts = { frames: { shape: [1, 1, 1, 1, 3], data: frame }, actions: { shape: [1, 0], data: new Uint8Array(0) } };
const dynamics = {
  encode: async () => ({ z: frame, fault: "" }),
  prepare: async () => ({ z: frame, pushed: {}, fault: "" }),
  predict: async () => ({ z: frame, reward: 0, ended: false, fault: "" }),
  decode: async () => ({ frame, fault: "" }),
};
const begun = async (settings, asked = {}) => {
  const dream = new Dream({ manifest, settings, starts, dynamics });
  dream.settings = changed(defaults(settings), settings, asked);
  await dream.reset(0);
  return dream;
};
const takes = (times) => async (dream) => times[dream.settings.mode];

test("the first mode that holds the rate is taken", async () => {
  const chosen = await chooseMode(await begun({ mode, passes }), {}, takes({ ar: 40, parallel: 10 }));
  assert.deepEqual(chosen, { settings: { mode: "ar" }, message: "" });
});

test("a mode that does not hold it makes room for one that does, and that is said", async () => {
  const chosen = await chooseMode(await begun({ mode, passes }), {}, takes({ ar: 100, parallel: 39 }));
  assert.deepEqual(chosen.settings, { mode: "parallel" });
  assert.equal(chosen.message, "parallel, for ar would play at 10 of 20 frames a second here");
});

test("where none holds it the fastest is taken", async () => {
  const chosen = await chooseMode(await begun({ mode, passes }), {}, takes({ ar: 90, parallel: 100 }));
  assert.deepEqual(chosen, { settings: { mode: "ar" }, message: "" });
});

test("a mode that was asked for stays, and so does the only one", async () => {
  const never = () => assert.fail("nothing is timed");
  const asked = { mode: "parallel" };
  assert.deepEqual(await chooseMode(await begun({ mode }, asked), asked, never), { settings: {}, message: "" });
  assert.deepEqual(await chooseMode(await begun({ passes }), {}, never), { settings: {}, message: "" });
});

test("modes are tried on a copy: the dream stays where it is, with its settings", async () => {
  const dream = await begun({ mode, passes }, { passes: 3 });
  const before = { ...dream.snapshot(), settings: dream.settings };
  await chooseMode(dream, {}, async (tried) => {
    assert.equal(tried.settings.passes, 3);
    await tried.step(0);
    return 100;
  });
  assert.deepEqual({ ...dream.snapshot(), settings: dream.settings }, before);
});

test("what a dream does not have is refused", async () => {
  await assert.rejects(begun({ mode }, { mode: "fast" }), /no mode fast/);
  await assert.rejects(begun({ passes }, { passes: NaN }), /no passes NaN/);
});

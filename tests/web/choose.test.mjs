// In which mode a dream opens.
import assert from "node:assert/strict";
import { test } from "node:test";

import { chooseMode } from "../../web/page/play/choose.js";

const mode = { default: "ar", choices: ["ar", "parallel"], title: "mode" };
const passes = { default: 2, choices: null, lowest: 1, highest: 9, whole: true, title: "passes" };
const bundle = (settings) => ({
  manifest: { games: ["garden"], actions: ["noop"], fps: 20, resolution: 1, history: 1, state: {} },
  settings,
  starts: { frames: { shape: [1, 1, 1, 1, 3], data: new Uint8Array(3) }, actions: { shape: [1, 0], data: new Uint8Array(0) } },
  dynamics: { encode: async (frame) => ({ z: frame, fault: "" }) },
});
const takes = (times) => async (dream) => times[dream.settings.mode];

test("the first mode that holds the rate is taken", async () => {
  const chosen = await chooseMode(bundle({ mode, passes }), "garden", {}, takes({ ar: 40, parallel: 10 }));
  assert.deepEqual(chosen, { settings: { mode: "ar" }, message: "" });
});

test("a mode that does not hold it makes room for one that does, and that is said", async () => {
  const chosen = await chooseMode(bundle({ mode, passes }), "garden", { passes: 3 }, takes({ ar: 100, parallel: 39 }));
  assert.deepEqual(chosen.settings, { mode: "parallel", passes: 3 });
  assert.equal(chosen.message, "parallel, for ar would play at 10 of 20 frames a second here");
});

test("where none holds it the fastest is taken", async () => {
  const chosen = await chooseMode(bundle({ mode, passes }), "garden", {}, takes({ ar: 90, parallel: 100 }));
  assert.deepEqual(chosen, { settings: { mode: "ar" }, message: "" });
});

test("a mode that was asked for stays, and a wrong one is refused", async () => {
  const never = () => assert.fail("nothing is timed");
  const asked = { mode: "ar" };
  assert.deepEqual((await chooseMode(bundle({ mode, passes }), "garden", asked, never)).settings, asked);
  assert.deepEqual((await chooseMode(bundle({ passes }), "garden", {}, never)).settings, {});
  await assert.rejects(chooseMode(bundle({ mode }), "garden", { mode: "fast" }, never), /no mode fast/);
  await assert.rejects(chooseMode(bundle({ passes }), "garden", { passes: NaN }, never), /no passes NaN/);
});

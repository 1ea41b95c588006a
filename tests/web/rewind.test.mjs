// The way back of the page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Ring } from "../../web/page/engine/ring.js";
import { Rewind, mostMoments } from "../../web/page/play/rewind.js";
import { Session } from "../../web/page/play/session.js";

/** A dream of two games whose only pixel counts frames: from 10 in the first game, from 90 in the second. */
const BUNDLE = {
  manifest: { name: "count", games: ["one", "two"], actions: ["noop"], resolution: 1, history: 1, state: {}, fps: 20 },
  digest: "",
  settings: {},
  starts: {
    frames: { shape: [2, 1, 1, 1, 3], data: Uint8Array.of(10, 0, 0, 90, 0, 0) },
    games: { shape: [2], data: [0, 1] },
    actions: { shape: [2, 0], data: [] },
  },
  dynamics: {
    rewards: false,
    encode: async (frame) => ({ z: BigInt64Array.of(BigInt(frame[0])), fault: "" }),
    prepare: async (z) => ({ z, pushed: {}, fault: "" }),
    predict: async ({ z }) => ({ z: BigInt64Array.of(z[0] + 1n), reward: 0, ended: false, fault: "" }),
    decode: async (z) => ({ frame: Uint8Array.of(Number(z[0]), 0, 0), fault: "" }),
  },
};

/** A way back of so many moments, after so many frames. Moment and picture of a frame are its number. */
function played(moments, frames) {
  const rewind = new Rewind(Array.from({ length: moments }, () => ({ at: -1 })));
  for (let i = 0; i < frames; i++) rewind.add(Uint8Array.of(i), (over) => Object.assign(over, { at: i }));
  return rewind;
}

test("it goes back picture by picture, and on from the last moment before", () => {
  const rewind = played(4, 25);
  assert.deepEqual(rewind.back(2), Uint8Array.of(22));
  assert.deepEqual(rewind.back(2), Uint8Array.of(20));
  assert.deepEqual(rewind.back(2), Uint8Array.of(18));
  assert.equal(rewind.moment().at, 10);
  assert.deepEqual(rewind.back(1), Uint8Array.of(9));
});

test("it goes back as far as its moments, and what was forgotten is no longer held", () => {
  const rewind = played(3, 75); // moments of the frames 50, 60 and 70
  let last = null;
  for (let frame = rewind.back(1); frame; frame = rewind.back(1)) last = frame;
  assert.deepEqual(last, Uint8Array.of(50));
  assert.equal(rewind.moment().at, 50);
  rewind.clear();
  assert.equal(rewind.back(1), null);
});

test("a long play, going back and forgetting use the same memory again", () => {
  const given = Array.from({ length: 3 }, () => ({ at: -1 }));
  const all = new Set(given);
  const rewind = new Rewind(given);
  for (let i = 0; i < 500; i++) {
    rewind.add(Uint8Array.of(i), (over) => {
      assert.ok(all.has(over));
      return over;
    });
    if (i % 70 === 69) rewind.back(15);
    if (i === 200) rewind.clear();
  }
});

test("a moment is written over another one without new arrays", () => {
  const state = { keys: { type: "float32", shape: [2, 2, 3], update: "push", source: "dynamics.new_keys", axis: 1 } };
  const ring = new Ring(state);
  const first = ring.snapshot();
  ring.push({ keys: Float32Array.of(1, 2, 3, 4, 5, 6) });
  const second = ring.snapshot(first);
  assert.equal(second.tensors.keys, first.tensors.keys);
  assert.deepEqual(second.tensors.keys, ring.tensors.keys);
  assert.deepEqual([second.slot, second.filled], [1, 1]);
  ring.clear();
  ring.restore(second);
  assert.deepEqual([...ring.tensors.keys], [1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 0, 0]);
});

test("moments take 96 MB at most, and one is always kept", () => {
  assert.equal(mostMoments(0, 64 * 64 * 3), 60);
  assert.equal(mostMoments(2 << 20, 0), 48);
  assert.equal(mostMoments(1 << 30, 0), 1);
});

test("what is rewound is played on from, and another game has a way back of its own", async () => {
  const session = await Session.begin(BUNDLE, "one", 0, {});
  const play = async (frames) => {
    for (let i = 0; i < frames; i++) await session.step("");
    return session.frame[0];
  };
  assert.equal(await play(25), 35);
  assert.ok(session.rewind());
  assert.equal(session.frame[0], 33);
  session.playOn();
  assert.equal(session.frame[0], 31); // the last moment before
  assert.equal(await play(9), 40);
  session.rewind();
  await session.openGame("two"); // while rewind is held
  assert.equal(session.rewind(), false);
  session.playOn();
  assert.equal(session.frame[0], 90);
  assert.equal(await play(5), 95);
  await session.openGame("one");
  assert.equal(session.frame[0], 31);
  assert.equal(session.rewind(), false);
  assert.equal(await play(3), 34);
  assert.ok(session.rewind());
  assert.equal(session.frame[0], 32);
});

// The page's engine against the vectors of the Python engine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { gumbel, keyOf, nextKey } from "../../web/page/engine/noise.js";
import { Ring } from "../../web/page/engine/ring.js";
import { says, shown } from "../../web/page/engine/settings.js";
import { Sha256, sha256 } from "../../web/page/engine/sha256.js";
import { draw, mostPasses, refine } from "../../web/page/tokens/sampler.js";

const vectors = (name) => JSON.parse(readFileSync(new URL(`../../conformance/${name}.json`, import.meta.url), "utf8"));
const hex = (key) => [key.hi, key.lo].map((half) => half.toString(16).padStart(8, "0")).join("");

test("keys follow seeds and frames", () => {
  for (const { seed, keys } of vectors("noise").cases) {
    let key = keyOf(seed);
    for (const expected of keys) {
      assert.equal(hex(key), expected, `seed ${seed}`);
      key = nextKey(key);
    }
  }
});

test("noise is that of the place, up to a rounding of float32", () => {
  for (const { seed, places, gumbel: expected } of vectors("noise").cases) {
    places.forEach((place, i) => {
      const found = gumbel(keyOf(seed), place);
      assert.ok(Math.abs(found - expected[i]) <= 4e-7 * Math.max(1, Math.abs(expected[i])), `${seed} ${place} ${found} ${expected[i]}`);
    });
  }
});

test("a seed that a browser cannot hold is refused", () => {
  assert.throws(() => keyOf(2 ** 53 + 2));
  assert.throws(() => keyOf(-1));
});

test("tokens are drawn as by the Python engine", () => {
  for (const { seed, positions, settings, logits, tokens } of vectors("sampler").cases) {
    const numbers = Float32Array.from(logits, (x) => x ?? -Infinity);
    const drawn = draw(numbers, positions, keyOf(seed), settings);
    assert.deepEqual([...drawn.tokens], tokens, JSON.stringify(settings));
    assert.ok(drawn.finite);
  }
});

test("passes of the causal head are made as by the Python engine", async () => {
  const { cases, table } = vectors("refine");
  for (const { seed, positions, vocabulary, settings, guess, tokens } of cases) {
    const head = async (given) => {
      const logits = new Float32Array(positions * vocabulary);
      let before = 0;
      for (let i = 0; i < positions; i++) {
        for (let code = 0; code < vocabulary; code++) logits[i * vocabulary + code] = ((7 * before + 5 * i + 3 * code) % table) / 4;
        before += given[i];
      }
      return logits;
    };
    const most = mostPasses(settings, positions);
    const refined = await refine(head, Int32Array.from(guess), keyOf(seed), settings, most);
    assert.deepEqual([...refined.tokens], tokens, `${seed} ${JSON.stringify(settings)}`);
  }
});

test("the ring holds the last frames and their ages", () => {
  const { state, after } = vectors("ring");
  const ring = new Ring(state);
  after.forEach((expected, number) => {
    ring.push({ keys: Float32Array.from({ length: 6 }, (_, i) => i + 10 * number) });
    for (const [name, values] of Object.entries(expected)) assert.deepEqual(Array.from(ring.tensors[name], Number), values);
  });
});

test("the guard lets the same logits pass", () => {
  const numbers = { nan: NaN, inf: Infinity, "-inf": -Infinity };
  for (const { logits, good } of vectors("guard").cases) {
    const given = Float32Array.from(logits, (x) => (typeof x === "string" ? numbers[x] : x));
    const settings = { temperature: 1, min_p: 0, top_p: 1 };
    assert.equal(draw(given, 1, keyOf(0), settings).finite, good, String(logits));
  }
});

test("settings are shown and said as in the window", () => {
  const { settings, shown: lines, says: messages } = vectors("settings");
  for (const { values, line } of lines) {
    const known = Object.fromEntries(Object.entries(settings).filter(([name]) => name in values));
    assert.equal(shown(values, known), line);
  }
  for (const { name, value, message } of messages) assert.equal(says(settings[name], value), message);
});

test("SHA-256 of pieces is that of the whole", async () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (31 * i) % 256);
    const hash = new Sha256();
    hash.add(bytes.subarray(0, length >> 1));
    hash.add(bytes.subarray(length >> 1));
    assert.equal(hash.hex(), await sha256(bytes), `${length} bytes`);
  }
});

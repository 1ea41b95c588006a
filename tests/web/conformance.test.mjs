// The page's engine against the vectors of the Python engine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { gumbel, keyOf, nextKey, normal } from "../../web/page/engine/noise.js";
import { Ring } from "../../web/page/engine/ring.js";
import { says, shown } from "../../web/page/engine/settings.js";
import { Sha256, sha256 } from "../../web/page/engine/sha256.js";
import { dynamics as latentDynamics } from "../../web/page/latent/dynamics.js";
import { schedule } from "../../web/page/latent/schedule.js";
import { draw, mostPasses, refine } from "../../web/page/tokens/sampler.js";

const vectors = (name) => JSON.parse(readFileSync(new URL(`../../conformance/${name}.json`, import.meta.url), "utf8"));
const hex = (key) => [key.hi, key.lo].map((half) => half.toString(16).padStart(8, "0")).join("");

/** Equal up to a share of the expected number, or of 1. */
function near(found, expected, share, where) {
  assert.ok(Math.abs(found - expected) <= share * Math.max(1, Math.abs(expected)), `${where}: ${found} is not ${expected}`);
}

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
  for (const { seed, places, ...expected } of vectors("noise").cases) {
    for (const [name, noise] of Object.entries({ gumbel, normal })) {
      places.forEach((place, i) => near(noise(keyOf(seed), place), expected[name][i], 4e-7, `${name} ${seed} ${place}`));
    }
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

test("latents are denoised in the steps of the Python engine", async () => {
  const { model, schedules, z, cases } = vectors("latent");
  schedules.forEach((expected, i) => {
    assert.deepEqual(schedule(i + 1).map(({ level, size, share }) => [level, size, share]), expected);
  });
  for (const steps of [0, 9, 2.5]) assert.throws(() => schedule(steps));
  const graphs = {
    dynamics: ({ z, action }) => ({ hidden: z.map((x) => x / 2 + Number(action[0]) / 4) }),
    denoiser: ({ hidden, noisy, level, size }) => ({
      clean: noisy.map((x, i) => x / 2 + hidden[i] / 4 + Number(level[0]) / 16 - Number(size[0]) / 8),
    }),
    outcome: ({ z }) => ({ rewards: z.slice(0, model.channels), ended: z.slice(model.channels, model.channels + 1) }),
  };
  const family = latentDynamics({ model, state: {}, graphs }, async (graph, inputs) => graphs[graph](inputs));
  for (const { seed, action, settings, ...expected } of cases) {
    const context = await family.prepare(Float32Array.from(z), {}, action, 0);
    const made = await family.predict(context, keyOf(seed), settings);
    made.z.forEach((x, i) => near(x, expected.z[i], 2e-6, JSON.stringify({ seed, settings, i })));
    assert.deepEqual([made.reward, made.ended, made.fault], [expected.reward, expected.ended, ""]);
  }
});

test("latents that are no numbers are a fault", async () => {
  const { model, z } = vectors("latent");
  const bad = { encoder: "z", dynamics: "hidden", denoiser: "clean" };
  for (const broken of Object.keys(bad)) {
    const call = async (graph) => ({ [bad[graph]]: Float32Array.from(z, (x, i) => (graph === broken && i === 7 ? NaN : x)) });
    const family = latentDynamics({ model, state: {}, graphs: {} }, call);
    const encoded = await family.encode(new Uint8Array(12));
    const context = await family.prepare(Float32Array.from(z), {}, 0, 0);
    const made = await family.predict(context, keyOf(0), { steps: 2, temperature: 1 });
    assert.equal(encoded.fault || made.fault, `the ${broken} gave NaN or infinity`);
    assert.ok([...encoded.z, ...made.z].every(Number.isFinite));
    if (broken !== "encoder") assert.deepEqual([...made.z], z);
  }
  const family = latentDynamics({ model, state: {}, graphs: {} }, null);
  assert.throws(() => family.checked(new Float32Array(3)));
  assert.throws(() => family.checked(new Float32Array(12).fill(Infinity)));
});

test("the diffusion decoder of latents takes its steps from the fixed noise, and a bad picture is the autoencoder's", async () => {
  const { model, z } = vectors("latent");
  const noise = Float32Array.of(1, 2, 4);
  const picture = Uint8Array.of(7, 8, 9);
  const taken = [];
  let broken = false;
  const graphs = {
    decoder: () => ({ frames: picture }),
    diffusion: ({ noisy, level, target, z: told, picture: shown }) => {
      taken.push([level[0], target[0], [...noisy], told.length, [...shown]]);
      return { less_noisy: broken ? noisy.map(() => NaN) : noisy.map((x) => x / 2), frames: shown.map((x) => x + 1) };
    },
  };
  const files = { "noise.bin": new Uint8Array(noise.buffer) };
  const family = latentDynamics({ model, state: {}, graphs }, async (graph, inputs) => graphs[graph](inputs), files);
  const drawn = (decoder) => family.decode(Float32Array.from(z), { decoder, decoder_steps: 2 });
  assert.deepEqual(await drawn("autoencoder"), { frame: picture, fault: "" });
  assert.deepEqual(await drawn("diffusion"), { frame: Uint8Array.of(8, 9, 10), fault: "" });
  assert.deepEqual(taken, [[1, 0.5, [1, 2, 4], z.length, [7, 8, 9]], [0.5, 0, [0.5, 1, 2], z.length, [7, 8, 9]]]);
  broken = true;
  const { frame, fault } = await drawn("diffusion");
  assert.deepEqual(frame, picture);
  assert.equal(fault, "the diffusion decoder gave NaN or infinity: the autoencoder's picture is shown");
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

// From logits to tokens, as `reverie.engine.tokens.sampler` does it, for one trajectory.
import { gumbel } from "../engine/noise.js";

const round = Math.fround;

/** @typedef {import("../engine/noise.js").Key} Key */
/** @typedef {import("../engine/settings.js").Settings} Settings */

/** @typedef {{best: Int32Array, top: Float32Array, second: Float32Array, finite: boolean}} Tops
 * Of each position (S): the code with the highest logit, that logit, and the highest of the others. finite: whether the
 * logits hold neither NaN nor infinity; minus infinity alone passes, as long as there is a number. */

/** Look at all logits once. @param {Float32Array} logits (S * V) @param {number} positions S @returns {Tops} */
export function tops(logits, positions) {
  const vocabulary = logits.length / positions;
  const found = { best: new Int32Array(positions), top: new Float32Array(positions), second: new Float32Array(positions) };
  let highest = -Infinity;
  for (let position = 0, i = 0; position < positions; position++) {
    const begin = i;
    let best = begin;
    let top = -Infinity;
    let second = -Infinity;
    for (const end = begin + vocabulary; i < end; i++) {
      const x = logits[i];
      if (x <= second) continue;
      if (x > top) {
        second = top;
        top = x;
        best = i;
      } else if (x > second) second = x;
      else return { ...found, finite: false }; // NaN
    }
    found.best[position] = best - begin;
    found.top[position] = top;
    found.second[position] = second;
    if (top > highest) highest = top;
  }
  return { ...found, finite: Number.isFinite(highest) };
}

/**
 * Draw every position by itself.
 * @param {Float32Array} logits (S * V) @param {number} positions S @param {Key} key of the frame's noise
 * @param {Settings} settings @param {Tops} [seen] of the logits
 * @returns {{tokens: Int32Array, finite: boolean}} (S), and whether the logits hold neither NaN nor infinity
 */
export function draw(logits, positions, key, settings, seen = tops(logits, positions)) {
  const vocabulary = logits.length / positions;
  const temperature = Number(settings.temperature);
  const minP = Number(settings.min_p);
  const topP = Number(settings.top_p);
  const tokens = seen.best.slice();
  if (temperature === 0 || !seen.finite) return { tokens, finite: seen.finite };
  const lowest = minP > 0 ? round(Math.log(minP)) : -Infinity;
  /** @type {number[]} */
  const kept = [];
  for (let position = 0; position < positions; position++) {
    const begin = position * vocabulary;
    const end = begin + vocabulary;
    const top = seen.top[position];
    const flat = top === -Infinity; // nothing is likelier than anything else
    const floor = flat ? -Infinity : round(top + lowest);
    if (seen.second[position] < floor) continue; // one code is left
    kept.length = 0;
    for (let i = begin; i < end; i++) if (logits[i] >= floor) kept.push(i);
    const least = topP < 1 && !flat ? leastInNucleus(logits, begin, end, kept, top, topP) : -Infinity;
    let most = -Infinity;
    for (const i of kept) {
      const x = flat ? 0 : logits[i];
      if (!flat && round(x - top) < least) continue;
      const score = round(x + round(round(temperature) * gumbel(key, i)));
      if (score > most) {
        most = score;
        tokens[position] = i - begin;
      }
    }
  }
  return { tokens, finite: true };
}

/**
 * How far below the top logit the last of the likeliest codes lies that have `topP` together.
 * @param {Float32Array} logits @param {number} begin @param {number} end @param {number[]} kept indices into logits
 * @param {number} top @param {number} topP
 */
function leastInNucleus(logits, begin, end, kept, top, topP) {
  let mass = 0;
  for (let i = begin; i < end; i++) mass += Math.exp(logits[i] - top);
  const enough = round(topP * mass);
  if (enough <= 1) return 0;
  const falling = kept.map((i) => round(logits[i] - top)).sort((a, b) => b - a);
  let before = 0;
  let least = 0;
  for (const likely of falling) {
    if (before >= enough) break;
    least = likely;
    before += Math.exp(likely);
  }
  return least;
}

/** How often a frame is drawn again at most. @param {Settings} settings @param {number} positions */
export function mostPasses(settings, positions) {
  return settings.mode === "parallel" ? Number(settings.passes ?? 1) - 1 : positions;
}

/**
 * Draw a guess again, all positions at once, until that changes nothing, but at most `most` times.
 * @param {(tokens: Int32Array) => Promise<Float32Array>} causalLogits (S) -> (S * V)
 * @param {Int32Array} guess (S) @param {Key} key @param {Settings} settings @param {number} most
 * @returns {Promise<{tokens: Int32Array, finite: boolean}>}
 */
export async function refine(causalLogits, guess, key, settings, most) {
  let tokens = guess;
  let finite = true;
  for (let pass = 0; pass < most; pass++) {
    const next = draw(await causalLogits(tokens), tokens.length, key, settings);
    finite &&= next.finite;
    const same = next.tokens.every((token, i) => token === tokens[i]);
    tokens = next.tokens;
    if (same || !finite) break;
  }
  return { tokens, finite };
}

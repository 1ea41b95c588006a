// From logits to tokens, as `reverie.engine.tokens.sampler` does it for one trajectory.
import { gumbel } from "../engine/noise.js";

const round = Math.fround;

/**
 * Draw every position by itself. logits: (S * V). Returns the tokens (S), and whether the logits were finite.
 * @param {Float32Array} logits @param {number} positions @param {import("../engine/noise.js").Key} key
 * @param {Record<string, any>} settings
 */
export function draw(logits, positions, key, settings) {
  const vocabulary = logits.length / positions;
  const { temperature, min_p: minP, top_p: topP } = settings;
  const tokens = new Int32Array(positions);
  const kept = [];
  let finite = true;
  for (let position = 0; position < positions; position++) {
    const begin = position * vocabulary, end = begin + vocabulary;
    let top = -Infinity, best = 0;
    for (let i = begin; i < end; i++) {
      const x = logits[i];
      if (x > top) { top = x; best = i; } else if (x !== x) finite = false;
    }
    if (!Number.isFinite(top)) finite = false;
    tokens[position] = best ? best - begin : 0;
    if (temperature === 0 || !finite) continue;
    const floor = minP > 0 ? round(top + round(Math.log(minP))) : -Infinity;
    kept.length = 0;
    for (let i = begin; i < end; i++) if (logits[i] >= floor) kept.push(i);
    if (kept.length === 1) continue;
    const least = topP < 1 ? leastInNucleus(logits, begin, end, kept, top, topP) : -Infinity;
    let most = -Infinity;
    for (const i of kept) {
      if (round(logits[i] - top) < least) continue;
      const score = round(logits[i] + round(round(temperature) * gumbel(key, i)));
      if (score > most) { most = score; tokens[position] = i - begin; }
    }
  }
  return { tokens, finite };
}

/**
 * The smallest logit, below the top one, of the likeliest codes that have `topP` together.
 * @param {Float32Array} logits @param {number} begin @param {number} end @param {number[]} kept
 * @param {number} top @param {number} topP
 */
function leastInNucleus(logits, begin, end, kept, top, topP) {
  let mass = 0;
  for (let i = begin; i < end; i++) mass += Math.exp(logits[i] - top);
  const enough = round(topP * mass);
  if (enough <= 1) return 0;
  const falling = kept.map((i) => round(logits[i] - top)).sort((a, b) => b - a);
  let before = 0, least = 0;
  for (const likely of falling) {
    if (before >= enough) break;
    least = likely;
    before += Math.exp(likely);
  }
  return least;
}

// The noise of a sampler, as `reverie.engine.noise`: SplitMix64 in two halves of 32 bits.

/** @typedef {{hi: number, lo: number}} Key one of 64 bits */

const GOLDEN = { hi: 0x9e3779b9, lo: 0x7f4a7c15 };
const MULTIPLIERS = [
  { hi: 0xbf58476d, lo: 0x1ce4e5b9 },
  { hi: 0x94d049bb, lo: 0x133111eb },
];
const SHIFTS = [30, 27, 31];
const BITS = 23;
const round = Math.fround;

/** The key of the first frame: numpy's SeedSequence(seed).generate_state(1, uint64). @param {number} seed @returns {Key} */
export function keyOf(seed) {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error("A seed must be a whole number from 0 to 2^53.");
  let constant = 0x43b0d7e5;
  /** @param {number} value */
  const hashed = (value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [seed >>> 0, Math.floor(seed / 2 ** 32), 0, 0].map(hashed);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const value = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, hashed(pool[from]));
      pool[to] = ((value | 0) ^ ((value | 0) >>> 16)) >>> 0;
    }
  }
  let other = 0x8b51f9dd;
  const [lo, hi] = pool.slice(0, 2).map((value) => {
    value ^= other;
    other = Math.imul(other, 0x58f38ded);
    value = Math.imul(value, other);
    return (value ^ (value >>> 16)) >>> 0;
  });
  return { hi, lo };
}

/** The key of the frame after this one. @param {Key} key */
export const nextKey = (key) => mixed(key.hi, key.lo);

/** A number of the standard Gumbel distribution, rounded to float32. @param {Key} key @param {number} place in the frame */
export const gumbel = (key, place) => -round(Math.log(-round(Math.log(uniform(key, place)))));

/** A number of the standard normal distribution, rounded to float32. @param {Key} key @param {number} place in the frame */
export function normal(key, place) {
  const radius = round(Math.sqrt(round(-2 * round(Math.log(uniform(key, 2 * place))))));
  const angle = round(round(2 * Math.PI) * uniform(key, 2 * place + 1));
  return round(radius * round(Math.cos(angle)));
}

/** A number between 0 and 1, neither included; float32 has it exactly. @param {Key} key @param {number} place */
function uniform(key, place) {
  const at = times(0, (place + 1) >>> 0, GOLDEN);
  const sum = key.lo + at.lo;
  const bits = mixed((key.hi + at.hi + (sum > 0xffffffff ? 1 : 0)) >>> 0, sum >>> 0).hi >>> (32 - BITS);
  return (bits + 0.5) * 2 ** -BITS;
}

/** SplitMix64's finisher. @param {number} hi @param {number} lo @returns {Key} */
function mixed(hi, lo) {
  for (let i = 0; i < 2; i++) {
    const low = lo ^ ((lo >>> SHIFTS[i]) | (hi << (32 - SHIFTS[i])));
    ({ hi, lo } = times((hi ^ (hi >>> SHIFTS[i])) >>> 0, low >>> 0, MULTIPLIERS[i]));
  }
  return { hi: (hi ^ (hi >>> SHIFTS[2])) >>> 0, lo: (lo ^ ((lo >>> SHIFTS[2]) | (hi << (32 - SHIFTS[2])))) >>> 0 };
}

/** The lower 64 bits of a product. @param {number} hi @param {number} lo @param {Key} by @returns {Key} */
function times(hi, lo, by) {
  return { hi: (high(lo, by.lo) + Math.imul(hi, by.lo) + Math.imul(lo, by.hi)) >>> 0, lo: Math.imul(lo, by.lo) >>> 0 };
}

/** The higher 32 bits of a product of two numbers of 32 bits. @param {number} a @param {number} b */
function high(a, b) {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const middle = ah * bl + ((al * bl) >>> 16);
  return (ah * bh + Math.floor(middle / 65536) + ((middle % 65536) + al * bh) / 65536) >>> 0;
}

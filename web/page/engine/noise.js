// The counter-based noise of `reverie.engine.noise`: SplitMix64 in two 32-bit halves.

/** @typedef {{hi: number, lo: number}} Key one of 64 bits */

const GOLDEN = { hi: 0x9e3779b9, lo: 0x7f4a7c15 };
const STEPS = [
  { shift: 30, hi: 0xbf58476d, lo: 0x1ce4e5b9 },
  { shift: 27, hi: 0x94d049bb, lo: 0x133111eb },
];

/** High 32 bits of a product of two numbers of 32 bits. @param {number} a @param {number} b */
function high(a, b) {
  const al = a & 0xffff, ah = a >>> 16, bl = b & 0xffff, bh = b >>> 16;
  const middle = ah * bl + ((al * bl) >>> 16);
  return (ah * bh + Math.floor(middle / 65536) + (((middle % 65536) + al * bh) / 65536)) >>> 0;
}

/** @param {number} hi @param {number} lo @param {number} mhi @param {number} mlo @returns {Key} */
function times(hi, lo, mhi, mlo) {
  return { hi: (high(lo, mlo) + Math.imul(hi, mlo) + Math.imul(lo, mhi)) >>> 0, lo: Math.imul(lo, mlo) >>> 0 };
}

/** @param {number} hi @param {number} lo @returns {Key} */
function mixed(hi, lo) {
  for (const { shift, hi: mhi, lo: mlo } of STEPS) {
    const low = lo ^ ((lo >>> shift) | (hi << (32 - shift)));
    ({ hi, lo } = times((hi ^ (hi >>> shift)) >>> 0, low >>> 0, mhi, mlo));
  }
  return { hi: (hi ^ (hi >>> 31)) >>> 0, lo: (lo ^ ((lo >>> 31) | (hi << 1))) >>> 0 };
}

/** The key of the frame after this one. @param {Key} key */
export const nextKey = (key) => mixed(key.hi, key.lo);

/** A number of the standard Gumbel distribution, rounded to float32. @param {Key} key @param {number} place */
export function gumbel(key, place) {
  const at = times(0, (place + 1) >>> 0, GOLDEN.hi, GOLDEN.lo);
  const sum = key.lo + at.lo;
  const bits = mixed((key.hi + at.hi + (sum > 0xffffffff ? 1 : 0)) >>> 0, sum >>> 0).hi >>> 9;
  return -Math.fround(Math.log(-Math.fround(Math.log((bits + 0.5) * 2 ** -23))));
}

/** The key of the first frame: numpy's SeedSequence(seed).generate_state(1, uint64). @param {number} seed @returns {Key} */
export function keyOf(seed) {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error("the seed is no whole number that a browser can hold");
  let constant = 0x43b0d7e5;
  const hashed = (/** @type {number} */ value) => {
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

// SHA-256 of bytes that come piece by piece (FIPS 180-4); the browser's own wants all of them at once.

const primes = Array.from({ length: 312 }, (_, n) => n).filter((n) => n > 1 && !Array.from({ length: n }, (_, d) => d).some((d) => d > 1 && n % d === 0));
const fraction = (/** @type {number} */ x) => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
const K = Uint32Array.from(primes.slice(0, 64), (p) => fraction(Math.cbrt(p)));

export class Sha256 {
  constructor() {
    this.state = Uint32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
    this.rest = new Uint8Array(64);
    this.length = 0;
    this.words = new Uint32Array(64);
  }

  /** @param {Uint8Array} bytes */
  add(bytes) {
    for (let at = 0; at < bytes.length; ) {
      const used = this.length % 64, n = Math.min(64 - used, bytes.length - at);
      this.rest.set(bytes.subarray(at, at + n), used);
      at += n;
      this.length += n;
      if (this.length % 64 === 0) this.block();
    }
  }

  /** The digest so far. */
  hex() {
    const end = Object.assign(new Sha256(), { state: this.state.slice(), rest: this.rest.slice(), length: this.length });
    const tail = new Uint8Array(((this.length + 8) % 64 < this.length % 64 || this.length % 64 >= 56 ? 128 : 64) - (this.length % 64));
    tail[0] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(this.length / 2 ** 29));
    view.setUint32(tail.length - 4, (this.length * 8) >>> 0);
    end.add(tail);
    return Array.from(end.state, (word) => word.toString(16).padStart(8, "0")).join("");
  }

  block() {
    const { words: w, rest, state } = this;
    for (let i = 0; i < 16; i++) w[i] = (rest[4 * i] << 24) | (rest[4 * i + 1] << 16) | (rest[4 * i + 2] << 8) | rest[4 * i + 3];
    const turn = (/** @type {number} */ x, /** @type {number} */ n) => (x >>> n) | (x << (32 - n));
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
  }
}

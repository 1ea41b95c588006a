// SHA-256 of bytes that come piece by piece (FIPS 180-4); the browser's own wants all of them at once.

const PRIMES = firstPrimes(64);
const K = Uint32Array.from(PRIMES, (p) => fraction(Math.cbrt(p)));

export class Sha256 {
  constructor() {
    this.state = Uint32Array.from(PRIMES.slice(0, 8), (p) => fraction(Math.sqrt(p)));
    this.rest = new Uint8Array(64);
    this.length = 0;
    this.words = new Uint32Array(64);
  }

  /** @param {Uint8Array} bytes */
  add(bytes) {
    for (let at = 0; at < bytes.length; ) {
      const used = this.length % 64;
      const n = Math.min(64 - used, bytes.length - at);
      this.rest.set(bytes.subarray(at, at + n), used);
      at += n;
      this.length += n;
      if (this.length % 64 === 0) this.#block();
    }
  }

  /** The digest of the bytes so far, in hexadecimal. More may follow. */
  hex() {
    const end = new Sha256();
    end.state.set(this.state);
    end.rest.set(this.rest);
    end.length = this.length;
    const used = this.length % 64;
    const tail = new Uint8Array((used < 56 ? 64 : 128) - used);
    tail[0] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(this.length / 2 ** 29));
    view.setUint32(tail.length - 4, (this.length * 8) >>> 0);
    end.add(tail);
    return Array.from(end.state, (word) => word.toString(16).padStart(8, "0")).join("");
  }

  #block() {
    const { words: w, rest, state } = this;
    for (let i = 0; i < 16; i++) {
      w[i] = (rest[4 * i] << 24) | (rest[4 * i + 1] << 16) | (rest[4 * i + 2] << 8) | rest[4 * i + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
      const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
      w[i] = w[i - 16] + w[i - 7] + s0 + s1;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t) | 0, c, b, a, (t + u) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => {
      state[i] += value;
    });
  }
}

/** SHA-256 of bytes that are all there. @param {Uint8Array} bytes @returns {Promise<string>} hexadecimal */
export async function sha256(bytes) {
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes)));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const hash = new Sha256(); // a page over plain http has no crypto.subtle
  hash.add(bytes);
  return hash.hex();
}

/** @param {number} x @param {number} n */
function turn(x, n) {
  return (x >>> n) | (x << (32 - n));
}

/** The first 32 bits behind the point. @param {number} x */
function fraction(x) {
  return ((x - Math.floor(x)) * 2 ** 32) >>> 0;
}

/** @param {number} count */
function firstPrimes(count) {
  /** @type {number[]} */
  const found = [];
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n);
  return found;
}

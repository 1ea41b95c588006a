// The history ring of one trajectory, by the manifest's `state` table; as `reverie.engine.ring`.

/** The array of a tensor's type, by its name in a manifest. @type {Record<string, any>} */
export const ARRAYS = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array };

/** How many numbers a shape holds. @param {number[]} shape */
export const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** Each tensor of the ring that a graph fills, and the output that is pushed into it.
 * @param {Record<string, any>} state the manifest's table @returns {[string, string][]} */
export const pushedOutputs = (state) =>
  Object.entries(state).flatMap(([name, spec]) => (spec.source ? [[name, spec.source.split(".")[1]]] : []));

/** @typedef {{slot: number, filled: number, tensors: Record<string, any>}} RingSnapshot */

export class Ring {
  /** @param {Record<string, any>} state the manifest's table; it may be empty */
  constructor(state) {
    this.state = state;
    /** @type {Record<string, any>} */
    this.tensors = {};
    this.slot = 0;
    this.slots = 0;
    this.filled = 0;
    for (const [name, spec] of Object.entries(state)) {
      this.tensors[name] = new ARRAYS[spec.type](size(spec.shape));
      this.slots = spec.shape[spec.axis ?? 0];
    }
  }

  /** Write one frame over the oldest slot. @param {Record<string, any>} pushed by tensor, without the slots' axis */
  push(pushed) {
    if (!this.slots) return;
    for (const [name, spec] of Object.entries(this.state)) {
      const to = this.tensors[name];
      if (spec.update === "age") {
        for (let i = 0; i < to.length; i++) if (to[i] > 0n) to[i] += 1n;
        to[this.slot] = 1n;
        continue;
      }
      const from = pushed[name];
      const inner = size(spec.shape.slice(spec.axis + 1));
      for (let outer = 0; outer * inner < from.length; outer++) {
        to.set(from.subarray(outer * inner, (outer + 1) * inner), (outer * this.slots + this.slot) * inner);
      }
    }
    this.slot = (this.slot + 1) % this.slots;
    this.filled = Math.min(this.filled + 1, this.slots);
  }

  /** Forget every frame. */
  clear() {
    for (const array of Object.values(this.tensors)) array.fill(array instanceof BigInt64Array ? 0n : 0);
    this.slot = this.filled = 0;
  }

  /** A copy of the content. @param {RingSnapshot} [over] one that is no longer needed, whose memory is used again
   * @returns {RingSnapshot} */
  snapshot(over) {
    const tensors = Object.entries(this.tensors).map(([name, array]) => {
      if (!over) return [name, array.slice()];
      over.tensors[name].set(array);
      return [name, over.tensors[name]];
    });
    return { slot: this.slot, filled: this.filled, tensors: Object.fromEntries(tensors) };
  }

  /** Bytes of a snapshot. */
  get bytes() {
    return Object.values(this.tensors).reduce((sum, array) => sum + array.byteLength, 0);
  }

  /** Put a snapshot's content back. @param {RingSnapshot} snapshot */
  restore(snapshot) {
    this.slot = snapshot.slot;
    this.filled = snapshot.filled;
    for (const [name, array] of Object.entries(this.tensors)) array.set(snapshot.tensors[name]);
  }
}

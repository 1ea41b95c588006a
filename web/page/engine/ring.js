// The history ring of one trajectory, by the manifest's `state` table; as `reverie.engine.ring`.

/** @type {Record<string, any>} */
export const ARRAYS = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array };

export class Ring {
  /** @param {Record<string, any>} state */
  constructor(state) {
    this.state = state;
    /** @type {Record<string, any>} */
    this.tensors = {};
    this.slot = 0;
    this.slots = 1;
    for (const [name, spec] of Object.entries(state)) {
      this.tensors[name] = new ARRAYS[spec.type](spec.shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1));
      this.slots = spec.shape[spec.axis ?? 0];
    }
  }

  /** Write one frame over the oldest slot. @param {Record<string, any>} outputs of the graphs, by name */
  push(outputs) {
    for (const [name, spec] of Object.entries(this.state)) {
      const to = this.tensors[name];
      if (spec.update === "age") {
        for (let i = 0; i < to.length; i++) if (to[i] > 0n) to[i] += 1n;
        to[this.slot] = 1n;
        continue;
      }
      const from = outputs[spec.source.split(".")[1]];
      const inner = spec.shape.slice(spec.axis + 1).reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
      for (let outer = 0; outer * inner < from.length; outer++) {
        to.set(from.subarray(outer * inner, (outer + 1) * inner), (outer * this.slots + this.slot) * inner);
      }
    }
    this.slot = (this.slot + 1) % this.slots;
  }

  clear() {
    for (const array of Object.values(this.tensors)) array.fill(array instanceof BigInt64Array ? 0n : 0);
    this.slot = 0;
  }

  snapshot() {
    return { slot: this.slot, tensors: Object.fromEntries(Object.entries(this.tensors).map(([name, a]) => [name, a.slice()])) };
  }

  /** @param {any} snapshot */
  restore(snapshot) {
    this.slot = snapshot.slot;
    for (const [name, array] of Object.entries(this.tensors)) array.set(snapshot.tensors[name]);
  }
}

// One trajectory over a bundle, as `reverie.engine.dream.Dream`.
import { keyOf, nextKey } from "./noise.js";
import { Ring } from "./ring.js";
import { changed, defaults } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {{ring: import("./ring.js").RingSnapshot, z: any, frame: Uint8Array, key: import("./noise.js").Key}} DreamSnapshot */

/** @typedef {object} Bundle an opened dream, shared and never changed
 * @property {any} manifest @property {string} digest SHA-256 of the manifest's file
 * @property {Record<string, import("./settings.js").Setting>} settings
 * @property {Record<string, import("./npz.js").Numbers>} starts @property {any} dynamics of its family
 */

export class Dream {
  /** @param {Bundle} bundle @param {string} [game] the first by default */
  constructor(bundle, game = bundle.manifest.games[0]) {
    const { manifest, starts } = bundle;
    if (!manifest.games.includes(game)) throw new Error(`This dream has no game ${game}.`);
    this.bundle = bundle;
    this.game = game;
    this.number = manifest.games.indexOf(game);
    /** @type {string[]} */
    this.actions = manifest.game_actions?.[game] ?? manifest.actions;
    /** @type {Settings} */
    this.settings = defaults(bundle.settings);
    this.ring = new Ring(manifest.state);
    /** Rows of the start histories that are of this game. */
    this.starts = Array.from({ length: starts.frames.shape[0] }, (_, row) => row).filter(
      (row) => manifest.games.length === 1 || Number(starts.games.data[row]) === this.number,
    );
    this.faults = { count: 0, last: "" };
    this.reward = 0;
    this.ended = false;
    /** Milliseconds of the last step by stage. */
    this.timings = { dynamics: 0, sample: 0, decode: 0 };
    this.frame = new Uint8Array(manifest.resolution ** 2 * 3);
    /** @type {any} */
    this.z = null;
    this.key = keyOf(0);
  }

  /** Frames that the next prediction looks at, the present one included. */
  get history() {
    return 1 + this.ring.filled;
  }

  /** Change some of the settings, from the next frame on. @param {unknown} chosen name -> value */
  change(chosen) {
    this.settings = changed(this.settings, this.bundle.settings, chosen);
  }

  /** A picture of a start history, the last by default: there a dream begins.
   * @param {number} start @param {number} [t] its place in the history */
  startPicture(start, t = this.bundle.manifest.history - 1) {
    if (!(start in this.starts)) throw new Error(`There is no start ${start}; there are ${this.starts.length}.`);
    const { starts, manifest } = this.bundle;
    const at = (this.starts[start] * manifest.history + t) * this.frame.length;
    return starts.frames.data.slice(at, at + this.frame.length);
  }

  /** Begin a new dream from a start history, by default number seed % N. @param {number} seed @param {number} [start] */
  async reset(seed, start = seed % this.starts.length) {
    const { starts, dynamics, manifest } = this.bundle;
    const first = this.startPicture(start, 0);
    const row = this.starts[start];
    const history = manifest.history;
    this.#begin(seed);
    this.frame = first;
    this.z = this.#told(await dynamics.encode(this.frame)).z;
    for (let t = 0; t < history - 1; t++) {
      const context = await this.#prepare(Number(starts.actions.data[row * (history - 1) + t]));
      const picture = this.startPicture(start, t + 1);
      const { z, fault } = this.#told(await dynamics.encode(picture));
      if (this.#told(context).fault || fault) continue;
      this.ring.push(context.pushed);
      this.z = z;
      this.frame = picture;
    }
  }

  /** Begin a new dream at a frame before which there was nothing. @param {number} seed @param {any} z */
  async begin(seed, z) {
    const known = this.bundle.dynamics.checked(z);
    this.#begin(seed);
    await this.#show(known);
  }

  /** Force a frame in, which `action` led to. @param {any} z @param {number} action */
  async put(z, action) {
    const known = this.bundle.dynamics.checked(z);
    this.ring.push((await this.#prepare(action)).pushed);
    await this.#show(known);
  }

  /** Change the present frame into this one; what led to it stays in the history. @param {any} z */
  async paint(z) {
    await this.#show(this.bundle.dynamics.checked(z));
  }

  /** Let what follows have the noise of this seed. @param {number} seed */
  changeLuck(seed) {
    this.key = keyOf(seed);
  }

  /** Dream one frame. @param {number} action an index into this game's actions */
  async step(action) {
    const { dynamics } = this.bundle;
    const t0 = performance.now();
    const context = await this.#prepare(action);
    const t1 = performance.now();
    const key = this.key;
    this.key = nextKey(key);
    const next = this.#told(await dynamics.predict(context, key, this.settings));
    const t2 = performance.now();
    this.reward = next.reward;
    this.ended = next.ended;
    if (!next.fault) {
      this.ring.push(context.pushed);
      await this.#show(next.z);
    }
    this.timings = { dynamics: t1 - t0, sample: t2 - t1, decode: performance.now() - t2 };
  }

  /** A copy of everything that decides what comes next; the settings are not part of it.
   * @param {any} [over] a snapshot that is no longer needed, whose memory is used again @returns {any} */
  snapshot(over) {
    return { ring: this.ring.snapshot(over?.ring), z: this.z, frame: this.frame, key: this.key };
  }

  /** Go back to a snapshot, exactly. @param {any} snapshot */
  restore(snapshot) {
    this.ring.restore(snapshot.ring);
    this.z = snapshot.z;
    this.frame = snapshot.frame;
    this.key = snapshot.key;
  }

  /** @param {number} seed */
  #begin(seed) {
    this.key = keyOf(seed);
    this.ring.clear();
    this.reward = 0;
    this.ended = false;
  }

  /** @param {number} action */
  #prepare(action) {
    if (!(action in this.actions)) throw new Error(`There is no action ${action}; there are ${this.actions.length}.`);
    const number = this.bundle.manifest.actions.indexOf(this.actions[action]);
    return this.bundle.dynamics.prepare(this.z, this.ring.tensors, number, this.number);
  }

  /** Make z the present frame. @param {any} z */
  async #show(z) {
    this.z = z;
    this.frame = this.#told(await this.bundle.dynamics.decode(z, this.settings)).frame;
  }

  /** Count a fault. @template {{fault: string}} T @param {T} result @returns {T} */
  #told(result) {
    if (result.fault) {
      const then = result.fault.includes(": ") ? "" : ": the dream goes on from its last good frame";
      this.faults = { count: this.faults.count + 1, last: result.fault + then };
    }
    return result;
  }
}

// One trajectory over a bundle: what `reverie.engine.dream.Dream` is, with its tape.
import { keyOf, nextKey } from "./noise.js";
import { Ring } from "./ring.js";
import { Sha256 } from "./sha256.js";

export class Dream {
  /** @param {any} bundle {manifest, digest, starts, dynamics} @param {string} game */
  constructor(bundle, game) {
    const { manifest, starts } = bundle;
    this.bundle = bundle;
    this.game = game;
    this.number = manifest.games.indexOf(game);
    /** @type {string[]} */
    this.actions = manifest.game_actions?.[game] ?? manifest.actions;
    /** @type {Record<string, any>} */
    this.settings = Object.fromEntries(Object.entries(manifest.settings).map(([name, spec]) => [name, spec.default]));
    this.ring = new Ring(manifest.state);
    this.starts = Array.from({ length: starts.frames.shape[0] }, (_, i) => i)
      .filter((i) => !starts.games || Number(starts.games.data[i]) === this.number);
    this.faults = 0;
    this.reward = 0;
    this.ended = false;
    /** @type {Uint8Array} */
    this.frame = new Uint8Array();
    /** @type {any} */
    this.z = null;
    this.key = keyOf(0);
    /** @type {any} */
    this.begun = null;
  }

  /** Begin at a start history; everything from here on is on the tape. @param {number} seed @param {number} [start] */
  async reset(seed, start = seed % this.starts.length) {
    const { starts, dynamics, manifest } = this.bundle;
    if (!(start >= 0 && start < this.starts.length)) throw new Error(`there is no start ${start}`);
    const row = this.starts[start], history = starts.frames.shape[1], size = manifest.resolution ** 2 * 3;
    const frame = (/** @type {number} */ t) => starts.frames.data.slice((row * history + t) * size, (row * history + t + 1) * size);
    this.key = keyOf(seed);
    this.ring.clear();
    this.frame = frame(0);
    this.z = await dynamics.encode(this.frame);
    for (let t = 0; t < history - 1; t++) {
      this.ring.push(await this.prepare(Number(starts.actions.data[row * (history - 1) + t])));
      this.frame = frame(t + 1);
      this.z = await dynamics.encode(this.frame);
    }
    this.reward = 0;
    this.ended = false;
    if (this.begun === null) {
      this.begun = { seed, start, settings: { ...this.settings } };
      this.noted = { ...this.settings };
      /** @type {any[]} */
      this.events = [];
      this.digest = new Sha256();
      this.frames = 0;
      this.moment = 0;
    } else this.note({ reset: [seed, start] });
  }

  /** @param {number} action of the game */
  prepare(action) {
    const number = this.bundle.manifest.actions.indexOf(this.actions[action]);
    return this.bundle.dynamics.prepare(this.z, this.ring.tensors, number, this.number);
  }

  /** Dream one frame. @param {number} action */
  async step(action) {
    const context = await this.prepare(action), key = this.key;
    this.key = nextKey(key);
    const next = await this.bundle.dynamics.predict(context, key, this.settings);
    this.reward = next.reward;
    this.ended = next.ended;
    if (next.fault) this.faults++;
    else {
      this.ring.push(context);
      this.z = next.z;
      this.frame = await this.bundle.dynamics.decode(next.z, this.settings);
    }
    const changes = Object.entries(this.settings).filter(([name, value]) => value !== this.noted?.[name]);
    if (changes.length) this.events?.push({ set: Object.fromEntries(changes) });
    this.noted = { ...this.settings };
    const last = this.events?.at(-1);
    if (last?.count && last.action === action) last.count++;
    else this.events?.push({ action, count: 1 });
    this.frames = (this.frames ?? 0) + 1;
    this.moment = (this.moment ?? 0) + 1;
    this.digest?.add(this.frame);
  }

  snapshot() {
    return { ring: this.ring.snapshot(), z: this.z, frame: this.frame, key: this.key, moment: this.moment };
  }

  /** @param {any} snapshot */
  restore(snapshot) {
    this.ring.restore(snapshot.ring);
    this.z = snapshot.z;
    this.frame = snapshot.frame;
    this.key = snapshot.key;
    this.note({ restore: snapshot.moment });
  }

  /** The tape, format 4, of everything since this dream was made. */
  tape() {
    return {
      format: 4, bundle: this.bundle.manifest.name, manifest_sha256: this.bundle.digest, ...this.begun,
      frames: this.frames, frames_sha256: this.digest?.hex(), game: this.game, events: this.events,
    };
  }

  /** @param {any} event */
  note(event) {
    this.events?.push(event);
    this.moment = (this.moment ?? 0) + 1;
  }
}

/** Play a tape, frame by frame. @param {any} tape @param {any} bundle @returns {AsyncGenerator<Dream>} */
export async function* replay(tape, bundle) {
  if (tape?.format !== 4 || !Array.isArray(tape.events)) throw new Error("This is not a tape of format 4.");
  if (tape.manifest_sha256 !== bundle.digest) throw new Error("This tape belongs to another dream.");
  const game = tape.game ?? bundle.manifest.games[0];
  if (!bundle.manifest.games.includes(game)) throw new Error("This tape is of a game that the dream lacks.");
  const dream = new Dream(bundle, game);
  Object.assign(dream.settings, fitting(tape.settings, bundle.manifest));
  await dream.reset(tape.seed, tape.start);
  const wanted = new Set(tape.events.map((/** @type {any} */ event) => event.restore));
  const kept = new Map();
  const keep = () => { if (wanted.has(dream.moment)) kept.set(dream.moment, dream.snapshot()); };
  keep();
  for (const event of tape.events) {
    if (event.count) {
      if (!(event.action >= 0 && event.action < dream.actions.length)) throw new Error("This tape holds an unknown action.");
      for (let i = 0; i < event.count; i++) { await dream.step(event.action); keep(); yield dream; }
    } else if (event.set) Object.assign(dream.settings, fitting(event.set, bundle.manifest));
    else if (event.reset) { await dream.reset(event.reset[0], event.reset[1]); keep(); }
    else if (kept.has(event.restore)) { dream.restore(kept.get(event.restore)); keep(); }
    else throw new Error("This tape holds real frames, which the page cannot put in.");
  }
}

/** Those settings that the bundle has, if all are within its ranges. @param {any} values @param {any} manifest */
function fitting(values, manifest) {
  for (const [name, value] of Object.entries(values ?? {})) {
    const spec = Object.hasOwn(manifest.settings, name) ? manifest.settings[name] : null;
    const fits = spec?.choices ? spec.choices.includes(value) : spec && typeof value === "number" && value >= spec.lowest && value <= spec.highest;
    if (!fits) throw new Error("This tape has a setting that the dream lacks.");
  }
  return values;
}

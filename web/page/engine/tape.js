// The tape, formats 4 and 5 of docs/formats.md: notes down what is done to a dream, and plays it again.
import { Dream } from "./dream.js";
import { ARRAYS } from "./ring.js";
import { Sha256 } from "./sha256.js";

/** Of a tape without paint and other luck. */
const FORMAT = 4;
const FORMATS = [FORMAT, 5];
const MOST_BYTES = 16 << 20;
const MOST_FRAMES = 1_000_000;
const MOST_KEPT_BYTES = 256 << 20;

/** @typedef {import("./dream.js").Bundle} Bundle */
/** @typedef {{action?: number, count?: number, z?: string, begin?: number, reset?: [number, number], restore?: number,
 *   luck?: number, set?: Record<string, any>}} TapeEvent */
/** @typedef {{format: number, bundle: string, manifest_sha256: string, seed: number, start: number,
 *   settings: Record<string, any>, frames: number, frames_sha256: string, game: string | null, events: TapeEvent[]}} Tape */

/** A dream that notes down all that is done to it. */
export class TapedDream extends Dream {
  /** @type {TapeEvent[]} */
  #events = [];
  #digest = new Sha256();
  #frames = 0;
  #moment = 0;
  /** @type {{seed: number, start: number, settings: Record<string, any>} | null} */
  #begun = null;
  /** @type {Record<string, any>} */
  #noted = {};

  /** @param {number} seed @param {number} [start] */
  async reset(seed, start = seed % this.starts.length) {
    await super.reset(seed, start);
    if (this.#begun) return this.#note({ reset: [seed, start] });
    this.#begun = { seed, start, settings: this.settings };
    this.#noted = this.settings;
  }

  /** @param {number} seed @param {any} z */
  async begin(seed, z) {
    await super.begin(seed, z);
    this.#note({ begin: seed, z: written(z) });
  }

  /** @param {any} z @param {number} action */
  async put(z, action) {
    await super.put(z, action);
    this.#note({ action, z: written(z) });
  }

  /** @param {any} z */
  async paint(z) {
    await super.paint(z);
    this.#note({ z: written(z) });
  }

  /** @param {number} seed */
  changeLuck(seed) {
    super.changeLuck(seed);
    this.#note({ luck: seed });
  }

  /** @param {number} action */
  async step(action) {
    await super.step(action);
    if (this.settings !== this.#noted) {
      const changes = Object.entries(this.settings).filter(([name, value]) => value !== this.#noted[name]);
      if (changes.length) this.#events.push({ set: Object.fromEntries(changes) });
      this.#noted = this.settings;
    }
    const last = this.#events.at(-1);
    if (last?.count && last.action === action) last.count++;
    else this.#events.push({ action, count: 1 });
    this.#moment++;
    this.#frames++;
    this.#digest.add(this.frame);
  }

  /** As of a dream; it belongs to this tape. @param {any} [over] */
  snapshot(over) {
    return { ...super.snapshot(over), moment: this.#moment };
  }

  /** @param {any} snapshot */
  restore(snapshot) {
    super.restore(snapshot);
    this.#note({ restore: snapshot.moment });
  }

  /** The tape of everything since this dream was first reset. @returns {Tape} */
  tape() {
    const { manifest, digest } = this.bundle;
    const { seed, start, settings } = this.#begun ?? { seed: 0, start: 0, settings: this.settings };
    return {
      format: this.#events.some(isOf5) ? 5 : FORMAT,
      bundle: manifest.name,
      manifest_sha256: digest,
      seed,
      start,
      settings,
      frames: this.#frames,
      frames_sha256: this.#digest.hex(),
      game: this.game,
      events: structuredClone(this.#events),
    };
  }

  /** @param {TapeEvent} event */
  #note(event) {
    this.#events.push(event);
    this.#moment++;
  }
}

/** The text of a tape's file, one event a line. @param {Tape} tape */
export function tapeText(tape) {
  const { events, ...rest } = tape;
  const head = JSON.stringify(rest, null, 1).replace(/\n\}$/, "");
  const lines = events.map((event) => JSON.stringify(event)).join(",\n  ");
  return `${head},\n "events": [\n  ${lines}\n ]\n}\n`;
}

/** A tape from the text of its file. Throws one sentence. @param {string} text @returns {Tape} */
export function readTape(text) {
  if (text.length > MOST_BYTES) throw new Error("This file is too large for a tape.");
  let tape;
  try {
    tape = JSON.parse(text);
  } catch {
    throw new Error("This file is not a tape, or it was cut short.");
  }
  if (Number.isInteger(tape?.format) && !FORMATS.includes(tape.format)) {
    throw new Error(`This tape has format ${tape.format}, and this page reads formats ${FORMATS.join(" and ")}.`);
  }
  const numbers = [tape?.seed, tape?.start, tape?.frames];
  if (!FORMATS.includes(tape?.format) || !numbers.every(isCount) || !isObject(tape.settings) || !Array.isArray(tape.events)) {
    throw new Error("This file is not a tape.");
  }
  let frames = 0;
  for (const event of tape.events) {
    if (!isEvent(event) || (isOf5(event) && tape.format === FORMAT)) throw new Error("This tape is damaged: it holds an event that a tape does not have.");
    frames += event.count ?? 0;
  }
  if (frames !== tape.frames || frames > MOST_FRAMES) throw new Error("This tape is damaged: its frames do not add up.");
  return tape;
}

/**
 * Play a tape from its beginning. Yields the dream, a taped one, after each dreamt frame.
 * @param {Tape} tape @param {Bundle} bundle @returns {AsyncGenerator<TapedDream, TapedDream>}
 */
export async function* replay(tape, bundle) {
  if (tape.manifest_sha256 !== bundle.digest) throw new Error(`This tape belongs to another dream: ${tape.bundle}.`);
  const dream = new TapedDream(bundle, tape.game ?? undefined);
  dream.change(tape.settings);
  await dream.reset(tape.seed, tape.start);
  const wanted = new Set(tape.events.map((event) => event.restore).filter((moment) => moment !== undefined));
  /** @type {Map<number, any>} */
  const kept = new Map();
  let moment = 0;
  const bytes = dream.ring.bytes + dream.frame.length;
  const keep = () => {
    if (!wanted.has(moment)) return;
    kept.set(moment, dream.snapshot());
    if (kept.size * bytes > MOST_KEPT_BYTES) throw new Error("This tape goes back to more moments than a page can keep.");
  };
  keep();
  for (const event of tape.events) {
    if (event.set) {
      dream.change(event.set);
      continue;
    }
    if (event.count) {
      for (let i = 0; i < event.count; i++) {
        await dream.step(Number(event.action));
        moment++;
        keep();
        yield dream;
      }
      continue;
    }
    if (event.reset) await dream.reset(...event.reset);
    else if (event.begin !== undefined) await dream.begin(event.begin, read(event.z, dream));
    else if (event.luck !== undefined) dream.changeLuck(event.luck);
    else if (event.z !== undefined && event.action === undefined) await dream.paint(read(event.z, dream));
    else if (event.z !== undefined) await dream.put(read(event.z, dream), Number(event.action));
    else if (kept.has(Number(event.restore))) dream.restore(kept.get(Number(event.restore)));
    else throw new Error(`This tape goes back to moment ${event.restore}, which it has not come to.`);
    moment++;
    keep();
  }
  return dream;
}

const KINDS = ["action count", "action z", "begin z", "luck", "reset", "restore", "set", "z"];

/** @param {TapeEvent} event */
const isOf5 = (event) => event.luck !== undefined || (event.z !== undefined && (event.action ?? event.begin) === undefined);

/** @param {any} event */
function isEvent(event) {
  if (!isObject(event) || !KINDS.includes(Object.keys(event).sort().join(" "))) return false;
  const { action = 0, count = 1, z = "", begin = 0, reset = [0, 0], restore = 0, luck = 0, set = {} } = event;
  const numbers = Array.isArray(reset) && reset.length === 2 ? [action, count, begin, restore, luck, ...reset] : [NaN];
  return numbers.every(isCount) && count > 0 && typeof z === "string" && isObject(set);
}

/** @param {unknown} value */
const isCount = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A representation as the base64 of its bytes, little-endian as every browser's machine is. @param {any} z */
function written(z) {
  let text = "";
  for (const byte of new Uint8Array(z.buffer, z.byteOffset, z.byteLength)) text += String.fromCharCode(byte);
  return btoa(text);
}

/** @param {string | undefined} text @param {Dream} dream */
function read(text, dream) {
  try {
    const bytes = Uint8Array.from(atob(text ?? ""), (character) => character.charCodeAt(0));
    return new ARRAYS[dream.bundle.manifest.representation.type](bytes.buffer);
  } catch {
    throw new Error("The tape puts in a frame that this dream cannot have.");
  }
}

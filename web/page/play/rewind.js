// The last seconds of a play, to go back through; as `reverie.engine.rewind`, with less memory.

/** Frames from one moment to the next. */
const EVERY = 10;
const MOST = 60;
const MOST_BYTES = 96 << 20;

/** @typedef {{snapshot: any, score: number, seed: number}} Moment */

/** How many moments are kept. @param {number} moment @param {number} frame bytes of each */
export const mostMoments = (moment, frame) => Math.min(MOST, Math.max(1, Math.floor(MOST_BYTES / (moment + EVERY * frame))));

export class Rewind {
  /** @type {{moment: Moment, frames: Uint8Array[]}[]} */
  #segments = [];
  /** Moments that are not needed. @type {Moment[]} */
  #spare;

  /** @param {Moment[]} spare as many as are kept at most: their memory is used, so a long play takes no more and leaves
   * no garbage */
  constructor(spare) {
    this.#spare = spare;
  }

  /** @param {Uint8Array} frame what is seen now
   * @param {(over: Moment) => Moment} moment gives its moment in the memory of another, and is asked when one is due */
  add(frame, moment) {
    const last = this.#segments.at(-1);
    if (last && last.frames.length < EVERY) {
      last.frames.push(frame);
      return;
    }
    const over = this.#spare.pop() ?? /** @type {{moment: Moment}} */ (this.#segments.shift()).moment;
    this.#segments.push({ moment: moment(over), frames: [frame] });
  }

  /** Forget the last few frames and return the picture before them; null where there is nothing to forget.
   * @param {number} frames */
  back(frames) {
    let went = 0;
    for (let last = this.#segments.at(-1); last && went < frames; last = this.#segments.at(-1)) {
      if (last.frames.length > 1) last.frames.pop();
      else if (this.#segments.length > 1) this.#forget();
      else break;
      went++;
    }
    return went ? (this.#segments.at(-1)?.frames.at(-1) ?? null) : null;
  }

  /** The last moment up to the present picture, to which it goes back. */
  moment() {
    const last = this.#segments[this.#segments.length - 1];
    last.frames.length = 1;
    return last.moment;
  }

  /** Forget everything. */
  clear() {
    while (this.#segments.length) this.#forget();
  }

  /** Forget the last moment and what followed. */
  #forget() {
    const last = this.#segments.pop();
    if (last) this.#spare.push(last.moment);
  }
}

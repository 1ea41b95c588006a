// The last seconds of a play, to go back through; as `reverie.app.play.rewind`, with less memory.

/** Frames from one moment to the next. */
const EVERY = 10;
const MOST = 60;
const MOST_BYTES = 96 << 20;

/** @typedef {{snapshot: any, score: number, seed: number, bytes: number}} Moment */

export class Rewind {
  /** @type {{moment: Moment, frames: Uint8Array[]}[]} */
  #segments = [];

  /** @param {Uint8Array} frame what is seen now @param {() => Moment} moment gives its moment, and is asked when one is due */
  add(frame, moment) {
    const last = this.#segments.at(-1);
    if (last && last.frames.length < EVERY) {
      last.frames.push(frame);
      return;
    }
    const here = moment();
    this.#segments.push({ moment: here, frames: [frame] });
    const bytes = here.bytes + EVERY * frame.length;
    while (this.#segments.length > MOST || (this.#segments.length > 1 && this.#segments.length * bytes > MOST_BYTES)) {
      this.#segments.shift();
    }
  }

  /** Forget the last few frames and return the picture before them; null where there is nothing to forget.
   * @param {number} frames */
  back(frames) {
    let went = 0;
    for (let last = this.#segments.at(-1); last && went < frames; last = this.#segments.at(-1)) {
      if (last.frames.length > 1) last.frames.pop();
      else if (this.#segments.length > 1) this.#segments.pop();
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
}

// Keys between two ticks: no press is lost, none counts twice; as `reverie.app.window.latch`.

const WAITING_PRESSES = 4;

export class Latch {
  /** @type {{key: string, action: string}[]} */
  #held = [];
  /** @type {{action: string, at: number}[]} */
  #presses = [];

  /** A key that means `action` went down. @param {string} key @param {string} action @param {number} at milliseconds */
  press(key, action, at) {
    this.release(key);
    this.#held.push({ key, action });
    this.#presses.push({ action, at });
    if (this.#presses.length > WAITING_PRESSES) this.#presses.shift();
  }

  /** A key went up. A press that no frame has answered yet stays. @param {string} key */
  release(key) {
    this.#held = this.#held.filter((held) => held.key !== key);
  }

  /** Forget everything, as when the page loses the keyboard. */
  clear() {
    this.#held = [];
    this.#presses = [];
  }

  /** Drop the presses that wait for a frame; what is held stays held. */
  forgetPresses() {
    this.#presses = [];
  }

  /** Whether a press waits for its frame. */
  get waiting() {
    return this.#presses.length > 0;
  }

  /** The action of the next frame, '' for no key, and when the press that it answers was made. */
  take() {
    return this.#presses.shift() ?? { action: this.#held.at(-1)?.action ?? "", at: null };
  }
}

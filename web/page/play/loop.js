// The clock: one action, one frame. As `reverie.app.play.game_loop`, a key press brings the next slot's frame forward;
// a late frame is made up for.
import { Latch } from "./latch.js";
import { isLate, nextDue } from "./schedule.js";

const RATE_FRAMES = 40;

/** @typedef {import("./session.js").Session} Session */
/** @typedef {{number: number, fps: number, ms: number, late: number, presses: number[]}} Figures */

/** Resolves when the messages that have come are read. A dream that is slower than its clock never waits, and without
 * this it would hear no key. A timer would do as well, but browsers make it wait for 4 ms. */
function messages() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(undefined);
    };
    port2.postMessage(null);
  });
}

export class Loop {
  /**
   * @param {Session} session @param {number} fps frames a second @param {boolean} paced whether it keeps to them
   * @param {(figures: Figures, frameMade: boolean) => void} show is called whenever there is something new
   * @param {(message: string) => void} say
   */
  constructor(session, fps, paced, show, say) {
    this.session = session;
    this.period = 1000 / fps;
    this.show = show;
    this.say = say;
    this.latch = new Latch();
    this.paced = paced;
    this.paused = false;
    this.rewinding = false;
    this.late = 0;
    this.frames = 0;
    this.ms = 0;
    this.faults = 0;
    this.steps = 0;
    /** @type {(() => Promise<string> | string)[]} */
    this.jobs = [];
    /** @type {number[]} when the last frames were made */
    this.made = [];
    this.toldEnd = false;
    this.wake = () => {};
  }

  /** @param {string} key @param {string} action @param {number} at */
  press(key, action, at) {
    this.latch.press(key, action, at);
    this.wake();
  }

  /** @param {boolean} paused */
  pause(paused) {
    if (this.paused && !paused) this.latch.forgetPresses();
    this.paused = paused;
    this.steps = 0;
    this.do(() => "");
  }

  /** Pause, and play one frame. */
  singleStep() {
    this.paused = true;
    this.steps++;
    this.wake();
  }

  /** Go back through what was played, or play on from there. @param {boolean} rewinding */
  rewind(rewinding) {
    if (this.rewinding === rewinding) return;
    this.rewinding = rewinding;
    this.toldEnd = false;
    if (!rewinding) {
      this.latch.forgetPresses();
      this.do(() => "");
    }
    this.wake();
  }

  /** Run a job between two frames. What it returns, or the message of its error, is shown. @param {() => Promise<string> | string} job */
  do(job) {
    this.jobs.push(job);
    this.wake();
  }

  /** Play for ever. Throws what no frame can be made after. */
  async run() {
    this.#shown(false, null);
    let due = performance.now();
    for (;;) {
      const job = this.jobs.shift();
      if (job) {
        await this.#run(job);
        due = Math.max(due, performance.now());
        continue;
      }
      const wait = this.#wait(due);
      if (wait > 0) {
        if (this.paused || this.rewinding) this.made = [];
        await this.#sleep(wait);
        if (this.paused && !this.rewinding) due = performance.now();
        continue;
      }
      if (this.rewinding) this.#back();
      else await this.#frame(due);
      due = nextDue(due, this.period, performance.now());
      await messages();
    }
  }

  /** Milliseconds until the next frame. @param {number} due */
  #wait(due) {
    if (this.rewinding) return due - performance.now();
    if (this.paused) return this.steps ? 0 : Infinity;
    if (!this.paced) return 0;
    return (this.latch.waiting ? due - this.period : due) - performance.now();
  }

  /** Sleep so long, or until `wake`. @param {number} wait */
  #sleep(wait) {
    return new Promise((resolve) => {
      const timer = wait < Infinity ? setTimeout(resolve, wait) : 0;
      this.wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }

  /** @param {number} due */
  async #frame(due) {
    const stepping = this.paused;
    this.steps = Math.max(0, this.steps - 1);
    const { action, at } = this.latch.take();
    const began = performance.now();
    const ended = await this.session.step(action);
    const now = performance.now();
    this.ms = now - began;
    this.frames++;
    if (this.paced && !stepping && isLate(due, began, this.period, now)) this.late++;
    this.made.push(now);
    if (this.made.length > RATE_FRAMES) this.made.shift();
    if (ended) this.say("game over");
    const { count, last } = this.session.dream.faults;
    if (count > this.faults) this.say(last);
    this.faults = count;
    this.#shown(true, at);
  }

  #back() {
    if (this.session.rewind()) this.#shown(false, null);
    else if (!this.toldEnd) {
      this.say("that is as far back as it goes");
      this.toldEnd = true;
    }
  }

  /** @param {() => Promise<string> | string} job */
  async #run(job) {
    let message;
    try {
      if (!this.rewinding) this.session.playOn();
      message = await job();
    } catch (error) {
      message = error instanceof Error ? error.message : String(error);
    }
    if (message) this.say(message);
    this.faults = this.session.dream.faults.count;
    this.#shown(false, null);
  }

  /** @param {boolean} frameMade @param {number | null} pressedAt */
  #shown(frameMade, pressedAt) {
    const { made } = this;
    const span = made.length > 1 ? made[made.length - 1] - made[0] : 0;
    const fps = span > 0 ? (1000 * (made.length - 1)) / span : 0;
    this.show({ number: this.frames, fps, ms: this.ms, late: this.late, presses: pressedAt === null ? [] : [pressedAt] }, frameMade);
  }
}

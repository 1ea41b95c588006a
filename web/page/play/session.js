// What is being played: one game of the dream or another, with the switches of the page. Lives in the worker.
import { stepped, shown } from "../engine/settings.js";
import { TapedDream, readTape, replay, tapeText } from "../engine/tape.js";
import { Rewind, mostMoments } from "./rewind.js";

/** Frames that the picture goes back in a tick: twice as fast as they were played. */
const REWIND_FRAMES = 2;

/** @typedef {import("../engine/dream.js").Bundle} Bundle */
/** @typedef {{dream: TapedDream, seed: number, score: number, saved: any, frame: Uint8Array}} Game */

export class Session {
  /** @type {Map<string, Game>} */
  #played = new Map();
  /** @type {Game} */
  game;
  /** Of the game that is played, since it was last opened. @type {Rewind} */
  #past;
  #rewound = false;

  /** @param {Bundle} bundle @param {string} name of the first game @param {number} seed @param {Record<string, any>} settings */
  static async begin(bundle, name, seed, settings) {
    const session = new Session(bundle, seed);
    session.game = await session.#begun(name, settings);
    const { ring, frame } = session.dream;
    const moments = Array.from({ length: mostMoments(ring.bytes, frame.length) }, () => session.#moment());
    session.#past = new Rewind(moments); // all the memory that it will take, from the beginning
    return session;
  }

  /** Use `begin`. @param {Bundle} bundle @param {number} seed */
  constructor(bundle, seed) {
    this.bundle = bundle;
    this.seed = seed;
    this.game = /** @type {any} */ (null);
    this.#past = new Rewind([]);
  }

  get dream() {
    return this.game.dream;
  }

  get frame() {
    return this.game.frame;
  }

  /** Play one action. @param {string} action by name; what the game does not have is no key @returns {Promise<boolean>} whether the round ended */
  async step(action) {
    const { game } = this;
    await game.dream.step(Math.max(0, game.dream.actions.indexOf(action)));
    game.score = game.dream.ended ? 0 : game.score + game.dream.reward;
    game.frame = game.dream.frame;
    this.#past.add(game.frame, (over) => this.#moment(over));
    return game.dream.ended;
  }

  // The switches. Each returns the message for the person.

  async newStart() {
    const { game } = this;
    game.seed++;
    game.score = 0;
    await game.dream.reset(game.seed);
    game.frame = game.dream.frame;
    return `new start, seed ${game.seed}`;
  }

  /** @param {string} name @param {number} by */
  changeSetting(name, by) {
    const [settings, message] = stepped(this.dream.settings, this.bundle.settings, name, by);
    this.dream.settings = settings;
    return message;
  }

  /** @param {string} name @param {string | number} value */
  set(name, value) {
    this.dream.change({ [name]: value });
    return "";
  }

  /** Jump to another game with the same settings. One that was played before goes on where it was left. @param {string} name */
  async openGame(name) {
    const { settings } = this.dream;
    this.playOn();
    const game = this.#played.get(name) ?? (await this.#begun(name, settings));
    this.#past.clear();
    game.dream.settings = settings;
    this.game = game;
    return "";
  }

  async nextGame() {
    const { games } = this.bundle.manifest;
    if (games.length === 1) return `this dream only has the game ${games[0]}`;
    return this.openGame(games[(games.indexOf(this.dream.game) + 1) % games.length]);
  }

  saveMoment() {
    this.game.saved = this.#moment();
    return "moment saved";
  }

  loadMoment() {
    if (!this.game.saved) return "no moment is saved yet";
    this.#returnTo(this.game.saved);
    return "back to the saved moment";
  }

  /** Show the picture before the last ones; false where what is kept does not go back further. */
  rewind() {
    const frame = this.#past.back(REWIND_FRAMES);
    if (!frame) return false;
    this.game.frame = frame;
    this.#rewound = true;
    return true;
  }

  /** After `rewind`, go on from the last moment up to the picture shown. */
  playOn() {
    if (!this.#rewound) return;
    this.#rewound = false;
    this.#returnTo(this.#past.moment());
  }

  /** The file of the tape of the game that is played, and its name. */
  tape() {
    const tape = this.dream.tape();
    return { name: `${fileName(this.bundle.manifest.name)}-${fileName(this.dream.game)}.tape`, text: tapeText(tape) };
  }

  /**
   * Play a tape to its end, and go on from there.
   * @param {string} text of its file @param {(dream: TapedDream) => Promise<void>} show is called with each frame
   * @returns {Promise<string>} what came of it
   */
  async playTape(text, show) {
    const tape = readTape(text);
    const frames = replay(tape, this.bundle);
    let next = await frames.next();
    this.playOn();
    this.#past.clear();
    for (; !next.done; next = await frames.next()) await show(next.value);
    const dream = next.value;
    const game = { dream, seed: tape.seed, score: 0, saved: null, frame: dream.frame };
    this.game = game;
    this.#played.set(dream.game, game);
    this.#past.add(game.frame, (over) => this.#moment(over));
    const same = dream.tape().frames_sha256 === tape.frames_sha256;
    return `${tape.frames} frames played, ${same ? "the same as on the tape" : "and some pixels differ from the tape's"}`;
  }

  /** What the HUD shows now. */
  status() {
    const { dream, seed, score } = this.game;
    const { manifest, settings, dynamics } = this.bundle;
    return {
      game: dream.game,
      actions: dream.actions,
      settings: dream.settings,
      shown: shown(dream.settings, settings),
      history: dream.history,
      slots: manifest.history,
      seed,
      score: dynamics.rewards ? score : null,
      timings: dream.timings,
      faults: dream.faults.count,
      fault: dream.faults.last,
    };
  }

  /** @param {string} name @param {Record<string, any>} settings @returns {Promise<Game>} */
  async #begun(name, settings) {
    const dream = new TapedDream(this.bundle, name);
    dream.change(settings);
    await dream.reset(this.seed);
    const game = { dream, seed: this.seed, score: 0, saved: null, frame: dream.frame };
    this.#played.set(name, game);
    return game;
  }

  /** @param {import("./rewind.js").Moment} [over] one that is no longer needed, whose memory is used again */
  #moment(over) {
    const { dream, score, seed } = this.game;
    return { snapshot: dream.snapshot(over?.snapshot), score, seed };
  }

  /** @param {import("./rewind.js").Moment} moment */
  #returnTo({ snapshot, score, seed }) {
    const { game } = this;
    game.dream.restore(snapshot);
    Object.assign(game, { score, seed, frame: game.dream.frame });
  }
}

/** A name that every file system takes. @param {string} name */
export const fileName = (name) => name.replace(/[^\w.-]+/g, "-").replace(/^[.-]+/, "").slice(0, 64) || "dream";

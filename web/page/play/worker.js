// The worker: opens the dream, plays it, and tells the page. The page draws and listens.
//
// Messages in: {do, ...}, see `orders`. Messages out: {tell: "progress" | "picture" | "opened" | "frame" | "chosen" | "say" | "file" | "played" | "failed"}.
import { openBundle } from "../engine/bundle.js";
import { Dream } from "../engine/dream.js";
import { Sha256 } from "../engine/sha256.js";
import { chooseMode } from "./choose.js";
import { sentence } from "./failure.js";
import { Loop } from "./loop.js";
import { Session } from "./session.js";

/** @type {Loop} */
let loop;
/** @type {Session} */
let session;

/** @type {Record<string, (order: any) => void>} */
const orders = {
  open: (order) => void open(order).catch(failed),
  begin: () => void loop.run().catch(failed),
  press: ({ key, action, at }) => loop.press(key, action, at - performance.timeOrigin),
  release: ({ key }) => loop.latch.release(key),
  forget: () => loop.latch.clear(),
  pause: ({ paused }) => loop.pause(paused),
  step: () => loop.singleStep(),
  rewind: ({ rewinding }) => loop.rewind(rewinding),
  start: () => loop.do(() => session.newStart()),
  change: ({ name, by }) => loop.do(() => session.changeSetting(name, by)),
  set: ({ name, value }) => loop.do(() => session.set(name, value)),
  game: ({ name }) => loop.do(() => (name ? session.openGame(name) : session.nextGame())),
  save: () => loop.do(() => session.saveMoment()),
  load: () => loop.do(() => session.loadMoment()),
  tape: () => loop.do(tape),
  play: ({ text }) => loop.do(() => play(text)),
};

self.addEventListener("message", ({ data }) => {
  if (data.do === "open" || loop) orders[data.do]?.(data);
});

/** @param {{site: any, root: string, threads: number, paced: boolean, game: string, seed: number, settings: Record<string, any>}} order */
async function open({ site, root, threads, paced, game, seed, settings }) {
  const bundle = await openBundle(site, root, threads, (done, total, what) => tell("progress", { done, total, what }));
  const dream = new Dream(bundle, game);
  tell("picture", { size: bundle.manifest.resolution, frame: dream.startPicture(seed % dream.starts.length) });
  session = await Session.begin(bundle, game, seed, settings);
  loop = new Loop(session, bundle.manifest.fps, paced, show, (message) => tell("say", { message }));
  tell("opened", { name: bundle.manifest.name, fps: bundle.manifest.fps, size: bundle.manifest.resolution });
  loop.do(() => choose(settings)); // after the first picture
}

/** @param {Record<string, any>} asked settings by name */
async function choose(asked) {
  const chosen = await chooseMode(session.dream, asked);
  session.dream.change(chosen.settings);
  tell("chosen", { message: chosen.message });
  return "";
}

/** @param {import("./loop.js").Figures} figures @param {boolean} frameMade */
function show(figures, frameMade) {
  const { paused, rewinding } = loop;
  const frame = session.frame.slice();
  const presses = figures.presses.map((at) => at + performance.timeOrigin);
  tell("frame", { frame, frameMade, paused, rewinding, figures: { ...figures, presses }, status: session.status() }, [frame.buffer]);
}

function tape() {
  tell("file", session.tape());
  return "";
}

/** @param {string} text */
async function play(text) {
  const hash = new Sha256();
  const message = await session.playTape(text, async (dream) => {
    hash.add(new Uint8Array(dream.z.buffer, dream.z.byteOffset, dream.z.byteLength));
    session.game = { ...session.game, dream, frame: dream.frame };
    loop.frames++;
    show({ number: loop.frames, fps: 0, ms: 0, late: 0, presses: [] }, true);
    await new Promise((resolve) => setTimeout(resolve));
  });
  tell("played", { message, z_sha256: hash.hex() });
  return message;
}

/** @param {unknown} error */
function failed(error) {
  tell("failed", { message: sentence(error) });
}

/** @param {string} what @param {any} content @param {Transferable[]} [transfer] */
function tell(what, content, transfer = []) {
  self.postMessage({ tell: what, ...content }, { transfer });
}

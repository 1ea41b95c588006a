// The page: starts the worker, draws what it tells, and hands it keys, thumbs and files.
import { openHelp, openSettings } from "./dialogs.js";
import * as gamepad from "./gamepad.js";
import { Hud } from "./hud.js";
import { keysOf, lookup, meaning, rows } from "./keys.js";
import { inTime, keepEverything, startOffline } from "./offline.js";
import * as pads from "./pads.js";
import { Saving, download, listenForTapes } from "./saving.js";
import { Screen } from "./screen.js";

/** @typedef {Record<string, import("../engine/settings.js").Setting>} Settings */

const MOST_THREADS = 4;
const ROOT = new URL("../", import.meta.url).href;

/** @param {string} id @returns {any} */
const element = (id) => document.getElementById(id);

const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
const hud = new Hud();
const screen = new Screen(element("picture"), element("stage"));
/** @type {Worker | undefined} */
let worker;
/** @type {any} what `site.json` holds */
let site;
/** @type {Saving} */
let saving;
/** @type {any} the last message that held a frame */
let shot = null;
let dream = "";
let threads = 1;
let waits = false;
let failed = false;
let begun = false;
/** @type {Promise<void>} */
let offline = Promise.resolve();
let playing = "";
/** @type {Record<string, string[]>} */
let keys = {};
/** @type {Map<string, string>} */
let does = new Map();
let plan = pads.layout([], {});

/** @param {string} what @param {Record<string, any>} [content] */
const order = (what, content = {}) => worker?.postMessage({ do: what, ...content });

/** What keys and buttons do, beside playing. @type {Record<string, () => void>} */
const deeds = {
  "next game": () => order("game"),
  "new start": () => order("start"),
  "save moment": () => order("save"),
  "load moment": () => order("load"),
  pause: () => order("pause", { paused: !shot.paused }),
  step: () => order("step"),
  gif: () => saving.saveRecent(fileName()),
  record: () => saving.toggle(fileName()),
  tape: () => order("tape"),
  "open tape": () => element("choose").click(),
  hud: () => void hud.toggle(),
  help: () => help(),
  settings: () => settings(),
  fullscreen: () => void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.()),
};

/** Buttons of the toolbar: what they do, and their words. @type {[string, string][]} */
const TOOLS = [
  ["pause", "pause"],
  ["step", "step"],
  ["rewind", "rewind"],
  ["new start", "new start"],
  ["next game", "next game"],
  ["save moment", "save"],
  ["load moment", "back"],
  ["gif", "GIF"],
  ["record", "record"],
  ["tape", "get tape"],
  ["open tape", "play tape"],
  ["settings", "settings"],
  ["fullscreen", "full screen"],
  ["help", "help"],
];

void begin().catch((error) => fail(error instanceof Error ? error.message : String(error)));

async function begin() {
  element("file").hidden = true;
  if (!supported()) throw new Error("This browser lacks SIMD for WebAssembly, which the dream needs: use a newer one.");
  worker = new Worker(new URL("../play/worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => {
    if (!failed) hear[data.tell]?.(data);
  };
  worker.onerror = () => fail("The page's program could not be loaded: load the page again.");
  const response = await fetch(`${ROOT}site.json`).catch(() => null);
  if (!response?.ok) throw new Error("site.json could not be loaded: share the dream again, or go online.");
  site = await response.json();
  offline = startOffline(site.isolated, () => !begun);
  if (site.isolated) await inTime(offline); // it may be loaded once more: nothing is downloaded twice
  const wanted = new URLSearchParams(location.search);
  const cores = navigator.hardwareConcurrency || 1;
  const most = Math.min(Number(wanted.get("threads")) || cores - 1, cores, MOST_THREADS); // a core is left to the page
  threads = crossOriginIsolated ? Math.max(1, most) : 1;
  const names = Object.keys(site.games);
  const game = wanted.get("game") ?? "";
  const seed = Number(wanted.get("seed") ?? Math.floor(Math.random() * 2 ** 31));
  const paced = wanted.get("pace") !== "free";
  order("open", { site, root: ROOT, threads, paced, game: names.includes(game) ? game : names[0], seed, settings: asked(wanted) });
}

/** The settings that the page's address asks for. @param {URLSearchParams} wanted */
function asked(wanted) {
  const known = Object.entries(/** @type {Settings} */ (site.settings));
  const named = known.filter(([name]) => wanted.has(name));
  return Object.fromEntries(named.map(([name, spec]) => [name, spec.choices ? wanted.get(name) : Number(wanted.get(name))]));
}

/** What the worker tells. @type {Record<string, (told: any) => void>} */
const hear = {
  progress({ done, total, what }) {
    element("progress").value = done / total;
    element("what").textContent = `${what}… ${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`;
  },
  picture(told) {
    screen.open(told.size);
    screen.draw(told.frame);
  },
  async opened(told) {
    dream = told.name;
    saving = new Saving(told.size, told.fps, (words) => hud.say(words));
    await inTime(offline); // where there is a newer build, that one is played
    begun = true;
    order("begin");
  },
  frame(told) {
    const before = shot;
    shot = told;
    if (told.status.game !== playing) follow(told.status);
    screen.draw(told.frame);
    if (!before) reveal();
    if (told.frameMade) saving.add(told.frame, fileName());
    const { paused, rewinding } = told;
    hud.pills({ DREAM: true, PAUSED: paused && !rewinding, REWIND: rewinding, REC: saving.recording });
    hud.show(told.figures, told.status, paused || !before || before.status.shown !== told.status.shown);
    document.documentElement.dataset.frames = told.figures.number; // for a test
    document.querySelector('[data-tool="pause"]')?.setAttribute("aria-pressed", String(paused));
  },
  chosen({ message }) {
    if (message) greet(`${message[0].toUpperCase()}${message.slice(1)}.`);
    void keepEverything(site.isolated);
  },
  say: ({ message }) => hud.say(message),
  file: ({ name, text }) => {
    download(name, text, "application/json");
    hud.say(`saved ${name}`);
  },
  played: (told) => void (document.documentElement.dataset.played = told.z_sha256), // for a test: of all representations
  failed: ({ message }) => fail(message),
};

/** The first picture is there: from now on it can be played. */
function reveal() {
  element("loading").hidden = true;
  element("tools").hidden = false;
  makeTools(Object.keys(site.games).length > 1);
  screen.fit();
  listen();
  if (lessMotion.matches) order("pause", { paused: true });
  greet();
  element("stage").focus({ preventScroll: true });
}

/** What a person has to know at first. @param {string} [more] */
function greet(more = "") {
  const waiting = lessMotion.matches ? "Your system asks for less motion: the dream waits for the key P or the button pause." : "";
  hud.say([site.games[playing].goal, more, waiting].filter(Boolean).join(" "));
}

/** Nothing can be played any more. @param {string} message */
function fail(message) {
  failed = true;
  worker?.terminate();
  element("loading").hidden = false;
  element("progress").hidden = true;
  element("what").textContent = message;
  element("what").setAttribute("role", "alert");
  if (shot) hud.say(message, true);
}

/** Keys, thumbs and title of the game that is played. @param {any} status */
function follow(status) {
  const game = site.games[(playing = status.game)];
  keys = keysOf(game, (what) => status.actions.includes(what) || what === "rewind" || Object.hasOwn(deeds, what) || !!settingOf(what));
  does = lookup(keys);
  plan = pads.layout(status.actions, keys);
  pads.fill(element("arrows"), element("buttons"), plan);
  hud.title(game.title, dream);
  hud.say(game.goal);
}

function listen() {
  /** @param {string} key @param {string} action */
  const press = (key, action) => order("press", { key, action, at: performance.timeOrigin + performance.now() });
  /** @param {string} key */
  const release = (key) => order("release", { key });
  addEventListener("keydown", (event) => {
    const what = meaning(does, event);
    if (!what || document.querySelector("dialog[open]")) return;
    const action = shot.status.actions.slice(1).includes(what);
    if (isControl(event.target) && !(action && event.target instanceof HTMLButtonElement && !/^( |Enter)$/.test(event.key))) return;
    event.preventDefault();
    if (event.repeat) return;
    if (action) press(event.code, what);
    else if (what === "rewind") order("rewind", { rewinding: true });
    else if (deeds[what]) deeds[what]();
    else change(what);
  });
  addEventListener("keyup", (event) => {
    release(event.code);
    if (does.get(event.key.toLowerCase()) === "rewind") order("rewind", { rewinding: false });
  });
  addEventListener("blur", forget);
  document.addEventListener("visibilitychange", () => {
    forget();
    if (document.hidden) hold();
    else goOn();
  });
  for (const name of ["arrows", "buttons"]) pads.listen(element(name), press, release);
  addEventListener("pointerdown", (event) => showPads(event.pointerType === "touch"));
  showPads(matchMedia("(pointer: coarse)").matches);
  gamepad.listen(() => plan, press, release, (what, down) => {
    if (what === "rewind") order("rewind", { rewinding: down });
    else if (down) deeds[what]?.();
  });
  for (const dialog of [element("help"), element("settings")]) dialog.addEventListener("close", goOn);
  listenForTapes(element("choose"), (text) => order("play", { text }));
}

/** The setting of the dream that a key changes, and by how many steps. @param {string} what @returns {[string, number] | null} */
function settingOf(what) {
  for (const [name, setting] of Object.entries(/** @type {Settings} */ (site.settings))) {
    const at = setting.keys.findIndex((key) => key.name === what);
    if (at >= 0) return [name, setting.keys.length === 2 && at === 0 ? -1 : 1];
  }
  return null;
}

/** A key that changes a setting of the dream. @param {string} what */
function change(what) {
  const [name, by] = settingOf(what) ?? ["", 0];
  if (name) order("change", { name, by });
}

/** @param {EventTarget | null} target */
function isControl(target) {
  return target instanceof HTMLButtonElement || target instanceof HTMLSelectElement || target instanceof HTMLInputElement;
}

/** @param {boolean} wanted */
function showPads(wanted) {
  if (!wanted || !element("arrows").hidden) return;
  element("arrows").hidden = element("buttons").hidden = false;
  screen.fit();
}

/** @param {boolean} several games */
function makeTools(several) {
  const bar = element("tools");
  for (const [what, words] of TOOLS) {
    if (what === "next game" && !several) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words;
    button.dataset.tool = what;
    if (what === "rewind") holdable(button);
    else button.addEventListener("click", () => deeds[what]());
    bar.append(button);
  }
}

/** Rewind goes on while the button is held. @param {HTMLButtonElement} button */
function holdable(button) {
  /** @param {boolean} rewinding */
  const rewind = (rewinding) => {
    button.classList.toggle("held", rewinding);
    order("rewind", { rewinding });
  };
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    rewind(true);
  });
  for (const end of ["pointerup", "pointercancel", "keyup", "blur"]) button.addEventListener(end, () => rewind(false));
  button.addEventListener("keydown", (event) => {
    if (/^( |Enter)$/.test(event.key) && !event.repeat) rewind(true);
  });
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}

function help() {
  hold();
  const several = Object.keys(site.games).length > 1;
  const game = site.games[playing];
  const isolation = crossOriginIsolated ? "" : " (more need a host that isolates the page)";
  const notes = [
    `This is a dream: a neural network draws each picture from the last ones and your key. It runs in this browser, on ${threads} ${threads === 1 ? "thread" : "threads"} of the processor${isolation}. Nothing is sent anywhere.`,
    "A tape replays a dream exactly, here and in Reverie. Drop one on this page to see it.",
  ];
  openHelp(element("help"), game.title, game.goal, rows(keys, shot.status.actions, site.explained, several), notes);
}

function settings() {
  hold();
  const games = Object.fromEntries(Object.entries(site.games).map(([name, game]) => [name, game.title]));
  const { status } = shot;
  openSettings(element("settings"), site.settings, status.settings, games, status.game, set, (name) => order("game", { name }));
}

/** @param {string} name @param {string | number} value */
const set = (name, value) => order("set", { name, value });

/** Wait, whatever the person does meanwhile. */
function hold() {
  if (!shot || waits) return;
  forget();
  if (!shot.paused) {
    waits = true;
    order("pause", { paused: true });
  }
}

/** Go on after `hold`. */
function goOn() {
  if (!waits || document.hidden || document.querySelector("dialog[open]")) return;
  waits = false;
  order("pause", { paused: false });
}

function forget() {
  order("forget");
  order("rewind", { rewinding: false });
}

/** A name for a file, without an ending. */
function fileName() {
  const name = `${dream}-${playing}`.replace(/[^\w.-]+/g, "-").slice(0, 64);
  return name.replace(/^[.-]+/, "") || "dream";
}

/** Whether WebAssembly here has SIMD: a module of one function that splats a number. */
function supported() {
  const code = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(code));
}

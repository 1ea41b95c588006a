// Which key does what: names of keys as in keys.json, and what the browser calls them.

/** @type {Record<string, string>} */
const BROWSER = {
  up: "arrowup",
  down: "arrowdown",
  left: "arrowleft",
  right: "arrowright",
  space: " ",
  return: "enter",
  backspace: "backspace",
  escape: "escape",
};
/** Keys of the window that belong to the browser or to the keyboard's focus. */
const TAKEN = ["tab", "left ctrl", "f5", "f11"];
/** Where the page's keys are not the window's. @type {Record<string, string[]>} */
const OWN = { "save moment": ["f8"], "load moment": ["f9"], fullscreen: ["f"], tape: ["t"] };
/** @type {Record<string, string>} */
const OWN_WORDS = { fullscreen: "full screen", tape: "download the tape" };
/** @type {Record<string, string>} */
const SHOWN = { up: "↑", down: "↓", left: "←", right: "→", return: "Enter", space: "Space", backspace: "Backspace" };
const ARROWS = ["up", "down", "left", "right"];

/** @typedef {{title: string, goal: string, keys: Record<string, string[]>}} GameInfo */

/** What to do -> names of keys, for one game.
 * @param {GameInfo} game @param {(what: string) => boolean} can whether the page can do it: the window can do more
 * @returns {Record<string, string[]>} */
export function keysOf(game, can) {
  /** @type {Record<string, string[]>} */
  const keys = {};
  for (const [what, names] of Object.entries(game.keys)) {
    if (can(what) && !Object.hasOwn(OWN, what)) keys[what] = names.filter((name) => !TAKEN.includes(name));
  }
  const used = new Set(Object.values(keys).flat());
  for (const [what, names] of Object.entries(OWN)) keys[what] = names.filter((name) => !used.has(name));
  return keys;
}

/** The browser's name of each key -> what it does. @param {Record<string, string[]>} keys */
export function lookup(keys) {
  /** @type {Map<string, string>} */
  const does = new Map();
  for (const [what, names] of Object.entries(keys)) for (const name of names) does.set(BROWSER[name] ?? name, what);
  return does;
}

/** What a key does. @param {Map<string, string>} does @param {KeyboardEvent} event */
export function meaning(does, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
  const letter = /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : "";
  return does.get(event.key.toLowerCase()) ?? does.get(letter); // a letter by its place where the keyboard has others
}

/** The rows of the help: keys and what they do.
 * @param {Record<string, string[]>} keys @param {string[]} actions @param {Record<string, string>} explained @param {boolean} several games
 * @returns {[string, string][]} */
export function rows(keys, actions, explained, several) {
  /** @param {string} what */
  const shown = (what) => (keys[what] ?? []).map((name) => SHOWN[name] ?? (name.length === 1 ? name.toUpperCase() : capital(name))).join(" ");
  const plain = actions.slice(1).every((action) => ARROWS.includes(action) || action === "a");
  const arrows = ARROWS.filter((action) => actions.includes(action));
  /** @type {[string, string][]} */
  const found = plain
    ? [[arrows.map(shown).join(" "), "play"]]
    : actions.slice(1).map((action) => [shown(action), action.replaceAll("_", " ")]);
  for (const [what, words] of [...Object.entries(explained), ...Object.entries(OWN_WORDS)]) {
    if ((what === "a" && !(plain && actions.includes("a"))) || (what === "next game" && !several)) continue;
    if (shown(what) && !found.some(([, known]) => known === words)) found.push([shown(what), words]);
  }
  return found;
}

/** @param {string} word */
const capital = (word) => word[0].toUpperCase() + word.slice(1);

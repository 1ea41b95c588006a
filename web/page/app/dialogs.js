// Help and settings. The dream waits while one of them is open.

/** @typedef {import("../engine/settings.js").Setting} Setting */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {Record<string, any>} [properties] @param {(Node | string)[]} [content]
 * @returns {HTMLElementTagNameMap[K]}
 */
function element(name, properties = {}, content = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...content);
  return made;
}

/** @param {HTMLDialogElement} dialog @param {string} title @param {Node[]} content */
function open(dialog, title, content) {
  const close = element("button", { type: "button", textContent: "close", onclick: () => dialog.close() });
  dialog.replaceChildren(element("h2", { textContent: title }), ...content, close);
  if (!dialog.open) dialog.showModal();
  close.focus({ preventScroll: true });
  dialog.scrollTop = 0;
}

/**
 * The game's title, what to do in it, the keys, and what runs here.
 * @param {HTMLDialogElement} dialog @param {string} title @param {string} goal @param {[string, string][]} rows
 * @param {string[]} notes
 */
export function openHelp(dialog, title, goal, rows, notes) {
  const list = rows.flatMap(([keys, words]) => [element("dt", { textContent: keys }), element("dd", { textContent: words })]);
  const told = [goal, ...notes].filter(Boolean).map((words) => element("p", { textContent: words }));
  open(dialog, title, [...told.slice(0, 1), element("dl", {}, list), ...told.slice(1)]);
}

/**
 * A control for each setting, and one for the game.
 * @param {HTMLDialogElement} dialog @param {Record<string, Setting>} specs @param {Record<string, any>} values
 * @param {Record<string, string>} games name -> title @param {string} game that is played
 * @param {(name: string, value: string | number) => void} set @param {(name: string) => void} play
 */
export function openSettings(dialog, specs, values, games, game, set, play) {
  const form = element("form", { method: "dialog" });
  if (Object.keys(games).length > 1) form.append(...choice("game", "which game is dreamt", games, game, play));
  for (const [name, spec] of Object.entries(specs)) {
    if (spec.choices) {
      if (spec.choices.length < 2) continue;
      const words = Object.fromEntries(spec.choices.map((value) => [value, spec.names[value] ?? value]));
      form.append(...choice(spec.title, spec.help, words, values[name], (value) => set(name, value)));
    } else form.append(...number(spec, values[name], (value) => set(name, value)));
  }
  open(dialog, "Settings", [form]);
}

/** @param {string} title @param {string} help @param {Record<string, string>} words value -> words @param {string} value
 * @param {(value: string) => void} set */
function choice(title, help, words, value, set) {
  const options = Object.entries(words).map(([name, shown]) => element("option", { value: name, textContent: shown, selected: name === value }));
  const select = element("select", { title: help, ariaLabel: title, onchange: () => set(select.value) }, options);
  return [element("span", { textContent: title, title: help }), select, element("span")];
}

/** @param {Setting} spec @param {number} value @param {(value: number) => void} set */
function number(spec, value, set) {
  const figures = spec.whole ? 0 : 2;
  const output = element("output", { textContent: Number(value).toFixed(figures) });
  // A range to 65 passes would leave no room for the few that matter.
  const highest = spec.whole ? Math.min(Number(spec.highest), 16) : Number(spec.highest);
  const range = element("input", { type: "range", title: spec.help, ariaLabel: spec.title });
  Object.assign(range, { min: spec.lowest, max: highest, step: spec.step });
  range.value = String(value);
  range.oninput = () => {
    output.textContent = Number(range.value).toFixed(figures);
    set(Number(range.value));
  };
  return [element("span", { textContent: spec.title, title: spec.help }), range, output];
}

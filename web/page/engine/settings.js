// The settings of a running dream, as `reverie.engine.settings` and `reverie.app.play.switches`.
//
// A setting of `site.json` is what the manifest declares of it (default, choices, lowest, highest) and how its family
// names and shows it (title, help, step, show, message, one, names, when, keys). `whole`: every value is a whole number.

/** @typedef {string | number} Value */
/** @typedef {Record<string, Value>} Settings */
/** @typedef {{default: Value, choices: string[] | null, lowest: number | null, highest: number | null, title: string,
 *   help: string, step: number, show: string, message: string, one: string, names: Record<string, string>,
 *   whole: boolean, when: Record<string, Value[]>, keys: {name: string, key: string, help: string}[]}} Setting */

/** The settings that a dream opens with. @param {Record<string, Setting>} specs @returns {Settings} */
export function defaults(specs) {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, spec.default]));
}

/** The chosen values over the settings. @param {Settings} settings @param {Record<string, Setting>} specs
 * @param {unknown} chosen @returns {Settings} */
export function changed(settings, specs, chosen) {
  const given = Object.entries(/** @type {Settings} */ (chosen ?? {}));
  for (const [name, value] of given) {
    const spec = Object.hasOwn(specs, name) ? specs[name] : null;
    if (!spec) throw new Error(`This dream has no setting ${name}.`);
    if (!fits(spec, value)) throw new Error(`This dream has no ${spec.title} ${value}.`);
  }
  return { ...settings, ...Object.fromEntries(given) };
}

/** @param {Setting} spec @param {unknown} value */
function fits(spec, value) {
  if (spec.choices) return typeof value === "string" && spec.choices.includes(value);
  if (typeof value !== "number" || !(value >= Number(spec.lowest) && value <= Number(spec.highest))) return false;
  return !spec.whole || Number.isInteger(value);
}

/** Go to the next choice, or change a number by so many of its steps. Returns the new settings and the message.
 * @param {Settings} settings @param {Record<string, Setting>} specs @param {string} name @param {number} by
 * @returns {[Settings, string]} */
export function stepped(settings, specs, name, by) {
  const spec = Object.hasOwn(specs, name) ? specs[name] : null;
  if (!spec) return [settings, `this dream has no ${name}`];
  if (spec.choices) {
    if (spec.choices.length < 2) return [settings, `this dream only has the ${spec.title} ${spec.choices[0]}`];
    const value = spec.choices[(spec.choices.indexOf(String(settings[name])) + 1) % spec.choices.length];
    return [{ ...settings, [name]: value }, says(spec, value)];
  }
  if (!matters(spec, settings)) {
    const [other, values] = Object.entries(spec.when)[0];
    return [settings, `${spec.title} ${spec.title.endsWith("s") ? "are" : "is"} for the ${other} ${values[0]}`];
  }
  const near = Number(settings[name]) + by * spec.step;
  const value = Number(Math.min(Math.max(near, Number(spec.lowest)), Number(spec.highest)).toFixed(6));
  return [{ ...settings, [name]: value }, says(spec, value)];
}

/** Whether a setting has an effect beside the others. @param {Setting} spec @param {Settings} settings */
export function matters(spec, settings) {
  return Object.entries(spec.when).every(([name, values]) => values.includes(settings[name]));
}

/** The message for a person who has just set it. @param {Setting} spec @param {Value} value */
export function says(spec, value) {
  if (spec.one && value === 1) return spec.one;
  const shown = typeof value === "string" && Object.hasOwn(spec.names, value) ? spec.names[value] : value;
  return spec.message ? formatted(spec.message, shown) : `${spec.title}: ${shown}`;
}

/** The settings in one line for the HUD. @param {Settings} settings @param {Record<string, Setting>} specs */
export function shown(settings, specs) {
  let line = "";
  for (const [name, spec] of Object.entries(specs)) {
    const value = settings[name];
    if (!spec.show || !matters(spec, settings) || (spec.one && value === 1)) continue;
    const word = formatted(spec.show, value);
    line += (line === "" ? "" : word.startsWith("×") ? " " : "  ") + word;
  }
  return line;
}

/** Python's str.format of one value: `{}` or `{:.2f}`. @param {string} pattern @param {Value} value */
function formatted(pattern, value) {
  return pattern.replace(/\{(?::\.(\d)f)?\}/, (_, digits) => (digits ? Number(value).toFixed(Number(digits)) : `${value}`));
}

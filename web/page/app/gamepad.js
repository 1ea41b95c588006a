// Gamepads. They are asked once a picture, and only while one is there.

/** Buttons of the standard layout. @type {Record<number, string>} */
const ARROWS = { 12: "up", 13: "down", 14: "left", 15: "right" };
/** @type {Record<number, string>} */
const TOOLS = { 4: "rewind", 5: "step", 8: "new start", 9: "pause" };
const FACE = [0, 1, 2, 3];
const THROW = 0.5;

/**
 * @param {() => {arrows: Record<string, string>, rest: string[]}} plan what the pad plays, see `pads.layout`
 * @param {(key: string, action: string) => void} press @param {(key: string) => void} release
 * @param {(what: string, down: boolean) => void} tool
 */
export function listen(plan, press, release, tool) {
  /** @type {Set<string>} */
  let held = new Set();
  let asking = false;
  const ask = () => {
    const pads = navigator.getGamepads().filter((pad) => pad !== null);
    const now = new Set(pads.flatMap((pad) => pressed(pad)));
    const { arrows, rest } = plan();
    for (const name of now) {
      if (held.has(name)) continue;
      const action = arrows[name] ?? (name.startsWith("face") ? rest[Number(name.slice(4))] : undefined);
      if (action) press(`gamepad ${name}`, action);
      else tool(name, true);
    }
    for (const name of held) {
      if (now.has(name)) continue;
      release(`gamepad ${name}`);
      tool(name, false);
    }
    held = now;
    asking = pads.length > 0;
    if (asking) requestAnimationFrame(ask);
  };
  addEventListener("gamepadconnected", () => {
    if (!asking) requestAnimationFrame(ask); // another one is asked with the first
    asking = true;
  });
}

/** What is held, by name. @param {Gamepad} pad @returns {string[]} */
export function pressed(pad) {
  const names = [];
  pad.buttons.forEach((button, i) => {
    if (!button.pressed) return;
    if (ARROWS[i]) names.push(ARROWS[i]);
    else if (TOOLS[i]) names.push(TOOLS[i]);
    else if (FACE.includes(i)) names.push(`face${i}`);
  });
  const [x = 0, y = 0] = pad.axes;
  if (Math.max(Math.abs(x), Math.abs(y)) > THROW) {
    names.push(Math.abs(x) > Math.abs(y) ? (x < 0 ? "left" : "right") : y < 0 ? "up" : "down");
  }
  return names;
}

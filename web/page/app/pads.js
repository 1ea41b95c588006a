// Thumbs: arrows and buttons for the game's actions. A thumb may slide from one to the next.

const ARROWS = ["up", "down", "left", "right"];
/** @type {Record<string, string>} */
const SIGNS = { up: "↑", down: "↓", left: "←", right: "→" };

/** Which action each arrow plays, and the actions that need a button of their own.
 * @param {string[]} actions @param {Record<string, string[]>} keys of the game
 * @returns {{arrows: Record<string, string>, rest: string[]}} */
export function layout(actions, keys) {
  /** @type {Record<string, string>} */
  const arrows = {};
  for (const action of actions.slice(1)) {
    const arrow = action === "a" ? undefined : ARROWS.find((name) => keys[action]?.includes(name) && !arrows[name]);
    if (arrow) arrows[arrow] = action;
  }
  return { arrows, rest: actions.slice(1).filter((action) => !Object.values(arrows).includes(action)) };
}

/**
 * Fill both pads for a game.
 * @param {HTMLElement} arrows @param {HTMLElement} buttons @param {ReturnType<typeof layout>} plan
 */
export function fill(arrows, buttons, plan) {
  arrows.replaceChildren(
    ...ARROWS.filter((name) => plan.arrows[name]).map((name) => {
      const button = made(plan.arrows[name], SIGNS[name]);
      button.dataset.arrow = name;
      return button;
    }),
  );
  buttons.replaceChildren(...plan.rest.map((action) => made(action, action.replaceAll("_", " ").toUpperCase())));
}

/** @param {string} action @param {string} words */
function made(action, words) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.action = action;
  button.textContent = words;
  button.ariaLabel = action.replaceAll("_", " ");
  return button;
}

/**
 * Listen to a pad.
 * @param {HTMLElement} pad @param {(key: string, action: string) => void} press @param {(key: string) => void} release
 */
export function listen(pad, press, release) {
  /** @type {Map<number, HTMLElement>} */
  const held = new Map();
  /** @param {PointerEvent} event */
  const follow = (event) => {
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-action]");
    const button = under instanceof HTMLElement && pad.contains(under) ? under : null;
    const before = held.get(event.pointerId);
    if (button === before || (!button && before)) return; // between two buttons the last one stays held
    if (before) let_go(event.pointerId);
    if (!button) return;
    held.set(event.pointerId, button);
    button.classList.add("held");
    press(`pad${event.pointerId}`, button.dataset.action ?? "");
    navigator.vibrate?.(8);
  };
  /** @param {number} pointer */
  const let_go = (pointer) => {
    held.get(pointer)?.classList.remove("held");
    held.delete(pointer);
    release(`pad${pointer}`);
  };
  pad.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    if (pad.hasPointerCapture?.(event.pointerId)) pad.releasePointerCapture(event.pointerId);
    pad.setPointerCapture(event.pointerId);
    follow(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.buttons) follow(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => let_go(/** @type {PointerEvent} */ (event).pointerId));
  }
  pad.addEventListener("contextmenu", (event) => event.preventDefault());
  // Enter and Space on a button that has the keyboard's focus.
  pad.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-action]") : null;
    if (event.detail !== 0 || !(button instanceof HTMLElement)) return;
    press("pad", button.dataset.action ?? "");
    release("pad");
  });
}

// Header, figures and messages: what stands around the picture; as `reverie.app.window.hud`.

/** Milliseconds between two changes of the figures; faster cannot be read. */
const FIGURES_MS = 250;
const MESSAGE_SECONDS = 2.5;
const LETTERS_A_SECOND = 16;

/** @param {string} id @returns {HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class Hud {
  #drawn = 0;
  #pills = "";
  #alarm = false;
  #timer = 0;
  figures = true;

  /** Name what is played. @param {string} title of the game @param {string} dream */
  title(title, dream) {
    element("title").textContent = [...new Set([title, dream])].filter(Boolean).join(" · ");
    document.title = `${title} – Reverie`;
  }

  /** What else is going on. @param {Record<string, boolean>} pills word -> whether it is shown */
  pills(pills) {
    const shown = Object.keys(pills).filter((word) => pills[word]);
    if (shown.join() === this.#pills) return;
    this.#pills = shown.join();
    element("pills").replaceChildren(...shown.map((word) => span(word, `pill ${word.toLowerCase()}`)));
  }

  /** Two lines under the picture: speed with its stages, and the dream's switches.
   * @param {any} figures @param {any} status @param {boolean} [now] at once */
  show(figures, status, now = false) {
    const time = performance.now();
    if (!this.figures || (!now && time - this.#drawn < FIGURES_MS)) return;
    this.#drawn = time;
    const stages = Object.entries(status.timings).map(([stage, ms]) => `${stage} ${Number(ms).toFixed(1)}`);
    const speed = !figures.number ? [] : [bold(`${figures.fps.toFixed(1)} fps`), bold(`${figures.ms.toFixed(1)} ms`), span(stages.join("  "), "wide")];
    element("speed").replaceChildren(...spaced(speed));
    const cells = "■".repeat(status.history) + "□".repeat(Math.max(0, status.slots - status.history));
    const switches = [
      span(status.shown, ""),
      status.faults ? span(`faults ${status.faults}`, "alarm") : null,
      status.score === null ? null : span(`reward ${status.score}`, ""),
      span(`late ${figures.late}`, ""),
      status.slots <= 16 ? span(`history ${cells}`, "wide") : null,
    ];
    element("switches").replaceChildren(...spaced(switches.filter((part) => part !== null)));
  }

  /** @returns {string} what came of it */
  toggle() {
    this.figures = !this.figures;
    element("figures").style.visibility = this.figures ? "" : "hidden";
    return "";
  }

  /** A message for a while, in the place of the one before. @param {string} words @param {boolean} [alarm] which stays */
  say(words, alarm = false) {
    if (!words || this.#alarm) return;
    clearTimeout(this.#timer);
    const box = element("message");
    box.textContent = words;
    box.hidden = false;
    box.classList.toggle("alarm", alarm);
    this.#alarm = alarm;
    if (alarm) return;
    const seconds = Math.max(MESSAGE_SECONDS, words.length / LETTERS_A_SECOND);
    this.#timer = setTimeout(() => (box.hidden = true), 1000 * seconds);
  }
}

/** @param {Node[]} parts @returns {(string | Node)[]} with a gap between each two, for who reads it as text */
const spaced = (parts) => parts.flatMap((part, i) => (i ? ["  ", part] : [part]));

/** @param {string} words */
function bold(words) {
  const made = document.createElement("b");
  made.textContent = words;
  return made;
}

/** @param {string} words @param {string} kind */
export function span(words, kind) {
  const made = document.createElement("span");
  made.textContent = words;
  made.className = kind;
  return made;
}

// Files to keep: a GIF of the last seconds or of a recording, and tapes.

const RECENT_SECONDS = 10;
/** Seconds of a recording, at most: all of its frames are held in memory. */
const RECORD_SECONDS = 60;

export class Saving {
  /** @type {Uint8Array[]} */
  #recent = [];
  /** @type {Uint8Array[] | null} */
  #recorded = null;
  /** @type {Worker | null} */
  #busy = null;

  /** @param {number} size of a picture @param {number} fps @param {(words: string) => void} say */
  constructor(size, fps, say) {
    this.size = size;
    this.fps = fps;
    this.say = say;
  }

  get recording() {
    return this.#recorded !== null;
  }

  /** A frame was dreamt. @param {Uint8Array} frame (size * size * 3) @param {string} name for a file */
  add(frame, name) {
    this.#recent.push(frame);
    if (this.#recent.length > RECENT_SECONDS * this.fps) this.#recent.shift();
    this.#recorded?.push(frame);
    if (this.#recorded && this.#recorded.length >= RECORD_SECONDS * this.fps) this.toggle(name);
  }

  /** Save the last 10 s as a GIF. @param {string} name */
  saveRecent(name) {
    this.#encode(this.#recent.slice(), name);
  }

  /** Start or stop recording. @param {string} name */
  toggle(name) {
    if (!this.#recorded) {
      this.#recorded = [];
      this.say(`recording, ${RECORD_SECONDS} s at most`);
      return;
    }
    this.#encode(this.#recorded, name);
    this.#recorded = null;
  }

  /** @param {Uint8Array[]} frames @param {string} name */
  #encode(frames, name) {
    if (!frames.length) return this.say("nothing was dreamt yet");
    if (this.#busy) return this.say("a GIF is being made already");
    this.say("making the GIF…");
    const worker = (this.#busy = new Worker(new URL("../play/gif.js", import.meta.url), { type: "module" }));
    const done = () => {
      worker.terminate();
      this.#busy = null;
    };
    worker.onmessage = ({ data }) => {
      done();
      if (data.error) return this.say("The GIF could not be made: the browser has too little memory.");
      download(`${name}.gif`, data.bytes, "image/gif");
      this.say(`saved ${name}.gif`);
    };
    worker.onerror = () => {
      done();
      this.say("The GIF could not be made.");
    };
    worker.postMessage({ frames, size: this.size, fps: this.fps });
  }
}

/** Hand a file to the person. @param {string} name @param {BlobPart} content @param {string} type */
export function download(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Listen for a file that is dropped anywhere, or chosen. @param {HTMLInputElement} input @param {(text: string) => void} take */
export function listenForTapes(input, take) {
  /** @param {FileList | undefined | null} files */
  const read = async (files) => {
    if (files?.length) take(await files[0].text());
  };
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    void read(event.dataTransfer?.files);
  });
  input.addEventListener("change", () => {
    void read(input.files).then(() => (input.value = ""));
  });
}

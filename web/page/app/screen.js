// The picture: hard pixels, enlarged by a whole number of the screen's own pixels.

/** Pixels of the stage around the picture, both sides together. */
const BORDER = 12;

/** How high what is shown there is, 0 where nothing is. @param {string} selector */
const heightOf = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector)).offsetHeight;

export class Screen {
  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} stage that frames it */
  constructor(canvas, stage) {
    this.canvas = canvas;
    this.stage = stage;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.picture = new ImageData(1, 1);
    addEventListener("resize", () => this.fit());
    this.open(canvas.width);
  }

  /** Show pictures of size x size from now on. @param {number} size */
  open(size) {
    this.canvas.width = this.canvas.height = size;
    this.picture = this.context.createImageData(size, size);
    this.picture.data.fill(255);
    this.fit();
  }

  /** The largest enlargement that leaves room for what stands around it: with pads the tools may be below the fold. */
  fit() {
    const side = matchMedia("(orientation: landscape) and (max-height: 520px)").matches; // as in style.css
    const pads = Math.max(heightOf("#arrows"), heightOf("#buttons"));
    const below = heightOf("#figures") + (side ? 0 : pads || heightOf("#tools"));
    const width = (side ? innerWidth - 340 : Math.min(document.body.clientWidth, 1100) - 24) - BORDER;
    const height = innerHeight - heightOf("header") - below - BORDER - (side ? 16 : 32);
    const size = this.canvas.width;
    const room = Math.max(96, Math.min(width, Math.max(height, side ? 0 : 240))) * devicePixelRatio;
    const css = `${Math.max(size, Math.floor(room / size) * size) / devicePixelRatio}px`;
    this.canvas.style.width = this.canvas.style.height = css;
  }

  /** @param {Uint8Array} frame (size * size * 3) */
  draw(frame) {
    const { data } = this.picture;
    for (let i = 0, o = 0; i < frame.length; i += 3, o += 4) {
      data[o] = frame[i];
      data[o + 1] = frame[i + 1];
      data[o + 2] = frame[i + 2];
    }
    this.context.putImageData(this.picture, 0, 0);
  }
}

// Encodes a GIF, in a worker of its own. Message in: {frames, size, fps}; message out: {bytes} or {error}.
import { GIFEncoder, applyPalette, quantize } from "../vendor/gifenc/gifenc.esm.js";

/** Pictures are enlarged by a whole number to about this width in pixels. */
const EDGE = 256;
const PALETTE_FRAMES = 24;
/** Hundredths of a second that a picture lasts at least. */
const SHORTEST = 2;

self.addEventListener("message", ({ data }) => {
  try {
    const bytes = encode(data.frames, data.size, data.fps);
    self.postMessage({ bytes }, { transfer: [bytes.buffer] });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
});

/** @param {Uint8Array[]} frames (size * size * 3) @param {number} size @param {number} fps */
function encode(frames, size, fps) {
  const scale = Math.max(1, Math.floor(EDGE / size));
  const stride = Math.max(1, Math.floor(frames.length / PALETTE_FRAMES));
  const sample = frames.filter((_, i) => i % stride === 0).map(rgba);
  const pixels = new Uint8Array(sample.length * size * size * 4);
  sample.forEach((picture, i) => pixels.set(picture, i * picture.length));
  const palette = quantize(pixels, 256);
  const gif = GIFEncoder();
  shown(frames.length, fps).forEach((hundredths, i) => {
    if (!hundredths) return;
    const picture = enlarged(applyPalette(rgba(frames[i]), palette), size, scale);
    gif.writeFrame(picture, size * scale, size * scale, { palette: i === 0 ? palette : undefined, delay: 10 * hundredths });
  });
  gif.finish();
  return gif.bytes();
}

/** For how many hundredths of a second each frame is shown: 0 for one that is left out.
 * @param {number} count @param {number} fps */
function shown(count, fps) {
  const begins = Array.from({ length: count + 1 }, (_, i) => Math.round((100 * i) / fps));
  /** @type {number[]} */
  const kept = [];
  for (let i = 0; i < count; i++) if (!kept.length || begins[i] - begins[kept[kept.length - 1]] >= SHORTEST) kept.push(i);
  /** @type {number[]} */
  const durations = Array(count).fill(0);
  kept.forEach((i, n) => {
    durations[i] = Math.max(SHORTEST, begins[kept[n + 1] ?? count] - begins[i]);
  });
  return durations;
}

/** @param {Uint8Array} frame */
function rgba(frame) {
  const out = new Uint8Array((frame.length / 3) * 4).fill(255);
  for (let i = 0, o = 0; i < frame.length; i += 3, o += 4) {
    out[o] = frame[i];
    out[o + 1] = frame[i + 1];
    out[o + 2] = frame[i + 2];
  }
  return out;
}

/** @param {Uint8Array} indices (size * size) @param {number} size @param {number} scale */
function enlarged(indices, size, scale) {
  const out = new Uint8Array(indices.length * scale * scale);
  const width = size * scale;
  for (let y = 0; y < width; y++) {
    const row = Math.floor(y / scale) * size;
    for (let x = 0; x < width; x++) out[y * width + x] = indices[row + Math.floor(x / scale)];
  }
  return out;
}

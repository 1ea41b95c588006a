// Reads numpy's .npz: a zip of .npy files, stored or deflated.

const DAMAGED = "The start pictures are damaged: load the page again.";
const MOST_BYTES = 256 << 20;
/** @type {Record<string, (buffer: ArrayBuffer) => any>} */
const KINDS = {
  "|u1": (buffer) => new Uint8Array(buffer),
  "<i8": (buffer) => new BigInt64Array(buffer),
  "<u8": (buffer) => new BigUint64Array(buffer),
  "<i4": (buffer) => new Int32Array(buffer),
  "<f4": (buffer) => new Float32Array(buffer),
};

/** @typedef {{shape: number[], data: any}} Numbers row-major */

/** @param {Uint8Array} bytes @returns {Promise<Record<string, Numbers>>} the arrays by name */
export async function readNpz(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error(DAMAGED);
  /** @type {Record<string, Numbers>} */
  const arrays = {};
  let at = view.getUint32(end + 16, true);
  for (let n = view.getUint16(end + 10, true); n > 0; n--) {
    const method = view.getUint16(at + 10, true);
    const size = view.getUint32(at + 20, true);
    const nameLength = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const packed = bytes.slice(begin, begin + size);
    arrays[name.replace(/\.npy$/, "")] = npy(method === 0 ? packed : await inflated(packed));
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return arrays;
}

/** @param {Uint8Array<ArrayBuffer>} packed */
async function inflated(packed) {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length > MOST_BYTES) throw new Error(DAMAGED);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** @param {Uint8Array} raw @returns {Numbers} */
function npy(raw) {
  const length = raw[8] | (raw[9] << 8);
  const header = new TextDecoder().decode(raw.subarray(10, 10 + length));
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter((s) => s.trim()).map(Number);
  const kind = KINDS[/'descr': '([^']*)'/.exec(header)?.[1] ?? ""];
  if (!kind || /'fortran_order': True/.test(header)) throw new Error(DAMAGED);
  const data = kind(raw.slice(10 + length).buffer);
  if (data.length !== shape.reduce((a, b) => a * b, 1)) throw new Error(DAMAGED);
  return { shape, data };
}

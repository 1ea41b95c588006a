// Reads numpy's .npz: a zip of .npy files, stored or deflated.

/** @param {Uint8Array} bytes @returns {Promise<Record<string, {shape: number[], data: any}>>} */
export async function readNpz(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("the start histories are damaged: download the dream again");
  /** @type {Record<string, any>} */
  const arrays = {};
  let at = view.getUint32(end + 16, true);
  for (let n = view.getUint16(end + 10, true); n > 0; n--) {
    const method = view.getUint16(at + 10, true), size = view.getUint32(at + 20, true);
    const nameLength = view.getUint16(at + 28, true), local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const packed = bytes.slice(begin, begin + size);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const raw = method === 0 ? packed : new Uint8Array(await new Response(stream).arrayBuffer());
    arrays[name.replace(/\.npy$/, "")] = npy(raw);
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return arrays;
}

/** @param {Uint8Array} raw */
function npy(raw) {
  const length = raw[8] | (raw[9] << 8);
  const header = new TextDecoder().decode(raw.subarray(10, 10 + length));
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter((s) => s.trim()).map(Number);
  const kind = /'descr': '([^']*)'/.exec(header)?.[1];
  const body = raw.slice(10 + length);
  return { shape, data: kind === "|u1" ? body : new BigInt64Array(body.buffer) };
}

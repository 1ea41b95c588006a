// Opens a dream of a shared site: downloads its files, checks their hashes, and loads its graphs.
import { family } from "./families.js";
import { readNpz } from "./npz.js";
import { open, prepare } from "./runtime.js";
import { sha256 } from "./sha256.js";

const DREAM = "dream/";
const WASM = "vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm";

/** @typedef {(done: number, total: number, what: string) => void} Progress bytes so far, bytes in all */

/**
 * @param {any} site what `site.json` holds @param {string} root address of the site
 * @param {number} threads @param {Progress} progress
 * @returns {Promise<import("./dream.js").Bundle>}
 */
export async function openBundle(site, root, threads, progress) {
  /** @type {Record<string, string>} */
  const hashes = { "manifest.json": site.manifest_sha256 };
  const total = Object.values(/** @type {Record<string, number>} */ (site.files)).reduce((sum, bytes) => sum + bytes, 0) + site.wasm_bytes;
  let done = 0;
  /** @param {number} bytes */
  const more = (bytes) => progress((done += bytes), total, "loading the dream");
  const wasm = compiled(parts(root + WASM, site.wasm_bytes, more));
  wasm.catch(() => {}); // whoever waits for it is told
  const manifestBytes = await fetched("manifest.json");
  const manifest = JSON.parse(new TextDecoder().decode(manifestBytes));
  Object.assign(hashes, manifest.files, site.extra);
  /** @type {Record<string, Uint8Array>} */
  const files = {};
  const names = Object.keys(site.files).filter((name) => name !== "manifest.json");
  await Promise.all(
    names.map(async (name) => {
      files[name] = await fetched(name);
    }),
  );
  await wasm;
  prepare(wasm, threads);
  progress(total, total, "falling asleep");
  const { dynamics } = await family(manifest.family);
  const call = open(manifest.graphs, files, site.weights);
  const starts = await readNpz(files[manifest.starts]);
  const own = Object.fromEntries(Object.keys(site.extra).map((name) => [name, files[name]]));
  return { manifest, digest: site.manifest_sha256, settings: site.settings, starts, dynamics: dynamics(manifest, call, own) };

  /** @param {string} name */
  async function fetched(name) {
    const bytes = await download(root + DREAM + encodeURIComponent(name), site.files[name], more);
    if ((await sha256(bytes)) !== hashes[name]) throw new Error(`The download of ${name} is damaged: load the page again.`);
    return bytes;
  }
}

/** WebAssembly, compiled while it comes. @param {AsyncGenerator<Uint8Array<ArrayBuffer>>} coming @returns {Promise<WebAssembly.Module>} */
async function compiled(coming) {
  /** @type {unknown} */
  let failure;
  const stream = new ReadableStream({
    async pull(controller) {
      try {
        const part = await coming.next();
        if (part.done) controller.close();
        else controller.enqueue(part.value);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  });
  try {
    return await WebAssembly.compileStreaming(new Response(stream, { headers: { "Content-Type": "application/wasm" } }));
  } catch (error) {
    throw failure ?? error;
  }
}

/**
 * @param {string} address @param {number} bytes how many it has @param {(bytes: number) => void} more
 * @returns {Promise<Uint8Array>}
 */
async function download(address, bytes, more) {
  const all = new Uint8Array(bytes);
  let at = 0;
  for await (const part of parts(address, bytes, more)) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * A file piece by piece. Throws one sentence where it is not as long as it should be.
 * @param {string} address @param {number} bytes how many it has @param {(bytes: number) => void} more
 * @returns {AsyncGenerator<Uint8Array<ArrayBuffer>>}
 */
async function* parts(address, bytes, more) {
  const name = address.slice(address.lastIndexOf("/") + 1);
  let response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error(`${name} could not be loaded: are you offline?`);
  }
  if (!response.ok || !response.body) throw new Error(`${name} could not be loaded: the server says ${response.status}.`);
  let at = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    at += part.value.length;
    if (at > bytes) throw new Error(`The download of ${name} is damaged: load the page again.`);
    more(part.value.length);
    yield part.value;
  }
  if (at < bytes) throw new Error(`The download of ${name} was cut short: load the page again.`);
}

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
  const wasm = download(root + WASM, site.wasm_bytes, more);
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
  prepare(/** @type {ArrayBuffer} */ ((await wasm).buffer), threads);
  progress(total, total, "falling asleep");
  const { dynamics } = await family(manifest.family);
  const call = await open(manifest.graphs, files, site.weights);
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

/**
 * @param {string} address @param {number} bytes how many it has @param {(bytes: number) => void} more
 * @returns {Promise<Uint8Array>}
 */
async function download(address, bytes, more) {
  const name = address.slice(address.lastIndexOf("/") + 1);
  let response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error(`${name} could not be loaded: are you offline?`);
  }
  if (!response.ok || !response.body) throw new Error(`${name} could not be loaded: the server says ${response.status}.`);
  const all = new Uint8Array(bytes);
  let at = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (at + part.value.length > bytes) throw new Error(`The download of ${name} is damaged: load the page again.`);
    all.set(part.value, at);
    at += part.value.length;
    more(part.value.length);
  }
  if (at < bytes) throw new Error(`The download of ${name} was cut short: load the page again.`);
  return all;
}

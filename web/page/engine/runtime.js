// Runs a bundle's graphs with onnxruntime-web, as `reverie.engine.onnx_runtime`.
import * as ort from "../vendor/onnxruntime-web/ort.wasm.min.mjs";
import { ARRAYS, size } from "./ring.js";
import { provide } from "./wasm.js";

const BATCH = 1;

/**
 * Say what the runtime is. Call it once, before `open`.
 * @param {Promise<WebAssembly.Module>} module @param {number} threads
 */
export function prepare(module, threads) {
  provide(module);
  ort.env.wasm.wasmPaths = { mjs: new URL("./wasm.js", import.meta.url) };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
}

/**
 * One session for each graph, made when it is first run: a graph that is never needed takes neither time nor memory.
 * @param {Record<string, any>} graphs of the manifest
 * @param {Record<string, Uint8Array>} files of the bundle, by name
 * @param {Record<string, string[]>} weights files that each graph reads its weights from
 * @returns {(graph: string, inputs: Record<string, any>) => Promise<Record<string, any>>} runs a graph of one
 *   trajectory: arrays in, of which it takes those that the manifest names, and arrays out
 */
export function open(graphs, files, weights) {
  /** @type {Record<string, Promise<any>>} */
  const sessions = {};
  /** @param {string} name */
  const made = (name) =>
    ort.InferenceSession.create(files[graphs[name].file], {
      executionProviders: ["wasm"],
      externalData: (weights[name] ?? []).map((path) => ({ path, data: files[path] })),
      logSeverityLevel: 3,
    });
  return async (graph, inputs) => {
    const spec = graphs[graph];
    /** @type {Record<string, any>} */
    const feeds = {};
    for (const [name, { type, shape }] of Object.entries(spec.inputs)) {
      feeds[name] = new ort.Tensor(type, inputs[name], [BATCH, ...shape.slice(1)]);
    }
    const out = await (await (sessions[graph] ??= made(graph))).run(feeds);
    /** @type {Record<string, any>} */
    const arrays = {};
    for (const [name, { type, shape }] of Object.entries(spec.outputs)) {
      const { data } = out[name];
      if (!(data instanceof ARRAYS[type]) || data.length !== size(shape.slice(1))) {
        throw new Error(`The graph ${graph} gives something else than its manifest says: share the dream again.`);
      }
      arrays[name] = data;
    }
    return arrays;
  };
}

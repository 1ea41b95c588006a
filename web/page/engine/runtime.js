// Runs a bundle's graphs with onnxruntime-web, as `reverie.engine.onnx_runtime`.
import * as ort from "../vendor/onnxruntime-web/ort.wasm.min.mjs";
import { ARRAYS, size } from "./ring.js";

const BATCH = 1;

/**
 * Load the runtime. Call it once, before `open`.
 * @param {ArrayBuffer} binary of WebAssembly @param {number} threads
 */
export function prepare(binary, threads) {
  ort.env.wasm.wasmBinary = binary;
  ort.env.wasm.wasmPaths = { mjs: new URL("../vendor/onnxruntime-web/ort-wasm-simd-threaded.mjs", import.meta.url) };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
}

/**
 * One session for each graph.
 * @param {Record<string, any>} graphs of the manifest
 * @param {Record<string, Uint8Array>} files of the bundle, by name
 * @param {Record<string, string[]>} weights files that each graph reads its weights from
 * @returns {Promise<(graph: string, inputs: Record<string, any>) => Promise<Record<string, any>>>} runs a graph of one
 *   trajectory: arrays in, of which it takes those that the manifest names, and arrays out
 */
export async function open(graphs, files, weights) {
  /** @type {Record<string, any>} */
  const sessions = {};
  for (const [name, graph] of Object.entries(graphs)) {
    sessions[name] = await ort.InferenceSession.create(files[graph.file], {
      executionProviders: ["wasm"],
      externalData: (weights[name] ?? []).map((path) => ({ path, data: files[path] })),
      logSeverityLevel: 3,
    });
  }
  return async (graph, inputs) => {
    const spec = graphs[graph];
    /** @type {Record<string, any>} */
    const feeds = {};
    for (const [name, { type, shape }] of Object.entries(spec.inputs)) {
      feeds[name] = new ort.Tensor(type, inputs[name], [BATCH, ...shape.slice(1)]);
    }
    const out = await sessions[graph].run(feeds);
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

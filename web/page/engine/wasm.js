// What onnxruntime-web takes for its own loader, with WebAssembly that was compiled while it was still coming.
import load from "../vendor/onnxruntime-web/ort-wasm-simd-threaded.mjs";

/** @type {Promise<WebAssembly.Module>} */
let compiled;

/** Say what is to be run. Call it before the runtime is loaded. @param {Promise<WebAssembly.Module>} module */
export function provide(module) {
  compiled = module;
}

/** As the vendored loader. @param {any} config @returns {Promise<any>} */
export default async function (config) {
  const module = await compiled;
  return new Promise((resolve, reject) => {
    /** @param {WebAssembly.Imports} imports @param {(instance: WebAssembly.Instance, module: WebAssembly.Module) => void} done */
    const instantiateWasm = (imports, done) => {
      WebAssembly.instantiate(module, imports)
        .then((instance) => done(instance, module))
        .catch(reject);
    };
    load({ ...config, instantiateWasm }).then(resolve, reject);
  });
}

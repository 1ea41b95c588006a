// The diffusion decoder's sampler, as `reverie.engine.correction`.

/** @typedef {(graph: string, inputs: Record<string, any>) => Promise<Record<string, any>>} Call */

export const FAULT = "the diffusion decoder gave NaN or infinity";

/** The fixed noise of the site's files, (H * W * 3), or null. @param {Record<string, any>} files */
export function fixedNoise(files) {
  const bytes = files["noise.bin"];
  return bytes ? new Float32Array(bytes.slice().buffer) : null;
}

/**
 * Draw a frame in `steps` equal steps.
 * @param {Call} call @param {Record<string, any>} given what the graph takes beside the noise: the representation and
 * the plain decoder's picture @param {Float32Array} noise (H * W * 3), the same for every frame @param {number} steps
 * @returns {Promise<Uint8Array | null>} (H * W * 3), null where the graph gave NaN or infinity
 */
export async function sample(call, given, noise, steps) {
  let noisy = noise;
  let frame = null;
  for (let step = 0; step < steps; step++) {
    const level = Float32Array.of(1 - step / steps);
    const target = Float32Array.of(1 - (step + 1) / steps);
    const out = await call("diffusion", { noisy, level, target, ...given });
    noisy = out.less_noisy;
    frame = out.frames;
  }
  return noisy.every(Number.isFinite) ? frame : null;
}

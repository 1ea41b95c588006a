// The diffusion decoder's sampler, as `reverie.engine.correction`.

/** @typedef {import("./dynamics.js").Call} Call */

/**
 * Draw tokens (S) as a frame in `steps` equal steps.
 * @param {Call} call @param {BigInt64Array} tokens @param {Uint8Array} vq (H * W * 3), the VQ decoder's picture of them
 * @param {Float32Array} noise (H * W * 3), the same for every frame @param {number} steps
 * @returns {Promise<Uint8Array | null>} (H * W * 3), null where the graph gave NaN or infinity
 */
export async function sample(call, tokens, vq, noise, steps) {
  let noisy = noise;
  let frame = vq;
  for (let step = 0; step < steps; step++) {
    const level = Float32Array.of(1 - step / steps);
    const target = Float32Array.of(1 - (step + 1) / steps);
    const out = await call("diffusion", { noisy, level, target, tokens, vq });
    noisy = out.less_noisy;
    frame = out.frames;
  }
  return noisy.every(Number.isFinite) ? frame : null;
}

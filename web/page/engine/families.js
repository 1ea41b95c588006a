// The families of world models, and where each is at home. A family is loaded when a dream of it is opened.
//
// A family's module exports `dynamics(manifest, call, files)`, which gives what `dream.js` asks of it:
//   encode(frame)                     -> {z, fault}                     a frame (H * W * 3) to its representation
//   prepare(z, state, action, game)   -> {z, pushed, fault, ...}        one pass over the present frame
//   predict(context, key, settings)   -> {z, reward, ended, fault}      the next frame; on a fault the present one
//   decode(z, settings)               -> {frame, fault}                 a representation to its picture
//   checked(z)                        -> z                              one from outside; throws where it cannot be one
//   rewards                           -> whether rewards are predicted
// A fault is a sentence, '' where there is none. `call(graph, inputs)` runs a graph; `files` holds what the site has for
// the family beside the bundle, by name.

/** @type {Record<string, () => Promise<any>>} */
export const FAMILIES = {
  tokens: () => import("../tokens/dynamics.js"),
  latent: () => import("../latent/dynamics.js"),
};

/** The family's module. @param {string} name @returns {Promise<{dynamics: Function}>} */
export async function family(name) {
  if (!Object.hasOwn(FAMILIES, name)) throw new Error(`This page does not know dreams of the family ${name}.`);
  return FAMILIES[name]();
}

// How the way from noise to a clean frame is divided into steps, as `reverie.engine.latent.schedule`.

const FINEST = 8;

/** @typedef {{level: number, size: number, share: number}} Step
 * level: eighths of the way that are behind. size: the step's length is 2 ** size eighths.
 * share: which part of the way that is left the step goes. */

/** As equal as they can be, the smaller ones last. @param {number} steps 1 to 8 @returns {Step[]} */
export function schedule(steps) {
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= FINEST)) throw new Error(`steps must be 1 to ${FINEST}, not ${steps}`);
  const sizes = [Math.log2(FINEST)];
  while (sizes.length < steps) {
    const longest = Math.max(...sizes);
    sizes.splice(sizes.lastIndexOf(longest), 1, longest - 1, longest - 1);
  }
  let level = 0;
  return sizes.map((size) => {
    const step = { level, size, share: 2 ** size / (FINEST - level) };
    level += 2 ** size;
    return step;
  });
}

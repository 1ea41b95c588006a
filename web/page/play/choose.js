// In which mode a dream opens when nobody says which; as `reverie.app.play.select_bundle`.
import { Dream } from "../engine/dream.js";
import { changed, defaults } from "../engine/settings.js";

/** Frames that each mode is timed for, and those before them. */
const TRIED = 3;
const WARM_UP = 1;
/** A mode holds the rate when its median frame takes at most this share of a tick; the rest is for drawing. */
const SHARE_OF_TICK = 0.8;

/**
 * The settings as asked for, in the first mode that holds the rate here, or the fastest where none does.
 * @param {import("../engine/dream.js").Bundle} bundle @param {string} game @param {Record<string, any>} asked settings by name
 * @param {(dream: Dream) => Promise<number>} [time] how long a frame of a dream takes, in milliseconds
 * @returns {Promise<{settings: Record<string, any>, message: string}>} and what is to be said of it
 */
export async function chooseMode(bundle, game, asked, time = milliseconds) {
  const settings = changed(defaults(bundle.settings), bundle.settings, asked);
  const modes = bundle.settings.mode?.choices ?? [];
  if ("mode" in asked || modes.length < 2) return { settings: asked, message: "" };
  const { fps } = bundle.manifest;
  const dream = new Dream(bundle, game);
  await dream.reset(0);
  const timed = [];
  for (const mode of modes) {
    dream.settings = { ...settings, mode };
    timed.push({ mode, ms: await time(dream) });
    if (timed[timed.length - 1].ms <= (SHARE_OF_TICK * 1000) / fps) break;
  }
  const best = timed.reduce((a, b) => (b.ms < a.ms ? b : a));
  const first = timed[0];
  const held = `${first.mode} would play at ${Math.min(fps, 1000 / first.ms).toFixed(0)} of ${fps} frames a second here`;
  return { settings: { ...asked, mode: best.mode }, message: best === first ? "" : `${best.mode}, for ${held}` };
}

/** The median frame after a few to warm up. @param {Dream} dream */
async function milliseconds(dream) {
  const times = [];
  for (let i = 0; i < WARM_UP + TRIED; i++) {
    const began = performance.now();
    await dream.step(i % dream.actions.length);
    times.push(performance.now() - began);
  }
  return times.slice(WARM_UP).sort((a, b) => a - b)[TRIED >> 1];
}

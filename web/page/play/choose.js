// In which mode a dream plays when nobody says which; as `reverie.app.play.select_bundle`.
import { Dream } from "../engine/dream.js";

/** Frames that each mode is timed for, and those before them, while the browser still makes the program fast. */
const TRIED = 3;
const WARM_UP = 3;
/** A mode holds the rate when its median frame takes at most this share of a tick; the rest is for drawing. */
const SHARE_OF_TICK = 0.8;

/**
 * The mode that was asked for, else the first that holds the rate here, or the fastest where none does. It is tried on
 * a copy: the dream itself stays where it is. What the first frame needs is loaded by that.
 * @param {Dream} dream that has begun @param {Record<string, any>} asked settings by name
 * @param {(dream: Dream) => Promise<number>} [time] how long a frame of a dream takes, in milliseconds
 * @returns {Promise<{settings: Record<string, any>, message: string}>} the settings to change, and what is to be said of it
 */
export async function chooseMode(dream, asked, time = milliseconds) {
  const { bundle, settings } = dream;
  const modes = bundle.settings.mode?.choices ?? [];
  const tried = new Dream(bundle, dream.game);
  tried.restore(dream.snapshot());
  tried.settings = settings;
  if ("mode" in asked || modes.length < 2) {
    await tried.step(0);
    return { settings: {}, message: "" };
  }
  const { fps } = bundle.manifest;
  const timed = [];
  for (const mode of modes) {
    tried.settings = { ...settings, mode };
    timed.push({ mode, ms: await time(tried) });
    if (timed[timed.length - 1].ms <= (SHARE_OF_TICK * 1000) / fps) break;
  }
  const best = timed.reduce((a, b) => (b.ms < a.ms ? b : a));
  const first = timed[0];
  const held = `${first.mode} would play at ${Math.min(fps, 1000 / first.ms).toFixed(0)} of ${fps} frames a second here`;
  return { settings: { mode: best.mode }, message: best === first ? "" : `${best.mode}, for ${held}` };
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

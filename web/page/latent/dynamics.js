// The family `latent` on graphs, as `reverie.engine.latent.dynamics`, for one trajectory.
import { FAULT, fixedNoise, sample } from "../engine/correction.js";
import { normal } from "../engine/noise.js";
import { pushedOutputs } from "../engine/ring.js";
import { schedule } from "./schedule.js";

/** @typedef {import("../engine/noise.js").Key} Key */
/** @typedef {import("../engine/settings.js").Settings} Settings */
/** @typedef {(graph: string, inputs: Record<string, any>) => Promise<Record<string, any>>} Call */

const ENCODER = "the encoder gave NaN or infinity";
const DYNAMICS = "the dynamics gave NaN or infinity";
const DENOISER = "the denoiser gave NaN or infinity";
const DIFFUSION = `${FAULT}: the autoencoder's picture is shown`;
/** Largest size of a number in a latent, as in training. */
const LIMIT = 6;
const round = Math.fround;

/** What `engine/families.js` asks of a family. @param {any} manifest @param {Call} call @param {Record<string, any>} files */
export function dynamics(manifest, call, files = {}) {
  return new LatentDynamics(manifest, call, fixedNoise(files));
}

class LatentDynamics {
  /** @param {any} manifest @param {Call} call @param {Float32Array | null} noise of the diffusion decoder (H * W * 3) */
  constructor(manifest, call, noise) {
    this.call = call;
    this.noise = noise;
    this.model = manifest.model;
    this.rewards = Boolean(manifest.graphs.outcome);
    this.numbers = this.model.grid[0] * this.model.grid[1] * this.model.channels;
    this.pushed = pushedOutputs(manifest.state);
  }

  /** @param {Uint8Array} frame @returns {Promise<{z: Float32Array, fault: string}>} */
  async encode(frame) {
    const { z } = await this.call("encoder", { frames: frame });
    return finite(z) ? { z, fault: "" } : { z: new Float32Array(z.length), fault: ENCODER };
  }

  /** @param {Float32Array} z @param {Record<string, any>} state @param {number} action @param {number} game */
  async prepare(z, state, action, game) {
    const out = await this.call("dynamics", { z, action: one(action), game: one(game), ...state });
    const pushed = Object.fromEntries(this.pushed.map(([name, output]) => [name, out[output]]));
    return { z, pushed, fault: finite(out.hidden) ? "" : DYNAMICS, hidden: out.hidden };
  }

  /** @param {any} context @param {Key} key @param {Settings} settings */
  async predict(context, key, settings) {
    const stays = { z: context.z, reward: 0, ended: false };
    if (context.fault) return { ...stays, fault: context.fault };
    const z = await this.#denoise(context.hidden, key, settings);
    if (!finite(z)) return { ...stays, fault: DENOISER };
    if (!this.rewards) return { z, reward: 0, ended: false, fault: "" };
    const out = await this.call("outcome", { hidden: context.hidden, z });
    const reward = this.model.rewards[out.rewards.indexOf(Math.max(...out.rewards))] ?? 0;
    return { z, reward, ended: out.ended[0] > 0, fault: "" };
  }

  /** The next frame's latents (S * channels), unchecked. @param {Float32Array} hidden @param {Key} key @param {Settings} settings */
  async #denoise(hidden, key, settings) {
    const temperature = round(Number(settings.temperature));
    const x = Float32Array.from({ length: this.numbers }, (_, place) => normal(key, place) * temperature);
    for (const { level, size, share } of schedule(Number(settings.steps))) {
      const { clean } = await this.call("denoiser", { hidden, noisy: x, level: one(level), size: one(size) });
      for (let i = 0; i < x.length; i++) x[i] += round(round(clean[i] - x[i]) * round(share));
    }
    return x.map((number) => Math.min(Math.max(number, -LIMIT), LIMIT));
  }

  /** @param {Float32Array} z @param {Settings} settings @returns {Promise<{frame: Uint8Array, fault: string}>} */
  async decode(z, settings) {
    const { frames } = await this.call("decoder", { z });
    if (settings.decoder !== "diffusion" || !this.noise) return { frame: frames, fault: "" };
    const drawn = await sample(this.call, { z, picture: frames }, this.noise, Number(settings.decoder_steps));
    return drawn ? { frame: drawn, fault: "" } : { frame: frames, fault: DIFFUSION };
  }

  /** @param {Float32Array} z */
  checked(z) {
    if (z.length !== this.numbers || !finite(z)) throw new Error("The tape puts in a frame that this dream cannot have.");
    return z;
  }
}

/** @param {Float32Array} numbers */
const finite = (numbers) => numbers.every(Number.isFinite);

/** @param {number} n */
const one = (n) => BigInt64Array.of(BigInt(n));

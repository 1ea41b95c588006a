// The dynamics of the token family, as `reverie.engine.tokens.graph_dynamics` has it, for one trajectory.
import { draw } from "./sampler.js";

/** @typedef {(graph: string, values: Record<string, any>) => Promise<Record<string, any>>} Call */

export class TokenDynamics {
  /** @param {any} manifest @param {Call} call @param {Float32Array | null} noise of the diffusion decoder (H * W * 3) */
  constructor(manifest, call, noise) {
    this.manifest = manifest;
    this.call = call;
    this.noise = noise;
    this.positions = manifest.representation.shape[1];
  }

  /** @param {Uint8Array} frame @returns {Promise<BigInt64Array>} tokens (S) */
  async encode(frame) {
    return (await this.call("encoder", { frames: frame })).tokens;
  }

  /** @param {BigInt64Array} z @param {Record<string, any>} state @param {number} action @param {number} game */
  async prepare(z, state, action, game) {
    const one = (/** @type {number} */ n) => BigInt64Array.of(BigInt(n));
    return { z, game: one(game), ...(await this.call("dynamics", { tokens: z, action: one(action), game: one(game), ...state })) };
  }

  /** The next tokens, the outcome, and a sentence where a graph gave what it never may.
   * @param {any} context @param {import("../engine/noise.js").Key} key @param {Record<string, any>} settings */
  async predict(context, key, settings) {
    let { tokens, finite } = draw(context.logits, this.positions, key, settings);
    let fault = finite ? "" : "the dynamics gave NaN or infinity";
    const most = settings.mode === "parallel" ? (settings.passes ?? 1) - 1 : this.positions;
    for (let pass = 0; pass < most && !fault; pass++) {
      const out = await this.call("causal_head", { hidden: context.hidden, tokens: wide(tokens), game: context.game });
      const next = draw(out.logits, this.positions, key, settings);
      if (!next.finite) fault = "the causal head gave NaN or infinity";
      const same = next.tokens.every((token, i) => token === tokens[i]);
      tokens = next.tokens;
      if (same) break;
    }
    const z = fault ? context.z : wide(tokens);
    let reward = 0, ended = false;
    if (this.manifest.graphs.outcome && !fault) {
      const out = await this.call("outcome", { hidden: context.hidden, tokens: z });
      reward = this.manifest.model.rewards[out.rewards.indexOf(Math.max(...out.rewards))];
      ended = out.ended[0] > 0;
    }
    return { z, reward, ended, fault };
  }

  /** Tokens (S) to a frame (H * W * 3). @param {BigInt64Array} z @param {Record<string, any>} settings */
  async decode(z, settings) {
    const vq = (await this.call("decoder", { tokens: z })).frames;
    if (settings.decoder !== "diffusion" || !this.noise) return vq;
    let noisy = this.noise, frames = vq;
    for (let step = 0; step < settings.steps; step++) {
      const level = Float32Array.of(1 - step / settings.steps), target = Float32Array.of(1 - (step + 1) / settings.steps);
      const out = await this.call("diffusion", { noisy, level, target, tokens: z, vq });
      noisy = out.less_noisy;
      frames = out.frames;
    }
    return noisy.every(Number.isFinite) ? frames : vq;
  }
}

/** @param {Int32Array} tokens */
const wide = (tokens) => BigInt64Array.from(tokens, BigInt);

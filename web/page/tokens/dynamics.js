// The family `tokens` on graphs, as `reverie.engine.tokens.graph_dynamics`, for one trajectory.
import { FAULT, fixedNoise, sample } from "../engine/correction.js";
import { pushedOutputs } from "../engine/ring.js";
import { draw, mostPasses, refine, tops } from "./sampler.js";

/** @typedef {import("../engine/noise.js").Key} Key */
/** @typedef {import("../engine/settings.js").Settings} Settings */
/** @typedef {(graph: string, inputs: Record<string, any>) => Promise<Record<string, any>>} Call */

const DYNAMICS = "the dynamics gave NaN or infinity";
const CAUSAL_HEAD = "the causal head gave NaN or infinity";
const ENCODER = "the encoder gave a token that there is not";
const DIFFUSION = `${FAULT}: the VQ decoder's picture is shown`;

/** What `engine/families.js` asks of a family. @param {any} manifest @param {Call} call @param {Record<string, any>} files */
export function dynamics(manifest, call, files) {
  return new TokenDynamics(manifest, call, fixedNoise(files));
}

class TokenDynamics {
  /** @param {any} manifest @param {Call} call @param {Float32Array | null} noise of the diffusion decoder (H * W * 3) */
  constructor(manifest, call, noise) {
    this.call = call;
    this.rewards = Boolean(manifest.graphs.outcome);
    this.noise = noise;
    this.positions = manifest.representation.shape[1];
    this.model = manifest.model;
    this.pushed = pushedOutputs(manifest.state);
  }

  /** @param {Uint8Array} frame */
  async encode(frame) {
    const { tokens } = await this.call("encoder", { frames: frame });
    const last = BigInt(this.model.vocabulary - 1);
    const z = tokens.map((/** @type {bigint} */ token) => (token < 0n ? 0n : token > last ? last : token));
    return { z, fault: z.every((/** @type {bigint} */ token, /** @type {number} */ i) => token === tokens[i]) ? "" : ENCODER };
  }

  /** @param {BigInt64Array} z @param {Record<string, any>} state @param {number} action @param {number} game */
  async prepare(z, state, action, game) {
    const games = one(game);
    const out = await this.call("dynamics", { tokens: z, action: one(action), game: games, ...state });
    const pushed = Object.fromEntries(this.pushed.map(([name, output]) => [name, out[output]]));
    const seen = tops(out.logits, this.positions);
    return { z, pushed, fault: seen.finite ? "" : DYNAMICS, games, logits: out.logits, seen, hidden: out.hidden };
  }

  /** @param {any} context @param {Key} key @param {Settings} settings */
  async predict(context, key, settings) {
    const stays = { z: context.z, reward: 0, ended: false };
    if (context.fault) return { ...stays, fault: context.fault };
    let { tokens } = draw(context.logits, this.positions, key, settings, context.seen);
    const most = mostPasses(settings, this.positions);
    if (most) {
      /** @param {Int32Array} drawn */
      const causalLogits = async (drawn) => {
        const inputs = { hidden: context.hidden, tokens: wide(drawn), game: context.games };
        return (await this.call("causal_head", inputs)).logits;
      };
      const refined = await refine(causalLogits, tokens, key, settings, most);
      if (!refined.finite) return { ...stays, fault: CAUSAL_HEAD };
      tokens = refined.tokens;
    }
    const z = wide(tokens);
    if (!this.rewards) return { z, reward: 0, ended: false, fault: "" };
    const out = await this.call("outcome", { hidden: context.hidden, tokens: z });
    const reward = this.model.rewards[out.rewards.indexOf(Math.max(...out.rewards))] ?? 0;
    return { z, reward, ended: out.ended[0] > 0, fault: "" };
  }

  /** @param {BigInt64Array} z @param {Settings} settings @returns {Promise<{frame: Uint8Array, fault: string}>} */
  async decode(z, settings) {
    const { frames } = await this.call("decoder", { tokens: z });
    if (settings.decoder !== "diffusion" || !this.noise) return { frame: frames, fault: "" };
    const drawn = await sample(this.call, { tokens: z, vq: frames }, this.noise, Number(settings.steps));
    return drawn ? { frame: drawn, fault: "" } : { frame: frames, fault: DIFFUSION };
  }

  /** @param {BigInt64Array} z */
  checked(z) {
    const most = BigInt(this.model.vocabulary);
    if (z.length !== this.positions || z.some((token) => token < 0n || token >= most)) {
      throw new Error("The tape puts in a frame that this dream cannot have.");
    }
    return z;
  }
}

/** @param {number} n */
const one = (n) => BigInt64Array.of(BigInt(n));

/** @param {Int32Array} tokens */
const wide = (tokens) => BigInt64Array.from(tokens, BigInt);

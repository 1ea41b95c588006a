"""`reverie train`: a recipe and a recording become a run folder that `reverie export` turns into a bundle."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.games import registry
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.models.tokens.networks import Tokenizer, build_dynamics, build_tokenizer, dynamics_config
from reverie.models.tokens.patch_vq import GREY, PatchVQ
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.models.v1.vqvae import VQVAE
from reverie.training import recipe as recipes
from reverie.training.data.mixture import open_recording
from reverie.training.data.patches import patch_hashes
from reverie.training.data.recording import Recording, held_out_count
from reverie.training.data.starts import start_histories
from reverie.training.files import beside
from reverie.training.loop.checkpoint import RunError, read_run, save_weights, write_json
from reverie.training.loop.device_context import Place
from reverie.training.tokens.extra_rollouts import frames_played, further_play
from reverie.training.tokens.patch_codes import PatchCodesTraining, learn_patch_codes, patches_of
from reverie.training.tokens.train_decoder import train_decoder
from reverie.training.tokens.train_dynamics import train_dynamics
from reverie.training.tokens.train_tokenizer import TokenizerTraining, train_tokenizer
from reverie.training.tokens.trained_tokenizer import load_tokenizer, tokenizer_figures
from reverie.training.tokens.transfer import begin_from, same_codes, same_codes_in_play
from reverie.training.tokens.windows import TokenEpisodes, joined, tokenize

MOST_REWARDS = 9
"""Different rewards that a model learns to foretell; another one is taken for the nearest."""


def train(
    recipe: str,
    data: Path,
    out: Path,
    minutes: float,
    resume: bool = False,
    seed: int = 0,
    begin: Path | None = None,
    log: Callable[[str], None] = print,
    place: Place | None = None,
    look: Callable[[], None] | None = None,
) -> None:
    """Train the networks of a recipe on a recording for `minutes`, in all its sessions together.

    data: folder of the recording, or of recordings of several games in a subfolder each.
    begin: folder of another run, whose dynamics this one takes up, and whose tokenizer where it is of the same sizes.
    place: where; the processor by default. Of several processes all train the dynamics, and the first one alone trains
    the tokenizer and the diffusion decoder, writes and speaks; all see the same folders.
    look: is called when nothing else is left to refuse, and may raise.
    The run folder then holds `run.json`, `tokenizer.safetensors`, `dynamics.safetensors`, `starts.npz`, and what is
    needed to resume. Raises RunError or RecordingError with one sentence for a person's mistake.
    """
    place = place or Place()
    log = log if place.first else _silence
    plan, recording = recipes.load(recipe), open_recording(data)
    plan = plan.fitted(len(recording.actions), recording.size, rewards_of(recording), tuple(recording.games))
    record = _record(plan, recording, out, minutes, resume)
    _check_frames(plan, recording, data, out)
    place.wait()  # from here on the first process changes what the others have just read
    other = recipes.restore(begin) if begin else None
    if look is not None and place.first:
        look()
    if recording.environment:
        record["training"]["environment"] = recording.environment
    if begin:
        record["training"]["from"] = {"recipe": read_run(begin)["recipe"], **read_run(begin)["training"]}
    tokenizer = build_tokenizer(plan.tokenizer).to(place.device)
    if place.first:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "run.json", record)
        starts = start_histories(recording, plan.history)
        with beside(out / "starts.npz") as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **starts)  # type: ignore[arg-type]
        _make_tokens(plan, recording, tokenizer, other, begin, record, out, minutes, seed, log, place)
    place.wait()
    load_tokenizer(tokenizer.cpu(), out / "tokenizer.safetensors")
    train_part, held_out = split(read_tokens(out / "tokens.npz"), plan.dynamics_training.window + 1)
    torch.manual_seed(seed)
    dynamics = build_dynamics(plan.dynamics)
    if isinstance(dynamics, TemporalVisualWorldModel) and not isinstance(tokenizer, VQVAE):
        pictures = tokenizer.code_pictures()
        dynamics.begin_with(pictures)
        if other and not isinstance(other.tokenizer, VQVAE):
            same = same_codes(pictures, other.tokenizer.code_pictures())
            if recording.world in registry.names():
                same = same_codes_in_play(recording.world, (tokenizer, other.tokenizer), same)
            fresh = begin_from(dynamics, other.dynamics.state_dict(), same)
            new = ", ".join(sorted({name.rpartition(".")[0] for name in fresh}))
            log(f"begins from {begin}; new: {new or 'nothing'}")
        if dynamics.looks is not None:
            dynamics.looks.look_at(pictures)
        dynamics.keep_apart(torch.from_numpy(train_part.codes_shown(len(recording.games), len(pictures))))
    dynamics_minutes = minutes * (1 - plan.tokenizer_share - plan.decoder_share)
    go_on = resume and (out / "trainer.pt").exists()
    dynamics.to(place.device)
    figures = train_dynamics(
        dynamics, train_part, held_out, plan.dynamics_training, out, dynamics_minutes, seed, go_on, log, place
    )
    if not place.first:
        return
    record["metrics"]["dynamics"] = figures
    write_json(out / "run.json", record)
    if plan.decoder:
        decoder, part = DiffusionDecoder(plan.decoder).to(place.device), minutes * plan.decoder_share
        go_on = resume and (out / "decoder-trainer.pt").exists()
        record["metrics"]["decoder"] = train_decoder(
            decoder, tokenizer.to(place.device), recording, plan.decoder_training, out, part, seed, go_on, log, place
        )
    record["training"] |= {
        "recipe": plan.name,
        "minutes": minutes,
        "frames": int(figures["frames"]),
        "recorded_frames": len(recording) + plan.further_frames,
        "learning_rate": plan.dynamics_training.learning_rate,
        "seed": seed,
    }
    write_json(out / "run.json", record)
    log(f"done: reverie export {out} -o BUNDLE")


def _silence(line: str) -> None:
    pass


def _record(plan: recipes.Recipe, recording: Recording, out: Path, minutes: float, resume: bool) -> dict[str, Any]:
    """What `run.json` holds at the beginning of a session. Raises RunError where the parts do not belong together."""
    if minutes <= 0:
        raise RunError("--minutes must be more than 0.")
    if plan.further_frames and (foreign := [game for game in recording.games if game not in registry.names()]):
        raise RunError(f"the recipe {plan.name} plays more of the game itself, and {foreign[0]} is not built in.")
    record = read_run(out)
    if record and not resume:
        raise RunError(f"{out} already holds a run; add --resume to go on, or name another folder.")
    if resume and not record:
        raise RunError(f"{out} holds no run to resume; leave --resume out.")
    # Through JSON and back, so that tuples compare as what the file holds.
    description = json.loads(json.dumps(_describe(plan, recording)))
    if record and any(_completed(record).get(key) != value for key, value in description.items()):
        raise RunError(f"{out} was made with another recipe or recording; use another folder.")
    return {**description, "training": record.get("training", {}), "metrics": record.get("metrics", {})}


def _check_frames(plan: recipes.Recipe, recording: Recording, data: Path, out: Path) -> None:
    """Raises RunError where nothing can be learnt from a recording, or where a run's tokens are of another one."""
    window = plan.dynamics_training.window + 1
    for number, game in enumerate(recording.games):
        longest = max(episode.length for episode in recording.episodes if recording.game_of(episode) == number)
        if longest < window:
            raise RunError(
                f"the longest episode of {game} in {data} has {longest} frames, and the recipe {plan.name} learns from "
                f"{window} at a time; record longer ones."
            )
    if (out / "tokens.npz").exists():
        with np.load(out / "tokens.npz", allow_pickle=False) as arrays:
            begun = int(arrays["lengths"].sum()) - _further_frames(plan, recording) * len(recording.games)
        if begun != len(recording):
            raise RunError(
                f"{out} was begun with {begun:,} frames and {data} now holds {len(recording):,}; "
                f"train into a new folder with --from {out}, or delete {out} to begin anew."
            )


def _completed(record: dict[str, Any]) -> dict[str, Any]:
    """A record in which the dynamics have every size there is: one that is newer than a run had its default there."""
    try:
        sizes = asdict(dynamics_config(str(record.get("kind")), record["dynamics"]))
    except (TypeError, KeyError):
        return record
    return {**record, "dynamics": json.loads(json.dumps(sizes))}


def _make_tokens(
    plan: recipes.Recipe,
    recording: Recording,
    tokenizer: Tokenizer,
    other: recipes.Restored | None,
    begin: Path | None,
    record: dict[str, Any],
    out: Path,
    minutes: float,
    seed: int,
    log: Callable[[str], None],
    place: Place,
) -> None:
    """Write `tokenizer.safetensors` and `tokens.npz` into the run folder, where they are not there yet."""
    weights = out / "tokenizer.safetensors"
    if not weights.exists() and begin and other and other.tokenizer_config == plan.tokenizer:
        save_weights(weights, other.tokenizer.state_dict())
        record["metrics"]["tokenizer"] = read_run(begin)["metrics"].get("tokenizer", {})
    elif not weights.exists():
        if isinstance(tokenizer, VQVAE):
            assert isinstance(plan.tokenizer_training, TokenizerTraining)
            seconds = minutes * 60 * plan.tokenizer_share
            train_tokenizer(tokenizer, recording, plan.tokenizer_training, seconds, seed, log, place)
        else:
            assert isinstance(plan.tokenizer_training, PatchCodesTraining)
            learn_patch_codes(tokenizer.cpu(), recording, plan.tokenizer_training, seed, log)
        save_weights(weights, tokenizer.to(place.device).state_dict())
        figures = tokenizer_figures(tokenizer, recording, seed, place)
        exact = ", ".join(f"{game} {share:.1%}" for game, share in figures["exact_frames"].items())
        log(f"tokenizer: whole frames that come back to the pixel: {exact}")
        record["metrics"]["tokenizer"] = figures
        write_json(out / "run.json", record)
    load_tokenizer(tokenizer, weights)
    tokens = out / "tokens.npz"
    if tokens.exists():
        return
    encode = encoder(tokenizer, place)
    episodes = tokenize(recording, encode, _said(log, len(recording)))
    if plan.further_frames:
        more = _more_of_each(plan, recording, encode, seed, log)
        episodes = joined([*more, episodes])  # what was recorded comes last: the held-out episodes are of it
    with beside(tokens) as part, part.open("wb") as file:
        np.savez(file, **vars(episodes))


def _more_of_each(
    plan: recipes.Recipe,
    recording: Recording,
    encode: Callable[[NDArray[np.uint8]], NDArray[np.integer]],
    seed: int,
    log: Callable[[str], None],
) -> list[TokenEpisodes]:
    """The recipe's further frames, as many of each game as of another."""
    played = []
    for number, (game, actions) in enumerate(recording.games.items()):
        frames = _further_frames(plan, recording)
        more = further_play(game, recording.size, frames, seed, encode, progress=_said(log, frames))
        codes = np.array([recording.actions.index(name) for name in actions], np.uint8)
        played.append(replace(more, actions=codes[more.actions], games=np.full_like(more.starts, number)))
    return played


def _further_frames(plan: recipes.Recipe, recording: Recording) -> int:
    """How many of the recipe's further frames are of each game."""
    return frames_played(plan.further_frames // len(recording.games))


def encoder(tokenizer: Tokenizer, place: Place) -> Callable[[NDArray[np.uint8]], NDArray[np.integer]]:
    """Frames (N, H, W, 3) uint8 to tokens (N, S), computed on the place's device."""

    @torch.no_grad()
    def encode(frames: NDArray[np.uint8]) -> NDArray[np.integer]:
        parts = np.array_split(frames, -(-len(frames) // 64))
        tokens = [tokenizer.encode(place.to_device(torch.from_numpy(np.array(part)))) for part in parts]
        return np.asarray(torch.cat(tokens).cpu().numpy())

    @torch.no_grad()
    def encode_patches(frames: NDArray[np.uint8]) -> NDArray[np.integer]:
        """The same patches come up again and again, and each is compared with the codes once."""
        assert isinstance(tokenizer, PatchVQ)
        grid = tokenizer.config.grid
        _, first, which = np.unique(patch_hashes(frames, grid), return_index=True, return_inverse=True)
        kinds = place.to_device(torch.from_numpy(patches_of(frames, grid)[first])).float() - GREY
        return tokenizer.nearest(kinds).cpu().numpy()[which].reshape(len(frames), -1)

    return encode_patches if isinstance(tokenizer, PatchVQ) else encode


def _said(log: Callable[[str], None], of: int) -> Callable[[int], None]:
    """Says now and then how many frames have become tokens."""
    said = 0

    def progress(done: int) -> None:
        nonlocal said
        if done - said >= 50_000:
            said = done
            log(f"tokens: {done} of {of} frames")

    return progress


def read_tokens(path: Path) -> TokenEpisodes:
    """What a run has made of its recording."""
    with np.load(path, allow_pickle=False) as arrays:
        return TokenEpisodes(**arrays)


def _describe(plan: recipes.Recipe, recording: Recording) -> dict[str, object]:
    return {
        "recipe": plan.name,
        "kind": plan.kind,
        "history": plan.history,
        "sampling": asdict(plan.sampling),
        "tokenizer": asdict(plan.tokenizer),
        "dynamics": asdict(plan.dynamics),
        **({"decoder": asdict(plan.decoder), "decoder_steps": plan.decoder_steps} if plan.decoder else {}),
        **({"further_frames": plan.further_frames} if plan.further_frames else {}),
        "games": {game: list(actions) for game, actions in recording.games.items()},
        "actions": list(recording.actions),
        "size": recording.size,
        **({"fps": recording.fps} if recording.fps else {}),
    }


def rewards_of(recording: Recording) -> tuple[float, ...]:
    """The values that rewards take in a recording, 0 among them; the commonest of a game where it has very many."""
    counts: list[Counter[float]] = [Counter() for _ in recording.games]
    for name, game in {episode.shard: recording.game_of(episode) for episode in recording.episodes}.items():
        values, each = np.unique(recording.shard(name).rewards, return_counts=True)
        counts[game].update(dict(zip(values.tolist(), each.tolist(), strict=True)))
    for count in counts:
        count.pop(0.0, None)
    return tuple(sorted({0.0, *(value for count in counts for value, _ in count.most_common(MOST_REWARDS - 1))}))


def split(episodes: TokenEpisodes, frames: int) -> tuple[TokenEpisodes, TokenEpisodes]:
    """The last few episodes of a recording are kept out of training: of each game at least one of `frames` frames.

    Where that would leave a game no such episode to learn from, both parts are all there is. Every game must have one.
    """
    count = len(episodes.starts)
    long = [np.flatnonzero((episodes.games == game) & (episodes.lengths >= frames)) for game in set(episodes.games)]
    border = min(count - held_out_count(count), *(int(mine[-1]) for mine in long))
    if any(mine[0] >= border for mine in long):
        return episodes, episodes
    return episodes.part(0, border), episodes.part(border, count)

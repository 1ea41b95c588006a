"""A judge: a small network that learns to tell clips of dreams from clips of real play. It needs torch.

It is of one size, starts from one seed and learns for so many steps, whatever it judges. What it is asked about are
dreams and episodes that it has not seen. Its area under ROC is 0.5 where it cannot tell them and 1 where it always can.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES, auc
from reverie.evaluation.metrics.clips import FRAMES, Clips
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.subjects.subject import Frames

STEPS = 1000
BATCH = 64
LEARNING_RATE = 2e-3
_INFERENCE_BATCH = 256

Labels = NDArray[np.bool_]


def judged(
    clips: Clips, counted: NDArray[np.bool_], seed: int, steps: int = STEPS, progress: Progress = silent
) -> dict[str, Any]:
    """`judge`: for each segment `auc`, `raw`, `real` and `clips`.

    Every second episode is learnt from, the others are judged. auc: dreams against real play that went through the
    subject's own encoder and decoder, so that the dream is judged and not how it is drawn. raw: against real play as it
    is. real: real play against real play of other episodes, which nothing can tell. clips: dreams that were judged.
    None where there are too few episodes, or none that reach the segment.
    """
    dream, episodes, segments = clips.of("dream", counted)
    learnt = episodes % 2 == 0
    scores: dict[str, list[float | None]] = {}
    for key, other in (("auc", "real"), ("raw", "raw")):
        both = np.concatenate([dream, clips.of(other, counted)[0]])
        labels = np.arange(len(both)) < len(dream)
        seen, where = np.tile(learnt, 2), np.tile(segments, 2)
        scores[key] = _by_segment(both, labels, seen, where, seed, steps, progress)
    scores["real"] = _by_segment(
        clips.of("real", counted)[0], episodes // 2 % 2 == 0, learnt, segments, seed, steps, progress
    )
    counts = [int((~learnt & (segments == number)).sum()) for number in range(len(SEGMENT_NAMES))]
    return {
        "judge": {
            name: {key: scores[key][number] for key in scores} | {"clips": counts[number]}
            for number, name in enumerate(SEGMENT_NAMES)
        }
    }


def _by_segment(
    clips: Frames,
    labels: Labels,
    learnt: Labels,
    segments: NDArray[np.int64],
    seed: int,
    steps: int,
    progress: Progress,
) -> list[float | None]:
    """Area under ROC of each segment, by a judge that has learnt from some of the clips (N, 4, h, w, 3) alone."""
    if len(set(labels[learnt].tolist())) < 2:
        return [None] * len(SEGMENT_NAMES)
    judge = Judge(seed)
    judge.train(clips[learnt], labels[learnt], steps, progress)
    found: list[float | None] = []
    for number in range(len(SEGMENT_NAMES)):
        asked = ~learnt & (segments == number)
        found.append(auc(judge.score(clips[asked]), labels[asked]))
    return found


class Judge:
    """Says how likely a clip is one of those labelled true."""

    def __init__(self, seed: int) -> None:
        """seed: of the initial weights, of the order of the clips and of dropout."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _Network()
        self.seed = seed

    def train(self, clips: Frames, labels: Labels, steps: int, progress: Progress = silent) -> None:
        """Learn from clips (N, 4, h, w, 3) uint8 and labels (N,), both labels in equal parts."""
        rng = np.random.default_rng(self.seed)
        kinds = [np.flatnonzero(labels == label) for label in (False, True)]
        target = torch.arange(BATCH) % 2 == 1
        optimizer = torch.optim.AdamW(self.network.parameters(), LEARNING_RATE, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
        self.network.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            for step in range(steps):
                chosen = np.stack([rng.choice(kind, BATCH // 2) for kind in kinds], axis=1).ravel()
                batch = clips[chosen]
                batch = batch[..., ::-1, :] if rng.random() < 0.5 else batch  # mirrored
                score = self.network(_planes(batch))
                loss = nn.functional.softplus(torch.where(target, -score, score)).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                progress("training a judge", step + 1, steps)
        self.network.eval()

    @torch.no_grad()
    def score(self, clips: Frames) -> NDArray[np.float32]:
        """(N,): the higher, the more likely the label is true."""
        parts = [
            self.network(_planes(clips[i : i + _INFERENCE_BATCH])).numpy()
            for i in range(0, len(clips), _INFERENCE_BATCH)
        ]
        return np.concatenate([*parts, np.zeros(0, np.float32)])


class _Network(nn.Module):
    """Convolutions over the frames of a clip, then the maximum and the mean of each feature over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3 * (2 * FRAMES - 1), 24, 4, stride=2, padding=1), nn.GroupNorm(4, 24), nn.ReLU(),
            nn.Conv2d(24, 32, 4, stride=2, padding=1), nn.GroupNorm(4, 32), nn.ReLU(),
            nn.Conv2d(32, 48, 4, stride=2, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(96, 1))

    def forward(self, planes: Tensor) -> Tensor:
        features = self.body(planes)  # (N, 48, h / 8, w / 8)
        score: Tensor = self.head(torch.cat([features.amax((2, 3)), features.mean((2, 3))], dim=1))[:, 0]  # (N,)
        return score


def _planes(clips: Frames) -> Tensor:
    """(N, 21, h, w): the frames, and what changed from each to the next."""
    frames = torch.from_numpy(np.ascontiguousarray(clips)).permute(0, 1, 4, 2, 3).float() / 127.5 - 1
    return torch.cat([frames, frames[:, 1:] - frames[:, :-1]], dim=1).flatten(1, 2)

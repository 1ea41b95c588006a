"""`reverie eval`: how true the dreams are."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.app.commands.option_types import Bundles, File, Name, Number
from reverie.app.own.game_folder import add_module_folder, is_game_folder, read_game


@dataclass
class Eval:
    """Measure how true dreams are, on held-out episodes: minutes for each bundle, game, mode and
    decoder (--quick: fewer frames)."""

    bundles: Bundles = ()
    """Names, folders or game folders; without any, all that ship."""
    episodes: int = 32
    """Held-out episodes."""
    horizon: int = 1024
    """Frames of a long rollout."""
    quick: bool = False
    """At most two minutes for each bundle, game and mode; the report says so."""
    seed: int = 0
    """Chooses the episodes and the sampling."""
    seeds: int = 1
    """Measure this many seeds, from --seed on; the report gives the mean and the range of each figure."""
    minutes: Number = None
    """Minutes of each bundle, game and mode after which very long dreams end; by default 13."""
    lucid: bool = False
    """Measure beside the plain dreams such as wake by themselves (`reverie play --lucid`), in a table of their own."""
    mode: Name = ""
    """Measure this mode alone: parallel or ar; by default every mode there is."""
    decoder: Name = ""
    """Measure this decoder alone: vq, autoencoder or diffusion; by default every decoder there is."""
    game: Name = ""
    """Measure this game alone; by default every game that a dream is of."""
    backend: str = "onnx"
    """What computes the dreams: onnx or torch; on a GPU onnx-cuda or torch-cuda."""
    json: File = None
    """Write the figures here."""
    html: File = None
    """Write a page with pictures here."""

    def run(self, started: float) -> None:
        """Measure, and print what was measured."""
        from reverie.app.play.outputs import check_writable
        from reverie.app.play.select_bundle import shipped_for
        from reverie.evaluation.evaluate import evaluate

        for file in filter(None, (self.json, self.html)):
            check_writable(file)
        own = {}
        for game in (read_game(name) for name in self.bundles if is_game_folder(name)):
            add_module_folder(game.folder)
            game.require_dream()
            if game.environment:
                own[game.source] = game.environment
        bundles = self.bundles or tuple(map(str, shipped_for(self.backend)))
        sizes, files = (self.episodes, self.horizon, self.quick, self.seed), (self.json, self.html)
        evaluate(
            bundles,
            *sizes,
            *files,
            self.mode,
            self.decoder,
            self.game,
            self.backend,
            own,
            self.seeds,
            self.minutes,
            self.lucid,
        )

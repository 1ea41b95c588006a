from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.app.errors import Mistake
from reverie.app.play.choice import Choice
from reverie.app.play.picture import read_picture
from reverie.app.play.session import Session
from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.taping import replay
from reverie.evaluation.subjects.readers import reader_of
from reverie.games import registry
from reverie.games.world import Frame
from tests.app.conftest import dot_frame, make_bundle

RIGHT = 4


class Forgetful:
    """A recorder that writes nothing down."""

    def reset(self, frame: Frame, seed: int) -> None:
        pass

    def step(self, action: int, frame: Frame, reward: float, ended: bool) -> None:
        pass


def test_the_mode_changes_between_two_frames_of_one_dream(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    session.step(RIGHT)
    assert session.change_setting("mode") == "mode: autoregressive"
    session.step(RIGHT)
    assert session.change_setting("mode") == "mode: parallel"
    assert np.count_nonzero(session.frame[0, :, 0] > 200) in (0, 8)
    assert session.status().settings["mode"] == "parallel"


def test_a_mode_that_the_bundle_lacks_is_one_sentence(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="dots has no decoder 'diffusion'; it has vq"):
        Session(Choice("dots", settings={"decoder": "diffusion"}), bundle)


def test_the_decoder_and_its_steps_change_between_two_frames_of_one_dream() -> None:
    session, plain = (Session(Choice("dots", seed=1), make_bundle(diffusion=True)) for _ in range(2))
    assert session.status().shown == "parallel  vq  T 1.00"
    assert session.change_setting("steps", 1) == "steps are for the decoder diffusion"
    assert session.change_setting("decoder") == "decoder: diffusion"
    assert np.array_equal(session.step(RIGHT).frame, plain.step(RIGHT).frame + 2)
    assert (session.status().settings["decoder"], session.status().settings["steps"]) == ("diffusion", 2)
    assert session.change_setting("steps", 1) == "3 steps"
    assert np.array_equal(session.step(RIGHT).frame, plain.step(RIGHT).frame + 3)
    for _ in range(9):
        session.change_setting("steps", 1)
    assert session.status().settings["steps"] == 8
    for _ in range(9):
        message = session.change_setting("steps", -1)
    assert (message, session.status().settings["steps"]) == ("1 step", 1)
    assert session.change_setting("decoder") == "decoder: vq"
    assert np.array_equal(session.step(RIGHT).frame, plain.step(RIGHT).frame)


def test_steps_are_for_a_dream_with_the_diffusion_decoder_and_dropped_at_a_switch(bundle: Bundle) -> None:
    assert Session(Choice("dots"), bundle).change_setting("steps", 1) == "dots has no steps"
    with pytest.raises(ValueError, match="dots has no setting steps"):
        Session(Choice("dots", settings={"steps": 2}), bundle)
    session = Session(Choice("dots", settings={"decoder": "diffusion", "steps": 4}), make_bundle(diffusion=True))
    assert session.status().settings["steps"] == 4
    session.switch_bundle(bundle)
    assert (session.status().settings["decoder"], "steps" in session.status().settings) == ("vq", False)
    assert Session(Choice(game="garden", real=True)).change_setting("steps", 1) == "the real game has no steps"


def test_who_asks_for_steps_gets_the_decoder_that_has_them(bundle: Bundle) -> None:
    session = Session(Choice("dots", settings={"steps": 3}), make_bundle(diffusion=True))
    assert session.status().shown == "parallel  diffusion ×3  T 1.00"
    with pytest.raises(ValueError, match="--passes needs --mode parallel"):
        Session(Choice("dots", settings={"mode": "ar", "passes": 2}), bundle)


def test_the_same_seed_starts_the_same_and_another_start_can_be_chosen(bundle: Bundle) -> None:
    first = Session(Choice("dots", seed=1), bundle).frame
    assert np.array_equal(first, Session(Choice("dots", seed=1), bundle).frame)
    assert not np.array_equal(first, Session(Choice("dots", seed=1, start=3), bundle).frame)


def test_a_saved_moment_comes_back_exactly(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    session.step(RIGHT)
    before = session.frame.copy()
    session.save_moment()
    after = [session.step(RIGHT).frame.copy() for _ in range(3)]
    session.load_moment()
    assert np.array_equal(session.frame, before)
    assert all(np.array_equal(session.step(RIGHT).frame, frame) for frame in after)


def test_the_temperature_stays_in_its_range(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    for _ in range(30):
        session.change_setting("temperature", 1)
    assert session.status().settings["temperature"] == 2.0
    for _ in range(30):
        session.change_setting("temperature", -1)
    assert session.status().settings["temperature"] == 0.0


def test_passes_are_changed_between_two_frames_and_stay_in_their_range(bundle: Bundle) -> None:
    session = Session(Choice("dots", settings={"mode": "parallel", "passes": 2}), bundle)
    assert session.status().settings["passes"] == 2
    assert session.change_setting("passes", 1) == "3 passes"
    session.step(RIGHT)
    for _ in range(3):
        session.change_setting("passes", -1)
    assert session.status().settings["passes"] == 1
    session.change_setting("mode")
    assert session.change_setting("passes", 1) == "passes are for the mode parallel"


def test_passes_that_a_dream_cannot_make_are_refused_at_the_start_and_dropped_at_a_switch(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="passes of dots must be a whole number from 1 to 65, not 66"):
        Session(Choice("dots", settings={"passes": 66}), bundle)
    session = Session(Choice("dots", settings={"passes": 2}), bundle)
    session.switch_bundle(make_bundle(modes=("parallel",)))
    assert "passes" not in session.status().settings
    assert session.change_setting("passes", 1) == "dots has no passes"


def test_a_dream_that_predicts_rewards_keeps_the_score_and_begins_anew_when_the_round_ends() -> None:
    session = Session(Choice("dots"), make_bundle(outcome=True))
    scores = []
    for _ in range(6):  # from column 3 over the right edge to column 1
        session.step(RIGHT)
        scores.append(session.status().score)
    assert scores == [0, 0, 0, 1, 0, 0]


def test_a_dream_that_predicts_no_rewards_shows_no_score_and_the_real_game_does(bundle: Bundle) -> None:
    assert Session(Choice("dots"), bundle).status().score is None
    assert Session(Choice("dots", real=True), bundle).status().score == 0


def test_the_dream_goes_on_from_the_frame_where_the_real_game_was_left(bundle: Bundle) -> None:
    session = Session(Choice("dots", real=True), bundle)
    for _ in range(6):
        session.step(RIGHT)
    seen = session.frame.copy()
    assert session.hand_over() == "the dream goes on from here"
    assert not session.status().real
    assert np.array_equal(session.frame, seen)
    assert session.status().history == 4
    assert session.dream is not None
    assert np.array_equal(session.dream.z, bundle.dynamics.encode(seen[None])[0][0])


@pytest.mark.parametrize("back", [False, True], ids=["from the real game", "there and back"])
def test_a_shipped_dream_goes_on_with_legal_pictures(back: bool) -> None:
    shipped = Bundle.load(library.resolve("v1.1"), threads=1)
    session = Session(Choice("v1.1", real=not back), shipped)
    if back:
        session.step(RIGHT)
        session.hand_over()
    policy, game = registry.policy("garden", "explore", 1, 0), session.game.real.game  # type: ignore[attr-defined]
    for _ in range(20):
        session.step(int(policy.act(game)[0]))
    reader = reader_of("garden", 64)
    rooms = reader.rooms(game)
    session.hand_over()
    assert not session.is_real
    dreamt = np.stack([session.step(action).frame for action in (0, 1, 1, 4, 4, 2, 2, 3, 3, 0)])
    assert reader.read(dreamt, np.repeat(rooms, len(dreamt), 0)).valid.mean() >= 0.8


def test_the_real_game_goes_on_from_a_real_picture(bundle: Bundle) -> None:
    session = Session(Choice("dots", real=True), bundle)
    for _ in range(6):
        session.step(RIGHT)
    seen = session.frame.copy()
    session.hand_over()
    session.hand_over()
    assert session.status().real
    # The picture is read, and drawn again from what was read.
    assert np.mean(np.any(session.frame != seen, axis=-1)) < 0.05


def test_a_dream_that_is_no_picture_of_the_game_stays_a_dream(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    session.step(RIGHT)
    with pytest.raises(Mistake, match="cannot go on from this picture"):
        session.hand_over()
    assert not session.status().real


def test_switching_the_bundle_keeps_the_picture(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    session.step(RIGHT)
    seen = session.frame.copy()
    assert session.switch_bundle(bundle) == "bundle dots"
    assert np.array_equal(session.frame, seen)


def test_the_real_game_can_be_played_without_any_dream() -> None:
    session = Session(Choice(real=True))
    assert session.status().real
    assert session.hand_over().startswith("no dream is open")
    assert session.change_setting("mode") == "the real game has no mode"


def test_a_switch_says_what_each_choice_costs_here_and_which_was_not_played_yet(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(Choice("dots", settings={"passes": 3}), bundle)

    def play(ms: float, frames: int) -> None:
        for _ in range(frames):
            monkeypatch.setattr(
                type(session.dream), "timings", property(lambda _: {"dynamics": ms / 2, "sample": ms / 2})
            )
            session.step(RIGHT)

    assert session.change_setting("mode") == "mode: autoregressive"
    session.change_setting("mode")
    play(7.6, 9)
    assert session.status().compared == ""
    assert session.change_setting("mode") == "ar: not measured yet · parallel, 3 passes: 7.6 ms"
    play(8.1, 9)
    assert session.change_setting("mode") == "parallel, 3 passes: 7.6 ms · ar: 8.1 ms"
    assert session.status().compared == "parallel, 3 passes: 7.6 ms · ar: 8.1 ms"
    session.change_setting("passes", -1)
    session.change_setting("temperature", -1)
    assert session.change_setting("mode") == "ar: 8.1 ms · parallel, 2 passes: not measured yet"


def test_a_dream_begins_at_a_start_picture_that_its_seed_alone_gives_again(bundle: Bundle) -> None:
    session = Session(Choice("dots", seed=1), bundle)
    pictures = session.in_dream.start_pictures()
    assert len(pictures) == 4
    for number in (3, 3, 0):
        before = session.status().seed
        said = session.in_dream.begin_start(number)
        seed = session.status().seed
        assert said == f"start {number}, seed {seed}"
        assert before < seed <= before + 4
        assert np.array_equal(session.frame, pictures[number])
        assert np.array_equal(session.frame, Session(Choice("dots", seed=seed), bundle).frame)


def test_a_start_picture_leads_out_of_the_real_game_unless_that_is_recorded(bundle: Bundle) -> None:
    session = Session(Choice("dots", real=True), bundle)
    session.in_dream.begin_start(2)
    assert not session.is_real
    recorded = Session(Choice("dots", real=True), bundle)
    recorded.recorder = Forgetful()
    with pytest.raises(Mistake, match="one world is being recorded"):
        recorded.in_dream.begin_start(2)
    alone = Session(Choice(real=True))
    with pytest.raises(Mistake, match="no dream of garden"):
        alone.in_dream.start_pictures()


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (90, 30), (7, 200)])
def test_a_dream_begins_at_any_picture_and_its_tape_knows_what_it_made_of_it(
    bundle: Bundle, size: tuple[int, int], tmp_path: Path
) -> None:
    Image.effect_noise(size, 90).save(tmp_path / "noise.png")
    picture = read_picture(tmp_path / "noise.png", 64)
    session = Session(Choice("dots", tape=True, picture=picture, settings={"temperature": 1.5}), bundle)
    assert np.array_equal(session.frame, session.in_dream.seen(picture))
    assert session.status().history == 1
    frames = [session.step(RIGHT).frame.copy() for _ in range(5)]
    session.in_dream.begin_at(dot_frame(2, 5))
    assert np.array_equal(session.frame, session.in_dream.seen(dot_frame(2, 5)))
    frames += [session.step(RIGHT).frame.copy() for _ in range(5)]
    assert session.taped is not None
    again = list(replay(session.taped.tape(), bundle))
    assert all(np.array_equal(one, other) for one, other in zip(frames, again, strict=True))


@pytest.mark.parametrize("content", [b"", b"no picture", b"GIF89a", None])
def test_a_file_that_is_no_picture_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(Mistake, match=r"^Cannot begin at .*a.png: [^\n]*\.$"):
        read_picture(tmp_path / "a.png", 64)


def test_a_picture_with_nothing_behind_it_stands_before_black(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert not read_picture(tmp_path / "clear.png", 64).any()

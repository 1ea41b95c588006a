from __future__ import annotations

from reverie.app.window.latch import WAITING_PRESSES, Latch

UP, LEFT = "up", "left"


def test_a_tap_shorter_than_a_tick_counts_exactly_once() -> None:
    latch = Latch()
    latch.press("w", UP, at=1.0)
    latch.release("w")
    assert latch.take()[:2] == (UP, 1.0)
    assert latch.take()[:2] == (None, None)


def test_a_held_key_repeats_and_only_its_first_frame_answers_the_press() -> None:
    latch = Latch()
    latch.press("w", UP, at=1.0)
    assert [latch.take()[:2] for _ in range(3)] == [(UP, 1.0), (UP, None), (UP, None)]
    latch.release("w")
    assert latch.take().action is None


def test_the_last_pressed_of_several_held_keys_wins_and_the_other_comes_back_when_it_goes() -> None:
    latch = Latch()
    latch.press("w", UP, at=1.0)
    latch.take()
    latch.press("a", LEFT, at=2.0)
    assert [latch.take().action for _ in range(2)] == [LEFT, LEFT]
    latch.release("a")
    assert latch.take().action == UP


def test_two_taps_between_two_ticks_are_both_played_in_order() -> None:
    latch = Latch()
    for key, action in (("w", UP), ("a", LEFT)):
        latch.press(key, action, at=1.0)
        latch.release(key)
    assert [latch.take().action for _ in range(3)] == [UP, LEFT, None]


def test_a_tap_beside_a_held_key_takes_one_frame() -> None:
    latch = Latch()
    latch.press("w", UP, at=1.0)
    latch.take()
    latch.press("a", LEFT, at=2.0)
    latch.release("a")
    assert [latch.take().action for _ in range(3)] == [LEFT, UP, UP]


def test_two_keys_for_one_action_are_two_keys() -> None:
    latch = Latch()
    latch.press("w", UP, at=1.0)
    latch.press("up", UP, at=1.0)
    latch.release("w")
    assert [latch.take().action for _ in range(3)] == [UP, UP, UP]


def test_drumming_does_not_pile_up() -> None:
    latch = Latch()
    for i in range(50):
        latch.press("w", UP, at=float(i))
        latch.release("w")
    assert sum(latch.take().action == UP for _ in range(60)) == WAITING_PRESSES


def test_losing_the_keyboard_lets_go_of_everything() -> None:
    latch = Latch()
    latch.press("w", UP, at=1.0)
    latch.clear()
    assert latch.take()[:2] == (None, None)


def test_a_frame_knows_all_keys_that_are_held() -> None:
    latch = Latch()
    latch.press("w", UP, at=1.0)
    latch.press("a", LEFT, at=2.0)
    assert latch.take() == (UP, 1.0, (UP, LEFT))
    latch.release("w")
    assert latch.take() == (LEFT, 2.0, (LEFT,))

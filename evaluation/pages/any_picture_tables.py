"""Tables of the figures that need no state reader."""

from __future__ import annotations

from collections.abc import Callable

from reverie.evaluation.metrics.alive import AGES, KINDS, STRETCH
from reverie.evaluation.metrics.arithmetic import DRIFT_RUN, SEGMENT_NAMES
from reverie.evaluation.pages.table import Column, Entry, Table, figure, number, share


def any_picture_tables(entries: dict[str, Entry], seeds_of: Callable[[Entry], str]) -> list[Table]:
    """Tables of the entries that have such figures. seeds_of: the seeds of an entry in words."""
    made = []
    tables = (("alive", _alive), ("judge", _judge), ("turn_round_starts", _turn_round), ("hud_exact", _hud))
    for key, table in tables:
        if having := {name: e for name, e in entries.items() if e.get(key) is not None}:
            made.append(table(having, seeds_of(next(iter(having.values())))))
    return made


def _rows(entries: dict[str, Entry], columns: list[Column]) -> list[list[str]]:
    return [[name, *(column.cell(e) for column in columns)] for name, e in entries.items()]


def _alive(entries: dict[str, Entry], seeds: str) -> Table:
    def by(age: str) -> Column:
        def cell(e: Entry) -> str:
            dreamt, real = e["alive"][age], e["alive_real"][age]
            return "–" if dreamt is None else f"{share(dreamt)} ({share(real)})"

        return Column(f"by frame {int(age):,}", cell)

    def followed(e: Entry) -> str:
        if e["alive_long"] is None:
            return "–"
        return f"{share(e['alive_long'])} of {e['alive_long_dreams']} by frame {e['alive_long_frames']:,}"

    columns = [by(str(age)) for age in AGES]
    columns.append(Column("followed for long", followed))
    columns += [figure(words, "alive_out_of_place", words) for words in KINDS]
    e = next(iter(entries.values()))
    note = (
        f"Share of {e['alive_dreams']} dreams that live, and in brackets of the real game beside them; {seeds}. "
        f"A dream is dead where {DRIFT_RUN} frames in a row are out of place: *strange*, farther from the nearest of "
        f"{e['alive_bank']} real frames (16x16 luminance) than 99.9 % of held-out real frames are, by a quarter; "
        "*flat*, with less difference between neighbouring squares, by a tenth; *still* or *wild*, where the picture "
        f"has moved less or more in the last {STRETCH} frames, by half. The last columns say how many of all dreamt "
        "frames were."
    )
    return Table(
        "How long dreams live", ["bundle", *(column.head for column in columns)], _rows(entries, columns), note
    )


def _hud(entries: dict[str, Entry], seeds: str) -> Table:
    columns = [figure(f"frames {segment}", "rollout", segment, "hud_readable") for segment in SEGMENT_NAMES]
    columns.append(figure("at frame 512", "hud_readable_at_512"))
    columns.append(figure("in the game", "hud_exact"))
    for words, key in (("digits", "hud_misread_digits"), ("hearts", "hud_misread_hearts"), ("doubted", "hud_doubted")):
        columns.append(figure(words if key == "hud_doubted" else f"{words} misread", key, write=lambda n: number(n, 0)))
    e = next(iter(entries.values()))
    note = (
        "Share of the dreamt frames whose hearts and digits the game's own reader reads beyond doubt; *in the game*: "
        f"share of {e['hud_frames']} real frames that it reads so and right. *Misread*: of {e['hud_misread_frames']} "
        "held-out real frames that the autoencoder alone encoded and decoded, those that are read otherwise than "
        f"before; *doubted*: those that are not beyond doubt any more. {seeds.capitalize()}."
    )
    head = ["bundle", *(column.head for column in columns)]
    return Table("Hearts and digits", head, _rows(entries, columns), note)


def _judge(entries: dict[str, Entry], seeds: str) -> Table:
    rows = []
    for name, e in entries.items():
        for key, words in (("auc", "dream"), ("raw", "dream, and how it is drawn"), ("real", "real play")):
            rows.append([name, words, *(number(e["judge"][segment][key], 2) for segment in SEGMENT_NAMES)])
    e = next(iter(entries.values()))
    counts = ", ".join(str(e["judge"][segment]["clips"]) for segment in SEGMENT_NAMES)
    note = (
        "Area under ROC of a small network that has learnt to tell clips of 4 frames, every second one, of dreams from "
        "clips of real play: 0.50 where it cannot tell them, 1.00 where it always can. It judges dreams and episodes "
        f"that it has not seen, {counts} clips of dreams; {seeds}. Real clips went through the bundle's own encoder "
        "and decoder before, but for *how it is drawn*. *Real play*: of some episodes against that of others."
    )
    return Table("Told from real play", ["bundle", "judged", *(f"frames {s}" for s in SEGMENT_NAMES)], rows, note)


def _turn_round(entries: dict[str, Entry], seeds: str) -> Table:
    columns = [
        figure(words, f"turn_round_{key}", write=lambda value: number(value, 1, " dB"))
        for words, key in (
            ("the view that comes back", "psnr_db"),
            ("nothing remembered", "forgotten_psnr_db"),
            ("other views of the room", "unrelated_psnr_db"),
            ("autoencoder alone", "reconstruction_psnr_db"),
        )
    ]
    e = next(iter(entries.values()))
    note = (
        f"The dream turns once round on the spot: its last view against the first, mean over {e['turn_round_starts']} "
        f"starts, {seeds}. In the real game the same picture comes back to the pixel: of {e['turn_round_tried']} "
        "moments only such were taken. *Nothing remembered*: a dream that begins with the real view after half of the "
        "turn and has seen nothing before. *Other views*: the real ones after a quarter, a half and three quarters of "
        "the turn."
    )
    return Table("Once round", ["bundle", *(column.head for column in columns)], _rows(entries, columns), note)

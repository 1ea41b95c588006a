"""Pages whose words are a person's and whose figures are generated: a table is written between two marks."""

from __future__ import annotations

from reverie.evaluation.pages.table import Table

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""Everything between these marks is replaced."""


def filled(page: str, table: Table) -> str:
    """The page with the table between its marks. Raises ValueError where the page has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for figures: write {BEGIN} and {END} where they belong")
    return f"{before}{BEGIN}\n\n{table.markdown()}\n\n{table.note}\n\n{END}{after}"

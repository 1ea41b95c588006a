"""Pages whose words are a person's and whose figures are generated: a table is written between two marks."""

from __future__ import annotations

from reverie.evaluation.pages.table import Table

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""Everything between these marks is replaced."""


def filled(page: str, *tables: Table) -> str:
    """The page with the tables between its marks, and their titles over them where there are several.

    Raises ValueError where the page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for figures: write {BEGIN} and {END} where they belong")
    titles = [f"### {table.title}\n\n" if len(tables) > 1 else "" for table in tables]
    parts = [f"{title}{table.markdown()}\n\n{table.note}\n\n" for title, table in zip(titles, tables, strict=True)]
    return f"{before}{BEGIN}\n\n{''.join(parts)}{END}{after}"

"""How a person's mistake leaves a command that writes a page from reports: one sentence on stderr, exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def page_mistakes() -> Iterator[None]:
    """Turn a report without a key, an unreadable file or a page without marks into a sentence and SystemExit(2)."""
    try:
        yield
    except KeyError as missing:
        print(f"One of the reports has no {missing}; make it again with this version's `reverie`.", file=sys.stderr)
        raise SystemExit(2) from None
    except (ValueError, OSError) as error:
        print(f"The page could not be written: {error}", file=sys.stderr)
        raise SystemExit(2) from None

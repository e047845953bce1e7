"""Words in a row, as a sentence has them."""

from __future__ import annotations

from collections.abc import Iterable


def listed(texts: Iterable[str]) -> str:
    """Texts as a list in a sentence.

    Examples
    --------
    >>> listed(["A"]), listed(["A", "B", "C"]), listed([])
    ('A', 'A, B and C', '')
    """
    texts = list(texts)
    return " and ".join(text for text in (", ".join(texts[:-1]), *texts[-1:]) if text)


def first_few(texts: Iterable[str], most: int = 5, between: str = ", ") -> str:
    """The first of many texts, and how many more there are.

    Examples
    --------
    >>> first_few(["A", "B"]), first_few(list("ABCDEFG"), 3)
    ('A, B', 'A, B, C and 4 more')
    """
    texts = list(texts)
    return between.join(texts[:most]) + (f" and {len(texts) - most:,} more" if len(texts) > most else "")

"""Where data came from: the record that rides on every table to the foot of the map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OWN_FILE = "the authority's own file"


@dataclass(frozen=True)
class Source:
    """Publisher, vintage, licence and fingerprint of one input.

    Parameters
    ----------
    title
        What the data is, as its publisher calls it.
    publisher
        Who publishes it.
    licence
        Licence identifier (``OGL-UK-3.0``) or a sentence.
    attribution
        The credit line that must be printed wherever the data is shown.
    vintage
        Year, month or edition, as text.
    page
        Where a person finds it.
    file
        Name of the file read (never its folder), if any.
    fingerprint
        SHA-256 of the bytes read, hexadecimal, if any.
    invented
        True for made-up data: every page that uses it says so.
    personal
        True for files about people: a page names them, but never prints their fingerprint, with which somebody
        who knows all records but one could try values for that one.

    Examples
    --------
    >>> Source("Schools", publisher="A council", attribution="Source: a council").credit
    'Source: a council'
    """

    title: str
    publisher: str = ""
    licence: str = ""
    attribution: str = ""
    vintage: str = ""
    page: str = ""
    file: str = ""
    fingerprint: str = ""
    invented: bool = False
    personal: bool = False

    @property
    def credit(self) -> str:
        """The attribution, or failing that the publisher and title."""
        return self.attribution or ": ".join(part for part in (self.publisher, self.title) if part)


def unique_sources(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Sources in the order first met, each once.

    Examples
    --------
    >>> a = Source("A")
    >>> unique_sources([a, Source("B"), a])[1].title
    'B'
    """
    return tuple(dict.fromkeys(sources))


def is_invented(sources: Iterable[Source]) -> bool:
    """Whether any source is made-up data."""
    return any(source.invented for source in sources)

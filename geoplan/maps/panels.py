"""Bars and tables as plain values, for the page itself and for the card of a school.

Anything that counts people comes in a :class:`~geoplan.disclosure.Protected` table; facts that are public
already may come in a plain frame, said to be so by name (``public=``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from geoplan.disclosure import Protected, require_protected
from geoplan.errors import GeoplanError
from geoplan.maps.cells import Cells, cells, share_decimals
from geoplan.sources import Source, unique_sources

MOST_BARS = 8


class LayerRefused(GeoplanError, ValueError):
    """A layer or panel that cannot be shown honestly, with what to change."""


@dataclass(frozen=True, repr=False)
class BarPanel:
    """Shares of up to eight segments, each beside the share of a base."""

    title: str
    table: Protected
    share: str
    base_share: str
    low: str
    high: str
    label: str
    group: str
    base: str
    sources: tuple[Source, ...]
    note: str = ""

    def __repr__(self) -> str:
        return f"<BarPanel {self.title!r}: {many(len(self.table), 'segment')}>"


@dataclass(frozen=True, repr=False)
class TablePanel:
    """A plain table: protected counts, or public facts."""

    title: str
    data: Protected | pd.DataFrame
    columns: Mapping[str, tuple[str, str]]
    index: str
    sources: tuple[Source, ...]
    note: str = ""

    @property
    def shown(self) -> tuple[Cells, ...]:
        """The columns as shown, the codes first when they have a heading."""
        frame = self.data.table if isinstance(self.data, Protected) else self.data
        codes = (Cells(self.index, "", 0, tuple(map(str, frame.index)), words=True),) if self.index else ()
        same = share_decimals(self.data, {col: unit for col, (_, unit) in self.columns.items()})
        return codes + tuple(
            cells(self.data, col, heading, unit, decimals=same) for col, (heading, unit) in self.columns.items()
        )

    def __repr__(self) -> str:
        return f"<TablePanel {self.title!r}: {many(len(self.data), 'row')}, {many(len(self.columns), 'column')}>"


@dataclass(frozen=True, repr=False)
class PicturePanel:
    """Pictures beside each other, each SVG with its caption; no numbers of people are in them."""

    title: str
    pictures: tuple[tuple[str, str], ...]
    data: pd.DataFrame
    sources: tuple[Source, ...]
    note: str = ""

    def __repr__(self) -> str:
        return f"<PicturePanel {self.title!r}: {many(len(self.pictures), 'picture')}>"


Panel = BarPanel | TablePanel | PicturePanel
Detail = BarPanel | TablePanel | str


def bars(
    title: str,
    protected: Protected,
    *,
    sources: Iterable[Source],
    share: str = "share",
    base_share: str = "base_share",
    low: str = "low",
    high: str = "high",
    label: str = "label",
    group: str = "This school",
    base: str = "",
    note: str = "",
) -> BarPanel:
    """Bars for up to eight segments, each with a marker for the base and a whisker for the interval.

    Parameters
    ----------
    title
        What the bars say, in a few words.
    protected
        One row for each segment, in the order to show.
    sources
        Where the numbers came from.
    share, base_share, low, high
        Columns of shares (0 to 1): of the group, of the base, and the ends of the interval; "" for
        ``low`` and ``high`` draws no whiskers.
    label
        Column with the segments' names; the index when there is no such column.
    group, base
        What the bars and the markers are called; the table's own words for the base if not given.
    note
        A sentence for the reader.
    """
    protected = require_protected(protected, f"bars {title!r}")
    check_columns(title, protected.table, [share, base_share, *(col for col in (low, high) if col)])
    if len(protected) > MOST_BARS:
        raise LayerRefused(
            f"bars {title!r}: {len(protected)} segments; {MOST_BARS} can be read at once. "
            "Use groups, or maps.table for all of them"
        )
    label = label if label in protected.table else ""
    base = base or protected.base or "Base"
    return BarPanel(
        title,
        protected,
        share,
        base_share,
        low,
        high,
        label,
        group,
        base,
        checked_sources(title, sources),
        note,
    )


def table(
    title: str,
    protected: Protected | None = None,
    columns: Mapping[str, str | tuple[str, str]] | None = None,
    *,
    sources: Iterable[Source],
    public: pd.DataFrame | None = None,
    index: str = "",
    note: str = "",
) -> TablePanel:
    """A table for the page or for a school's card.

    Parameters
    ----------
    title
        Its heading.
    protected
        The table; anything that counts people.
    columns
        Column to heading, or to ``(heading, unit)``; nothing else is in the page.
    sources
        Where the numbers came from.
    public
        Instead of ``protected``: facts about schools or areas that are public already.
    index
        Heading for the codes; "" leaves them out.
    note
        A sentence for the reader.
    """
    if public is None:
        data: Protected | pd.DataFrame = require_protected(protected, f"table {title!r}")
        frame = data.table
    elif protected is not None:
        raise LayerRefused(f"table {title!r}: give protected or public, not both")
    else:
        data = frame = public
    units = data.units if isinstance(data, Protected) else {}
    wanted = {
        col: (heading, units.get(col, "")) if isinstance(heading, str) else tuple(heading)
        for col, heading in (columns or {}).items()
    }
    if not wanted:
        raise LayerRefused(f"table {title!r}: name the columns to show")
    check_columns(title, frame, list(wanted))
    if public is not None:
        data = public[list(wanted)].copy()
    return TablePanel(title, data, MappingProxyType(wanted), index, checked_sources(title, sources), note)


def pictures(
    title: str, drawn: Mapping[str, str], *, sources: Iterable[Source], words: Iterable[str] = (), note: str = ""
) -> PicturePanel:
    """Pictures of our own drawing, beside each other.

    Parameters
    ----------
    title
        What they show.
    drawn
        Caption to SVG, as :func:`geoplan.reports.catchment_maps.catchment_map` draws it; its title is for readers who
        cannot see it.
    sources
        What they were drawn from.
    words
        Names and captions that stand in them: a number in a name is no figure.
    note
        A sentence for the reader.
    """
    if not all(picture.startswith("<svg ") and "<title>" in picture for picture in drawn.values()):
        raise LayerRefused(f"pictures {title!r}: each is SVG with a title in words")
    data = pd.DataFrame({"words": [*drawn, *words]})
    return PicturePanel(title, tuple(drawn.items()), data, checked_sources(title, sources), note)


def many(count: int, what: str) -> str:
    """So many of something, for a short description.

    Examples
    --------
    >>> many(1, "layer"), many(1_065, "area")
    ('1 layer', '1,065 areas')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def checked_sources(title: str, sources: Iterable[Source], at_least: int = 1) -> tuple[Source, ...]:
    """The sources, each once, or a refusal when one is missing or names no publisher.

    Examples
    --------
    >>> checked_sources("Rolls", [])  # doctest: +ELLIPSIS, +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    geoplan.maps.panels.LayerRefused: 'Rolls': no source is given for the data shown; ...
    """
    given = tuple(sources)
    if len(given) < at_least:
        raise LayerRefused(f"{title!r}: no source is given for the data shown; pass sources=[Source(...)]")
    for source in given:
        if not (source.attribution or source.publisher):
            raise LayerRefused(
                f"{title!r}: source {source.title!r} has neither attribution nor publisher; "
                "say whom to credit, it is printed with the map"
            )
    return unique_sources(given)


def check_columns(title: str, frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    """Refuse a frame that lacks a column, naming those it has."""
    absent = [col for col in wanted if col not in frame.columns]
    if absent:
        raise LayerRefused(f"{title!r}: no column {', '.join(map(repr, absent))}; there are {list(frame.columns)}")

"""Layers of a map as plain values, and the functions that make them from answers.

Counts of people come in :class:`~geoplan.disclosure.Protected` tables only. Public facts about schools may
come in a plain frame, but only the columns named are ever taken from it: the rest stays behind here,
before anything is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from geoplan.disclosure import Protected, require_protected
from geoplan.errors import UnknownCodeError
from geoplan.maps import palette
from geoplan.maps.cells import Cells, cells, share_decimals
from geoplan.maps.panels import BarPanel, Detail, LayerRefused, TablePanel, check_columns, checked_sources, many
from geoplan.sources import Source
from geoplan.vintages import kind_words

if TYPE_CHECKING:
    import geopandas as gpd

    from geoplan.areas import Boundaries

MARKS = ("circle", "square", "triangle", "diamond")


@dataclass(frozen=True, repr=False)
class AreaLayer:
    """Areas coloured by one protected value."""

    title: str
    kind: str
    shapes: gpd.GeoDataFrame
    table: Protected
    value: str
    unit: str
    scale: str
    breaks: tuple[float, ...]
    legend: str
    details: Mapping[str, str]
    sources: tuple[Source, ...]
    note: str = ""
    categories: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()

    @property
    def shown(self) -> Cells:
        """The value mapped, as shown, in the order of the shapes."""
        same = _same_decimals(self.table, self.value, self.unit, self.details)
        return cells(self.table, self.value, self.legend, self.unit, list(self.shapes.index), same)

    @property
    def columns(self) -> tuple[Cells, ...]:
        """The value and the details, as shown, in the order of the shapes."""
        codes, units = list(self.shapes.index), self.table.units
        same = _same_decimals(self.table, self.value, self.unit, self.details)
        rest = (cells(self.table, col, label, units.get(col, ""), codes, same) for label, col in self.details.items())
        return (self.shown, *rest)

    def __repr__(self) -> str:
        return f"<AreaLayer {self.title!r}: {many(len(self.shapes), 'area')} ({self.kind}), by {self.value}>"


@dataclass(frozen=True, repr=False)
class OutlineLayer:
    """Outlines with names: a basemap of our own, drawn beneath or above the colours, never clicked."""

    title: str
    kind: str
    shapes: gpd.GeoDataFrame
    sources: tuple[Source, ...]
    names: bool = True

    def __repr__(self) -> str:
        return f"<OutlineLayer {self.title!r}: {many(len(self.shapes), 'area')}>"


@dataclass(frozen=True, repr=False)
class PointLayer:
    """Schools: public points with public facts and, on request, protected details."""

    title: str
    table: pd.DataFrame
    facts: Mapping[str, tuple[str, str]]
    mark_by: str
    marks: tuple[str, ...]
    details: Mapping[str, tuple[Detail, ...]]
    highlight: tuple[str, ...]
    sources: tuple[Source, ...]
    note: str = ""
    code_name: str = "URN"

    @property
    def columns(self) -> tuple[Cells, ...]:
        """The public facts, as shown, in the order of the schools."""
        same = share_decimals(self.table, dict(self.facts.values()))
        return tuple(cells(self.table, col, label, unit, decimals=same) for label, (col, unit) in self.facts.items())

    def __repr__(self) -> str:
        return f"<PointLayer {self.title!r}: {many(len(self.table), 'school')}, {many(len(self.details), 'card')}>"


Layer = AreaLayer | PointLayer | OutlineLayer


def areas(
    boundaries: Boundaries,
    protected: Protected,
    *,
    value: str,
    title: str,
    sources: Iterable[Source],
    unit: str = "",
    scale: str = "sequential",
    breaks: Sequence[float] | None = None,
    classes: int = palette.MOST_CLASSES,
    method: str = "quantile",
    legend: str = "",
    details: Mapping[str, str] | None = None,
    note: str = "",
    focus: Iterable[str] = (),
    colours: Mapping[str, str] | None = None,
) -> AreaLayer:
    """A layer of areas coloured by one column of a protected table.

    Parameters
    ----------
    boundaries
        The areas. Areas without a row in the table are shown as "no data".
    protected
        Rows keyed by code; its ``units`` name the units of the detail columns.
    value
        The column to colour by.
    title
        What the map shows, in a few words; for choosing between layers.
    sources
        Where the *table* came from; the source of the boundaries is added.
    unit
        ``share`` (0 to 1, printed as a percentage), ``%``, ``index``, ``£`` or words such as ``pupils``;
        "" takes the table's own unit for the column.
    scale
        ``sequential`` (less to more), ``diverging`` (below and above a middle: 100 for an index, else 0)
        or ``categories`` (words).
    breaks
        Class edges in the column's own numbers (0.25 for a share of 25%); round ones are found if not given.
    classes, method
        How many classes, and how (``quantile`` or ``equal``), when ``breaks`` is not given.
    legend
        Heading of the legend and of the table's column; the title if not given.
    details
        Further columns to show: heading to column. Nothing else of the table is in the page.
    note
        A sentence for the reader.
    focus
        Codes of the areas that the page opens on; the whole map where there are none.
    colours
        For ``categories``: the colour of each, where there are more than can be told apart
        (:func:`geoplan.maps.palette.colours_apart`); outlines with names must then tell them apart.

    Examples
    --------
    See :class:`geoplan.maps.MapBook`.
    """
    protected = require_protected(protected, f"map layer {title!r}")
    details = dict(details or {})
    check_columns(title, protected.table, [value, *details.values()])
    if scale not in palette.SCALES:
        raise LayerRefused(f"map layer {title!r}: scale {scale!r}; use one of {', '.join(palette.SCALES)}")
    _check_codes(title, boundaries, protected)
    shapes = _shapes(boundaries)
    sources = checked_sources(title, (boundaries.source, *sources), at_least=2)
    unit = unit or protected.units.get(value, "")
    same = _same_decimals(protected, value, unit, details)
    shown = cells(protected, value, legend or title, unit, list(shapes.index), same)
    categories: tuple[str, ...] = ()
    if scale == "categories":
        categories = tuple(sorted({v for v in shown.values if isinstance(v, str)}))
        if colours is None:
            palette.category_colours(max(1, len(categories)))
        elif absent := [word for word in categories if word not in colours]:
            raise LayerRefused(f"map layer {title!r}: no colour is given for {absent[0]!r}")
        breaks = ()
    elif shown.words:
        raise LayerRefused(f"map layer {title!r}: column {value!r} holds words; use scale='categories'")
    elif breaks is None:
        breaks = _own_breaks(shown, scale, classes, method)
    else:
        breaks = [edge * 100 for edge in breaks] if unit == "share" else breaks
    breaks = tuple(round(float(edge), 10) for edge in breaks)
    if list(breaks) != sorted(set(breaks)) or len(breaks) >= palette.MOST_CLASSES:
        raise LayerRefused(f"map layer {title!r}: breaks must rise and be {palette.MOST_CLASSES - 1} at most")
    return AreaLayer(
        title,
        boundaries.kind,
        shapes,
        protected,
        value,
        unit,
        scale,
        breaks,
        legend or title,
        MappingProxyType(details),
        sources,
        note,
        categories,
        tuple(code for code in focus if code in shapes.index),
        tuple(colours[word] for word in categories) if colours is not None else (),
    )


def _same_decimals(table: Protected, value: str, unit: str, details: Mapping[str, str]) -> int:
    """The decimals of all shares of a layer."""
    return share_decimals(table, {**{col: table.units.get(col, "") for col in details.values()}, value: unit})


def _own_breaks(shown: Cells, scale: str, classes: int, method: str) -> tuple[float, ...]:
    if scale == "sequential":
        return palette.tidy_breaks(shown.numbers, classes, method, shown.decimals)
    return palette.INDEX_BREAKS if shown.unit == "index" else palette.centred_breaks(shown.numbers, shown.decimals)


def outline(boundaries: Boundaries, *, title: str = "", names: bool = True) -> OutlineLayer:
    """Outlines to find one's way by, with names if wanted."""
    title = title or f"Outlines of {kind_words(boundaries.kind)}"
    sources = checked_sources(title, (boundaries.source,))
    return OutlineLayer(title, boundaries.kind, _shapes(boundaries), sources, names)


def schools(
    frame: pd.DataFrame,
    *,
    sources: Iterable[Source],
    details: Mapping[str, Sequence[Detail]] | None = None,
    facts: Mapping[str, str | tuple[str, str]] | None = None,
    mark_by: str = "",
    highlight: str | Sequence[str] = (),
    title: str = "Schools",
    note: str = "",
    code_name: str = "URN",
) -> PointLayer:
    """A layer of schools, to be found by name or number.

    Parameters
    ----------
    frame
        Public facts, indexed by school code; columns ``name``, ``easting``, ``northing`` (EPSG:27700).
        Only these, ``facts`` and ``mark_by`` are taken from it. A school without a position can be found
        by its name, but is not drawn.
    sources
        Where the frame came from.
    details
        School code to what its card shows: :func:`bars`, :func:`table` or a sentence, in order.
    facts
        Public facts to show: heading to column, or to ``(column, unit)``.
    mark_by
        A column of up to four kinds (phase, say), each drawn with its own shape.
    highlight
        Codes of schools to draw larger, with their names.
    title, note
        Heading in the layer list; a sentence for the reader.
    code_name
        What the code is called.
    """
    facts = {label: (col, "") if isinstance(col, str) else tuple(col) for label, col in (facts or {}).items()}
    columns = list(dict.fromkeys(["name", "easting", "northing", *(col for col, _ in facts.values())]))
    columns += [mark_by] if mark_by and mark_by not in columns else []
    if isinstance(frame, Protected) or not isinstance(frame, pd.DataFrame):
        raise LayerRefused(f"layer {title!r}: schools are public points; a plain frame is needed, indexed by code")
    check_columns(title, frame, columns)
    kept = pd.DataFrame(frame[columns]).rename(index=str)
    kept["name"] = kept["name"].astype(object).where(kept["name"].notna(), "")
    if not kept.index.is_unique:
        raise LayerRefused(f"layer {title!r}: a school code is there twice; keep one row for each school")
    kinds = tuple(sorted(kept[mark_by].dropna().astype(str).unique())) if mark_by else ()
    if len(kinds) > len(MARKS):
        raise LayerRefused(f"layer {title!r}: {len(kinds)} kinds of {mark_by}; {len(MARKS)} shapes can be told apart")
    wanted = (highlight,) if isinstance(highlight, str) else tuple(highlight)
    blocks = {str(code): tuple(_checked_detail(d, title) for d in given) for code, given in (details or {}).items()}
    for what, codes in (("highlight", wanted), ("details", blocks)):
        unknown = [code for code in codes if code not in kept.index]
        if unknown:
            raise UnknownCodeError(f"layer {title!r}: {what} names {len(unknown)} unknown school(s): {unknown[0]}")
    return PointLayer(
        title, kept, MappingProxyType(facts), mark_by, kinds, MappingProxyType(blocks), wanted,
        checked_sources(title, sources), note, code_name,
    )  # fmt: skip


def _checked_detail(detail: Detail, title: str) -> Detail:
    if isinstance(detail, (BarPanel, TablePanel, str)):
        return detail
    require_protected(detail, f"details of {title!r}")
    raise LayerRefused(f"details of {title!r}: make maps.bars or maps.table of the protected table")


def _shapes(boundaries: Boundaries) -> gpd.GeoDataFrame:
    """Code, name and outline, and nothing else of the layer; an area without a name has an empty one."""
    frame = boundaries.frame[["name", "geometry"]]
    return frame.assign(name=frame["name"].astype(object).where(frame["name"].notna(), ""))


def _check_codes(title: str, boundaries: Boundaries, protected: Protected) -> None:
    index = protected.table.index
    if not index.is_unique:
        raise LayerRefused(f"map layer {title!r}: an area is there twice in the table; sum it first")
    unknown = index.difference(boundaries.frame.index)
    if len(unknown):
        raise UnknownCodeError(
            f"map layer {title!r}: {len(unknown):,} of {len(index):,} codes are not in {boundaries.kind} "
            f"(the first is {unknown[0]}); is the table of another kind or year?"
        )

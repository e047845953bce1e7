"""A page as a value: a title, a finding, layers, panels and notes; text or a file when asked."""

from __future__ import annotations

import errno
import html
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from geoplan.disclosure import Protected, Rule, require_protected
from geoplan.maps.layers import AreaLayer, Layer, OutlineLayer, PointLayer
from geoplan.maps.panels import BarPanel, LayerRefused, Panel, PicturePanel, TablePanel, many
from geoplan.sources import Source, is_invented, unique_sources

BASEMAPS = ("", "osm")


@dataclass(frozen=True, repr=False)
class MapBook:
    """One HTML page that opens without a network: a map, panels, the data behind it, and the sources.

    Parameters
    ----------
    title
        The question or the place.
    finding
        What the page shows, in one plain sentence.
    layers
        From :func:`geoplan.maps.areas`, :func:`~geoplan.maps.schools` and :func:`~geoplan.maps.outline`.
    panels
        From :func:`geoplan.maps.bars` and :func:`~geoplan.maps.table`.
    notes
        Sentences for the foot of the page.
    marking
        How the page must be handled ("OFFICIAL"), printed at its head.
    basemap
        "" for none (the page asks nobody for anything); "osm" for OpenStreetMap tiles, which tells their
        provider which place is viewed, and says so on the page.
    swipe
        Layers of areas that can stand beside each other, one left and one right of a line that the reader moves:
        the title of each, and the title of the outlines that go with it ("" for none). The outlines are then shown
        with their layer and not by themselves.
    look_up
        The title of a table that readers look their own row up in, by its first column (a postcode sector).

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, shapely
    >>> from geoplan import maps
    >>> from geoplan.areas import Boundaries
    >>> from geoplan.disclosure import protect
    >>> from geoplan.sources import Source
    >>> squares = gpd.GeoDataFrame(
    ...     {"name": ["West", "East"]}, index=["a", "b"],
    ...     geometry=shapely.box([0, 1000], 0, [1000, 2000], 1000), crs=27700)
    >>> wards = Boundaries("ward25", squares, Source("Drawn wards", publisher="nobody", invented=True))
    >>> counts = protect(pd.DataFrame({"pupils": [40, 4]}, index=["a", "b"]), counts=["pupils"])
    >>> layer = maps.areas(wards, counts, value="pupils", title="Pupils by ward",
    ...     sources=[Source("Drawn pupils", publisher="nobody", invented=True)])
    >>> book = maps.MapBook("Two wards").add(layer)
    >>> "Invented data" in book.to_html()
    True
    """

    title: str
    finding: str = ""
    layers: tuple[Layer, ...] = ()
    panels: tuple[Panel, ...] = ()
    notes: tuple[str, ...] = ()
    marking: str = ""
    basemap: str = ""
    swipe: Mapping[str, str] = field(default_factory=dict)
    look_up: str = ""

    def __post_init__(self) -> None:
        if self.basemap not in BASEMAPS:
            raise ValueError(f"basemap {self.basemap!r}: use '' or 'osm'")
        for name, kinds in (
            ("layers", (AreaLayer, PointLayer, OutlineLayer)),
            ("panels", (BarPanel, TablePanel, PicturePanel)),
        ):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            for item in getattr(self, name):
                _check_kind(item, kinds, name)
        object.__setattr__(self, "notes", tuple(self.notes))
        known = {part.title for part in (*self.layers, *self.panels)}
        named = {*self.swipe, *self.swipe.values(), self.look_up} - {""}
        if named - known:
            raise ValueError(f"{self.title}: no layer or panel is called {sorted(named - known)[0]!r}")

    def add(self, *items: Layer | Panel) -> MapBook:
        """A new book with these layers and panels after those it has."""
        panels = tuple(item for item in items if isinstance(item, (BarPanel, TablePanel, PicturePanel)))
        layers = tuple(item for item in items if not isinstance(item, (BarPanel, TablePanel, PicturePanel)))
        return replace(self, layers=self.layers + layers, panels=self.panels + panels)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source of everything on the page, each once."""
        return unique_sources(source for part in _parts(self) for source in part.sources)

    @property
    def invented(self) -> bool:
        """Whether anything on the page is made-up data."""
        return is_invented(self.sources)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The small-number rules applied to anything on the page, each once."""
        tables = (getattr(part, name, None) for part in _parts(self) for name in ("table", "data"))
        return tuple(dict.fromkeys(table.rule for table in tables if isinstance(table, Protected)))

    def to_html(self) -> str:
        """The page as text, the same for the same book."""
        from geoplan.maps.render import page

        return page(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page; the file is wholly the old one or wholly the new one.

        Raises
        ------
        FileNotFoundError
            If there is no such folder; it is not made, so that a slip in its name is noticed.
        """
        path = Path(path)
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder; make it first", str(path.parent))
        text = self.to_html()
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
        return path

    def __repr__(self) -> str:
        return f"<MapBook {self.title!r}: {many(len(self.layers), 'layer')}, {many(len(self.panels), 'panel')}>"

    def _repr_html_(self) -> str:
        """The page in a notebook, in a frame of its own that cannot reach the notebook."""
        page = html.escape(self.to_html(), quote=True)
        return (
            f'<iframe title="{html.escape(self.title, quote=True)}" sandbox="allow-scripts" '
            f'width="100%" height="720" srcdoc="{page}"></iframe>'
        )


def _parts(book: MapBook) -> Iterator[Layer | Panel]:
    """Layers, panels and the blocks in the schools' cards."""
    for part in (*book.layers, *book.panels):
        yield part
        if isinstance(part, PointLayer):
            for blocks in part.details.values():
                yield from (block for block in blocks if not isinstance(block, str))


def _check_kind(item: object, kinds: tuple[type, ...], name: str) -> None:
    if isinstance(item, kinds):
        return
    require_protected(item, f"{name} of a MapBook")
    raise LayerRefused(f"{name} of a MapBook: make a layer or panel of the protected table with geoplan.maps")

"""A book to one HTML text that asks the network for nothing.

folium makes the map (so our layers are folium layers); the page around it is a template of ours with
autoescape. Leaflet and our script stand in the page. A Content-Security-Policy names the very scripts and
styles by hash: no other runs, and nothing is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from geoplan.maps import palette
from geoplan.maps.blocks import bar_block, legend_entries, legend_note
from geoplan.maps.cells import Cells
from geoplan.maps.layers import MARKS, AreaLayer, OutlineLayer, PointLayer
from geoplan.maps.panels import BarPanel, PicturePanel, TablePanel
from geoplan.sources import Source, unique_sources

if TYPE_CHECKING:
    import folium
    import jinja2

ASSETS = Path(__file__).with_name("assets")
LONG_TABLE = 1_500  # rows: a longer table is drawn by the script, page by page
MOST_ROWS = 3_500  # rows of all tables together: further tables too are drawn by the script
TILE_HOST = "https://tile.openstreetmap.org"


class Book(Protocol):
    """What a page is made from; MapBook says what is what."""

    title: str
    finding: str
    layers: tuple[AreaLayer | PointLayer | OutlineLayer, ...]
    panels: tuple[BarPanel | TablePanel | PicturePanel, ...]
    notes: tuple[str, ...]
    marking: str
    basemap: str
    swipe: Mapping[str, str]
    look_up: str


def page(book: Book) -> str:
    """The page as text; byte for byte the same for the same book."""
    leaflet_js, leaflet_css = leaflet()
    html, script = map_parts(book) if book.layers else ("", "")
    scripts = [leaflet_js, asset("geoplan.js"), script] if book.layers else []
    styles = [leaflet_css, asset("geoplan.css")]
    areas = [layer for layer in book.layers if isinstance(layer, AreaLayer)]
    return environment().get_template("page.html").render(
        book=book,
        policy=policy(scripts, styles, tiles=book.basemap == "osm"),
        styles=styles,
        scripts=scripts,
        map_html=html,
        areas=[area_parts(layer, long) for layer, long in zip(areas, long_tables(areas), strict=True)],
        outlines=[layer for layer in book.layers if isinstance(layer, OutlineLayer)],
        lines=_lines_of(book),
        schools=[school_parts(layer) for layer in book.layers if isinstance(layer, PointLayer)],
        credits=credit_sentences(source for layer in book.layers for source in layer.sources),
        panels=[panel_parts(panel) for panel in book.panels],
        tile_host=TILE_HOST.removeprefix("https://") if book.basemap == "osm" else "",
        palette=palette,
        marks=MARKS,
    )  # fmt: skip


def _lines_of(book: Book) -> dict[str, int]:
    """For each layer of areas that is swiped, the number of its outlines among all outlines, -1 for none."""
    outlines = [layer.title for layer in book.layers if isinstance(layer, OutlineLayer)]
    return {title: outlines.index(lines) if lines else -1 for title, lines in book.swipe.items()}


def map_parts(book: Book) -> tuple[str, str]:
    """HTML and script of the folium map, without folium's own links, with ids that never change."""
    figure = folium_map(book).get_root()
    figure.render()
    html = "\n".join(child.render() for child in figure.html._children.values())
    script = "\n".join(child.render() for child in figure.script._children.values())
    return _lines(html), "\n" + _lines(script) + "\n"


def folium_map(book: Book) -> folium.Map:
    """The map of a book: a folium map with our layers, whose links to other hosts are taken off this one only."""
    import folium

    from geoplan.maps.folium_layers import PageControls, folium_layer

    made = folium.Map(
        location=[52.5, -1.5],
        zoom_start=6,
        tiles=None,
        zoom_control=False,
        prefer_canvas=True,
        attribution_control=book.basemap == "osm",
        zoom_snap=1 if book.basemap else 0.1,
        bounce_at_zoom_limits=False,
        max_zoom=18,
    )
    made.default_js, made.default_css = [], []
    made._id = "page"
    if book.basemap == "osm":
        tiles = folium.TileLayer("OpenStreetMap")
        tiles._id = "basemap"
        tiles.add_to(made)
    names: dict[str, list[str]] = {"areas": [], "outlines": [], "schools": []}
    for number, layer in enumerate(book.layers):
        ours = folium_layer(layer, alone=False, show=not (isinstance(layer, AreaLayer) and names["areas"]))
        ours._id = str(number)
        ours.add_to(made)
        names[ours.maker].append(ours.get_name())
    controls = PageControls(names)
    controls._id = "controls"
    controls.add_to(made)
    return made


def long_tables(layers: Sequence[AreaLayer]) -> list[bool]:
    """For each layer, whether its table is left to the script so that the page stays small."""
    long, rows = [], 0
    for layer in layers:
        more = len(layer.shapes)
        long.append(more > LONG_TABLE or rows + more > MOST_ROWS)
        rows += 0 if long[-1] else more
    return long


def area_parts(layer: AreaLayer, long: bool) -> dict:
    """What the template shows of a layer of areas: legend and table."""
    columns = layer.columns
    rows = [] if long else zip(layer.shapes.index, layer.shapes["name"], *(c.texts for c in columns), strict=True)
    return {
        "title": layer.title,
        "note": layer.note,
        "legend": columns[0].label,
        "legend_note": legend_note(layer),
        "entries": legend_entries(layer),
        "columns": columns,
        "rows": [list(row) for row in rows],
        "long": long,
        "count": len(layer.shapes),
    }


def school_parts(layer: PointLayer) -> dict:
    """What the template shows of a layer of schools: the key of its marks, and how many are not drawn."""
    known = layer.table[["easting", "northing"]].notna().all(axis=1)
    known &= (layer.table[["easting", "northing"]] != 0).any(axis=1)
    return {
        "title": layer.title,
        "note": layer.note,
        "kinds": list(zip(layer.marks, MARKS, strict=False)) or [("school", MARKS[0])],
        "highlight": [str(layer.table.at[code, "name"]) for code in layer.highlight],
        "count": len(layer.table),
        "undrawn": int((~known).sum()),
    }


def panel_parts(panel: BarPanel | TablePanel | PicturePanel) -> dict:
    """What the template shows of a panel."""
    if isinstance(panel, BarPanel):
        return bar_block(panel)
    if isinstance(panel, PicturePanel):
        return {"kind": "pictures", "title": panel.title, "note": panel.note, "pictures": panel.pictures}
    return {"kind": "table", "title": panel.title, "note": panel.note, "columns": panel.shown}


def credit_sentences(sources: Iterable[Source]) -> str:
    """What must be printed under the map: the credits of its sources, a sentence that several share once.

    Examples
    --------
    >>> ours = Source("A", attribution="Source: us. Contains OS data \u00a9 Crown copyright 2025.")
    >>> theirs = Source("B", attribution="Source: them. Contains OS data \u00a9 Crown copyright 2025")
    >>> credit_sentences([ours, theirs])
    'Source: us. Contains OS data \u00a9 Crown copyright 2025. Source: them.'
    """
    found: dict[str, str] = {}
    for source in unique_sources(sources):
        for sentence in re.split(r"(?<=[.!?;])\s+(?=[A-Z\u00a9])", source.credit.strip()):
            plain = sentence.strip().rstrip(".;")
            found.setdefault(plain.casefold(), plain)
    return " ".join(text if text.endswith(("!", "?")) else f"{text}." for text in found.values() if text)


def policy(scripts: list[str], styles: list[str], tiles: bool = False) -> str:
    """The Content-Security-Policy of a page: these scripts, these styles, pictures in the page, nothing else.

    Examples
    --------
    >>> policy([], [])[:37]
    "default-src 'none'; script-src 'none'"
    """
    allowed = {
        "default-src": "'none'",
        "script-src": " ".join(map(_hash, scripts)) or "'none'",
        "style-src": " ".join(map(_hash, styles)) or "'none'",
        "img-src": f"data: {TILE_HOST}" if tiles else "data:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def asset(name: str) -> str:
    """The text of a file that ships with the package."""
    return _lines((ASSETS / name).read_text(encoding="utf-8"))


@cache
def leaflet() -> tuple[str, str]:
    """Leaflet's script and style, its pictures put into the style, its pointer to a source map left out."""
    script = re.sub(r"\n//# sourceMappingURL=.*", "", asset("leaflet/leaflet.js"))
    return script, re.sub(r"url\(images/([\w-]+\.png)\)", _picture, asset("leaflet/leaflet.css"))


def _picture(match: re.Match[str]) -> str:
    data = base64.b64encode((ASSETS / "leaflet" / match[1]).read_bytes()).decode()
    return f"url(data:image/png;base64,{data})"


def number_columns(columns: Sequence[Cells], first: int = 1) -> str:
    """Classes that set the columns of numbers to the right: shorter than a class on every cell.

    Examples
    --------
    >>> number_columns([Cells("Phase", "", 0, (), words=True), Cells("Places", "", 0, ())])
    ' n2'
    """
    return "".join(f" n{at}" for at, column in enumerate(columns, first) if not column.words)


def templates(*folders: Path) -> jinja2.Environment:
    """The templates of some folders, with autoescape, always."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


@cache
def environment() -> jinja2.Environment:
    """The templates of pages with maps."""
    made = templates(ASSETS)
    made.filters["number_columns"] = number_columns
    made.filters["transposed"] = lambda columns: list(zip(*columns, strict=True))
    return made


def _lines(text: str) -> str:
    """One kind of line end: a browser makes them so before it works out a script's hash."""
    return text.replace("\r\n", "\n").replace("\r", "\n")

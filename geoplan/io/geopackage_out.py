"""GeoPackages out: areas with protected figures, or plans, and the style that QGIS opens them with.

QGIS reads a table ``layer_styles`` in a GeoPackage and draws a layer with the style marked as its default, so that
the analyst sees the classes of our own maps, small numbers hatched. Only codes, names, printed figures and the
published outlines are in the file.

References: OGC 12-128r18 (GeoPackage); the ``layer_styles`` table and QML as QGIS 3 writes them.
"""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from geoplan.areas import Boundaries
from geoplan.catchments import CatchmentPlan
from geoplan.disclosure import HIDDEN, Protected, require_protected
from geoplan.io.outputs import write_bytes
from geoplan.maps import palette
from geoplan.sources import Source

_MOMENT = "2000-01-01T00:00:00.000Z"  # the same for every file, so that the bytes follow from the content
_CHANGES = (1).to_bytes(4, "big")
_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME
)"""


def write_geopackage(
    path: str | os.PathLike,
    boundaries: Boundaries,
    layers: Mapping[str, Protected],
    sources: Iterable[Source] = (),
    private: bool = False,
) -> Path:
    """Write areas with protected figures as a GeoPackage that QGIS opens coloured, whole or not at all.

    Parameters
    ----------
    path
        The file, ``.gpkg``.
    boundaries
        The areas; all are written, so that hidden ones and those with nobody are seen.
    layers
        Layer name to its protected table, rows keyed by area code. The first column of numbers is coloured. A
        hidden number is empty, and a column ``<name>_shown`` says how each is to be printed (``c`` where hidden).
    sources
        Where the figures came from: their credits stand in the layer's description.
    private
        True for a file that only its owner can read.

    Returns
    -------
    Path

    Raises
    ------
    NotProtected
        If a layer is not protected.
    """
    return write_bytes(path, geopackage_bytes(boundaries, layers, sources), private)


def geopackage_bytes(boundaries: Boundaries, layers: Mapping[str, Protected], sources: Iterable[Source] = ()) -> bytes:
    """The bytes of :func:`write_geopackage`; equal tables give equal bytes."""
    from pyogrio import write_dataframe

    credits = " ".join(dict.fromkeys(source.credit for source in (boundaries.source, *sources) if source.credit))
    styles = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "areas.gpkg"
        for title, table in layers.items():
            table = require_protected(table, f"layer {title!r}")
            name = layer_name(title)
            frame, coloured = _frame(boundaries, table)
            write_dataframe(
                frame, file, driver="GPKG", layer=name, append=bool(styles), geometry_type="MultiPolygon",
                promote_to_multi=True, layer_options={"DESCRIPTION": f"{table.rule.sentence} {credits}"},
            )  # fmt: skip
            styles.append((name, qml(table, coloured)))
        return _styled(file.read_bytes(), styles)


def plan_geopackage_bytes(
    plan: CatchmentPlan,
    boundaries: Boundaries,
    names: Mapping[str, str] | None = None,
    sources: Iterable[Source] = (),
) -> bytes:
    """A catchment plan as a GeoPackage: its areas with their school, and the outline of each catchment, coloured.

    Parameters
    ----------
    plan
        The plan; nothing about people is in it.
    boundaries
        The plan's areas.
    names
        Names of schools.
    sources
        Where the plan came from, besides the outlines.

    Raises
    ------
    VintageError
        If the boundaries are of another kind.
    """
    from pyogrio import write_dataframe

    names = dict(names or {})

    def called(code: str) -> str:
        return " and ".join(names.get(member, member) for member in plan.members(code)) if code else "no school"

    outlines = plan.catchments(boundaries)
    credits = " ".join(dict.fromkeys(source.credit for source in (boundaries.source, *sources) if source.credit))
    touching = outlines.neighbours()
    colours = palette.colours_apart(plan.schools, zip(touching["a"], touching["b"], strict=True))
    areas = boundaries.frame[["name", "geometry"]].rename_axis("code").reset_index()
    areas["school"] = areas["code"].map(plan.table).fillna("")
    areas["school_name"] = areas["school"].map(called)
    drawn = outlines.frame[["geometry"]].rename_axis("school").reset_index()
    drawn["school_name"] = drawn["school"].map(called)
    drawn["areas"] = drawn["school"].map(plan.table.value_counts()).astype("int64")
    rules = [(_equals("school", code), called(code), colours[code], "solid") for code in plan.schools]
    rules.append((_equals("school", ""), "no school", palette.PAPER, "dense7"))
    layers = {"areas": areas, "catchments": drawn[["school", "school_name", "areas", "geometry"]]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.gpkg"
        for at, (name, frame) in enumerate(layers.items()):
            write_dataframe(
                frame.set_geometry("geometry", crs=boundaries.frame.crs), file, driver="GPKG", layer=name,
                append=bool(at), geometry_type="MultiPolygon", promote_to_multi=True,
                layer_options={"DESCRIPTION": f"{plan.name}. {credits}"},
            )  # fmt: skip
        return _styled(file.read_bytes(), [(name, _document(rules)) for name in layers])


def _equals(column: str, text: str) -> str:
    quoted = text.replace("'", "''")
    return f"\"{column}\" = '{quoted}'"


def layer_name(title: str) -> str:
    """A name that a layer may have: small letters, figures and underscores.

    Examples
    --------
    >>> layer_name("Where pupils live (2026)")
    'where_pupils_live_2026'
    """
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:60] or "layer"


def qml(table: Protected, column: str) -> str:
    """The style of a layer, as QGIS 3 writes it: a rule for each class, one for hidden numbers, one for none.

    Parameters
    ----------
    table
        The layer's figures.
    column
        The column coloured.
    """
    values = table.table[column].to_numpy(dtype=float)
    some = values[np.isfinite(values) & (values > 0)]
    breaks = palette.tidy_breaks(some, 4) if len(some) else ()
    colours = palette.sequential_colours(len(breaks) + 1)
    is_hidden = f"\"{column}_shown\" = '{HIDDEN}'"
    rules = [(is_hidden, f"{HIDDEN}: hidden, a small number", palette.HIDDEN_FILL, "b_diagonal")]
    edges = [0.0, *breaks, float("inf")]
    for at, colour in enumerate(colours if len(some) else ()):
        inside = some[(some >= edges[at]) & (some < edges[at + 1])]
        ends = sorted({f"{end:g}" for end in (inside.min(), inside.max())}, key=float) if len(inside) else ["none"]
        upper = "" if edges[at + 1] == float("inf") else f' AND "{column}" < {edges[at + 1]:g}'
        rules.append((f'"{column}" > 0 AND "{column}" >= {edges[at]:g}{upper}', " to ".join(ends), colour, "solid"))
    rules.append((f'"{column}" = 0', "none", palette.PAPER, "solid"))
    rules.append((f'"{column}" IS NULL AND "{column}_shown" IS NOT \'{HIDDEN}\'', "no data", palette.PAPER, "dense7"))
    return _document(rules)


def _document(rules: Sequence[tuple[str, str, str, str]]) -> str:
    one = Markup('<rule key="{{r{at}}}" filter="{where}" label="{label}" symbol="{at}"/>')
    body = Markup("").join(one.format(at=at, where=where, label=label) for at, (where, label, _, _) in enumerate(rules))
    symbols = Markup("").join(_symbol(at, colour, brush) for at, (_, _, colour, brush) in enumerate(rules))
    head = Markup('<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM">\n')
    return head + Markup(
        '<qgis version="3.22.0" styleCategories="Symbology"><renderer-v2 type="RuleRenderer" symbollevels="0" '
        'forceraster="0" enableorderby="0"><rules key="{{rules}}">{}</rules><symbols>{}</symbols></renderer-v2>'
        "<layerGeometryType>2</layerGeometryType></qgis>"
    ).format(body, symbols)


def _symbol(at: int, colour: str, brush: str) -> Markup:
    settings = {
        "color": _rgba(palette.HIDDEN_HATCH if brush != "solid" else colour),
        "style": brush,
        "outline_color": _rgba(palette.OUTLINE),
        "outline_style": "solid",
        "outline_width": "0.16",
        "outline_width_unit": "MM",
    }
    options = Markup("").join(
        Markup('<Option type="QString" name="{}" value="{}"/>').format(name, value) for name, value in settings.items()
    )
    older = Markup("").join(Markup('<prop k="{}" v="{}"/>').format(name, value) for name, value in settings.items())
    return Markup(
        '<symbol type="fill" name="{}" alpha="1" clip_to_extent="1" force_rhr="0"><layer class="SimpleFill" '
        'enabled="1" locked="0" pass="0"><Option type="Map">{}</Option>{}</layer></symbol>'
    ).format(at, options, older)


def _rgba(colour: str) -> str:
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5)) + ",255"


def _frame(boundaries: Boundaries, table: Protected):
    """All areas with the table's columns; the first column of numbers is the one coloured."""
    frame = boundaries.frame[["name", "geometry"]].rename_axis("code").reset_index()
    coloured = ""
    for column in table.table.columns:
        values = table.table[column].reindex(boundaries.codes)
        hidden = table.is_hidden(column).reindex(boundaries.codes, fill_value=False).to_numpy(dtype=bool)
        if not pd.api.types.is_numeric_dtype(values.dtype):
            frame[f"{column}_text" if column in ("name", "code") else column] = values.to_numpy()
            continue
        counted = "share" not in column and table.units.get(column, "") != "share"
        if column == "pupils" or (not coloured and counted):
            # an area that has no row in a table of counts has nobody; a hidden one stays empty
            values = values.mask(~values.index.isin(table.table.index), 0.0)
        numbers = values.mask(hidden).to_numpy(dtype=float)
        frame[column] = numbers
        frame[f"{column}_shown"] = [
            HIDDEN if gone else "" if np.isnan(number) else f"{number:g}"
            for number, gone in zip(numbers, hidden, strict=True)
        ]
        coloured = coloured or str(column)
    if not coloured:
        raise ValueError("a layer needs a column of numbers")
    return frame, coloured


def _styled(data: bytes, styles: Sequence[tuple[str, str]]) -> bytes:
    """The file with its styles added and its moments fixed."""
    link = sqlite3.connect(":memory:")
    try:
        link.deserialize(data)
        link.execute(_STYLES)
        for number, (name, text) in enumerate(styles, 1):
            link.execute(
                "INSERT INTO layer_styles VALUES (?, '', '', ?, 'geom', ?, ?, '', 1, ?, '', NULL, ?)",
                (number, name, name[:30], text, "geoplan's own classes", _MOMENT),
            )
        link.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            (_MOMENT,),
        )
        link.execute("UPDATE gpkg_contents SET last_change = ?", (_MOMENT,))
        _coarse_extents(link)
        link.commit()
        link.execute("VACUUM")
        made = bytearray(link.serialize())
    finally:
        link.close()
    made[24:28] = made[92:96] = _CHANGES  # SQLite's count of changes, which depends on how fast the disk was
    return bytes(made)


def _coarse_extents(link: sqlite3.Connection) -> None:
    """Extents of whole kilometres, outward: they are for zooming, and place nobody."""
    found = link.execute("SELECT table_name, min_x, min_y, max_x, max_y FROM gpkg_contents WHERE min_x IS NOT NULL")
    for name, *ends in found.fetchall():
        low, high = ([1000.0 * up(end / 1000) for end in pair] for up, pair in ((floor, ends[:2]), (ceil, ends[2:])))
        link.execute(
            "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
            (*low, *high, name),
        )

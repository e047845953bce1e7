"""A drawn place for the tests of maps: nine squares, five schools, every count invented.

g h i        each square is 1 km wide; schools one and two share a site in e
d e f
a b c
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from geoplan import maps
from geoplan.areas import Boundaries
from geoplan.disclosure import Protected, protect
from geoplan.sources import Source

DRAWN = Source("Drawn squares", publisher="nobody", attribution="Squares drawn for the tests", licence="none")
INVENTED = Source("Invented pupils", publisher="nobody", attribution="Pupils made up", invented=True)
CODES = list("abcdefghi")
PUPILS = [0, 4, 12, 26, 40, 55, 90, 130, 1_240]
PLANTED = {"upn": "A123456789012", "postcode": "ME4 4AA", "surname": "Plantedsurname"}


def squares(names: list[str] | None = None) -> Boundaries:
    """Nine squares, named Square a to Square i or as given."""
    names = names or [f"Square {code}" for code in CODES]
    corners = [(575_000 + 1_000 * (at % 3), 165_000 + 1_000 * (at // 3)) for at in range(9)]
    geometry = [shapely.box(x, y, x + 1_000, y + 1_000) for x, y in corners]
    return Boundaries("lsoa21", gpd.GeoDataFrame({"name": names}, index=CODES, geometry=geometry, crs=27700), DRAWN)


def counts() -> Protected:
    """Pupils by square, b hidden and i without a row; planted columns that must stay behind."""
    table = pd.DataFrame({"pupils": PUPILS, "all": 1_300, **PLANTED}, index=CODES).iloc[:-1]
    made = protect(table, counts=["pupils", "all"], labels=list(PLANTED), base="all pupils")
    shown = made.table.assign(share=made.table["pupils"] / made.table["all"])
    return Protected(shown, made.hidden.assign(share=made.hidden["pupils"]), made.rule, made.base)


def pupils_layer(names: list[str] | None = None, **options: object) -> maps.AreaLayer:
    """The squares coloured by pupils."""
    given = {"title": "Where pupils live", "value": "pupils", "unit": "pupils", "sources": [INVENTED]}
    return maps.areas(squares(names), counts(), **{**given, "details": {"All pupils": "all"}, **options})


def bars_panel(title: str = "Who comes here") -> maps.BarPanel:
    """Three segments, the last of them hidden."""
    shares = pd.DataFrame(
        {
            "label": ["Suburbs", "Villages", "Towns"],
            "share": [0.62, 0.3, None],
            "base_share": [0.4, 0.35, 0.25],
            "low": [0.55, 0.25, None],
            "high": [0.7, 0.36, None],
        }
    )
    hidden = pd.DataFrame(False, index=shares.index, columns=["share", "base_share", "low", "high"])
    hidden.loc[2, ["share", "low", "high"]] = True
    return maps.bars(title, Protected(shares, hidden, base="All pupils"), sources=[INVENTED])


def schools_frame(names: list[str] | None = None) -> pd.DataFrame:
    """Five schools: two on one site, one without a position; planted columns that must stay behind."""
    names = names or ["Oak Infant School", "Oak Junior School", "Élan Academy", "Manor School", "Nowhere School"]
    return pd.DataFrame(
        {
            "name": names,
            "easting": [576_500, 576_500, 575_300, 577_700, None],
            "northing": [166_500, 166_500, 165_300, 167_700, None],
            "phase": ["Primary", "Primary", "Secondary", "Secondary", "Primary"],
            "places": [180, 240, 1_200, 900, 30],
            **PLANTED,
        },
        index=["900001", "900002", "900003", "900004", "900005"],
    )


def schools_layer(names: list[str] | None = None, **options: object) -> maps.PointLayer:
    """The five schools, Élan Academy highlighted and with bars in its card."""
    given = {"facts": {"Phase": "phase", "Places": ("places", "places")}, "mark_by": "phase"}
    given |= {"highlight": "900003", "details": {"900003": ["A sentence.", bars_panel()]}, "sources": [INVENTED]}
    return maps.schools(schools_frame(names), **{**given, **options})


def share_layer(**options: object) -> maps.AreaLayer:
    """The squares coloured by share."""
    return pupils_layer(**{"title": "Share of pupils", "value": "share", "unit": "share", **options})


def full_book(title: str = "Élan Academy: who it serves", names: list[str] | None = None) -> maps.MapBook:
    """A page with one of everything."""
    facts = schools_frame(names)
    return maps.MapBook(title, "Most pupils live in the north.", notes=("A note.",), marking="OFFICIAL").add(
        pupils_layer(names and [*names, *["x"] * 9][:9]),
        share_layer(),
        maps.outline(squares()),
        schools_layer(names and [*names, *["y"] * 5][:5]),
        bars_panel(),
        maps.table(
            "Places", public=facts, columns={"name": "School", "places": "Places"}, index="URN", sources=[DRAWN]
        ),
    )


def hostile() -> list[str]:
    """Names that break stock maps."""
    return [
        "<img src=x onerror=\"window.ran='img'\">",
        "`${window.ran='tick'}` ${window.ran='dollar'}",
        "</script><script>window.ran='script'</script>",
        "\"quotes\" and 'apostrophes'",
        "C:\\new\\table \\u003c",
        "__proto__",
        "&amp; &lt;b&gt; & <b>bold</b>",
        "\u202eright to left\u202c \u05d0\u05d1",
        "{{ 7 * 7 }} {% raw %} {# gone #}",
    ]


def profile_panels(total: float) -> tuple[maps.BarPanel, maps.TablePanel]:
    """The same shares on a small or a large base, as bars and as a table: one range is all but nothing."""
    shares = pd.DataFrame(
        {
            "label": ["Suburbs and villages", "Towns", "Coast"],
            "share": [0.3234, 0.0479, 0.0],
            "base_share": [0.189, 0.061, 0.2505],
            "low": [0.2925, 0.0354, 0.0],
            "high": [0.36, 0.06, 0.0004],
            "total": total,
            "base_total": 39_000.0,
        }
    )
    shown = Protected(shares, pd.DataFrame(False, index=shares.index, columns=shares.columns[1:]), base="All pupils")
    columns = {"label": "Segment", "share": ("Share", "share"), "base_share": ("Share of the base", "share")}
    given = {"sources": [INVENTED]}
    return maps.bars("Who comes", shown, group="Fernhythe Primary School", **given), maps.table(
        "In numbers", shown, {**columns, "low": ("Low", "share"), "high": ("High", "share")}, **given
    )

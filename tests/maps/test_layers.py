"""Layers take protected tables, named columns and sources, or they are refused."""

from __future__ import annotations

import pandas as pd
import pytest
from maps import drawn

from geoplan import maps
from geoplan.disclosure import Protected
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.maps.blocks import area_block, area_classes, bar_block, class_labels, legend_entries, school_block
from geoplan.sources import Source


def raw() -> pd.DataFrame:
    return pd.DataFrame({"pupils": drawn.PUPILS, "share": 0.5, "base_share": 0.5}, index=drawn.CODES)


@pytest.mark.parametrize(
    "make",
    [
        lambda: maps.areas(drawn.squares(), raw(), value="pupils", title="T", sources=[drawn.DRAWN]),
        lambda: maps.bars("T", raw(), sources=[drawn.DRAWN], low="", high=""),
        lambda: maps.table("T", raw(), {"pupils": "Pupils"}, sources=[drawn.DRAWN]),
        lambda: maps.schools(drawn.schools_frame(), sources=[drawn.DRAWN], details={"900001": [raw()]}),
        lambda: maps.MapBook("T", layers=(raw(),)),
        lambda: maps.MapBook("T", panels=(raw(),)),
        lambda: maps.MapBook("T").add(raw()),
    ],
    ids=["areas", "bars", "table", "details", "layers", "panels", "add"],
)
def test_a_raw_frame_is_not_protected(make):
    with pytest.raises(NotProtected, match="DataFrame"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda sources: drawn.pupils_layer(sources=sources),
        lambda sources: drawn.schools_layer(sources=sources),
        lambda sources: maps.table("T", public=raw(), columns={"share": "Share"}, sources=sources),
    ],
)
@pytest.mark.parametrize("sources", [[], [Source("Somebody's file")]], ids=["none", "no credit"])
def test_without_a_source_to_credit_a_layer_is_refused(make, sources):
    with pytest.raises(maps.LayerRefused, match="source"):
        make(sources)


def test_the_source_of_the_outlines_is_added():
    assert drawn.pupils_layer().sources == (drawn.DRAWN, drawn.INVENTED)
    assert drawn.full_book().sources == (drawn.DRAWN, drawn.INVENTED) and drawn.full_book().invented


def test_classes_hidden_and_missing():
    layer = drawn.pupils_layer(breaks=[25, 100])
    assert layer.shown.texts == ("0", "c", "10", "25", "40", "55", "90", "130", "no data")
    assert area_classes(layer).tolist() == [0, -1, 0, 1, 1, 1, 1, 2, -2]
    assert [e["label"] for e in legend_entries(layer)] == [
        "under 25", "25 to 99", "100 or more", "c: hidden, a small number", "no data",
    ]  # fmt: skip
    assert sum(e["count"] for e in legend_entries(layer)) == 9


def test_a_share_is_classed_as_it_is_printed():
    table = pd.DataFrame({"share": [0.194, 0.196, 0.2]}, index=list("abc"))
    given = Protected(table, pd.DataFrame(index=table.index))
    layer = maps.areas(
        drawn.squares(),
        given,
        value="share",
        unit="share",
        title="T",
        breaks=[0.2],
        sources=[drawn.DRAWN, drawn.INVENTED],
    )
    assert layer.shown.texts[:3] == ("19%", "20%", "20%")
    assert area_classes(layer)[:3].tolist() == [0, 1, 1]
    assert class_labels(layer.shown, layer.breaks) == ["under 20%", "20% or more"]


def test_an_index_has_words_for_its_classes():
    table = pd.DataFrame({"idx": [20.0, 60, 100, 150, 300]}, index=list("abcde"))
    given = Protected(table, pd.DataFrame(index=table.index))
    layer = maps.areas(
        drawn.squares(), given, value="idx", unit="index", scale="diverging", title="T", sources=[drawn.INVENTED]
    )
    labels = [entry["label"] for entry in legend_entries(layer)]
    assert labels[2] == "80 to 119: about the same" and labels[4] == "200 or more: at least twice"


def test_categories_have_a_colour_each_and_words_need_them():
    table = pd.DataFrame({"school": ["Oak", "Elm", "Oak"]}, index=list("abc"))
    given = Protected(table, pd.DataFrame(index=table.index))
    common = {"value": "school", "title": "Catchments", "sources": [drawn.INVENTED]}
    layer = maps.areas(drawn.squares(), given, scale="categories", **common)
    assert area_classes(layer).tolist() == [1, 0, 1, -2, -2, -2, -2, -2, -2]
    with pytest.raises(maps.LayerRefused, match="scale='categories'"):
        maps.areas(drawn.squares(), given, **common)


def test_codes_of_another_kind_are_named():
    table = pd.DataFrame({"n": [1.0]}, index=["zz"])
    with pytest.raises(UnknownCodeError, match="1 of 1 codes are not in lsoa21"):
        maps.areas(drawn.squares(), Protected(table, table.isna()), value="n", title="T", sources=[drawn.INVENTED])


@pytest.mark.parametrize("breaks", [(3, 2), (1, 2, 3, 4, 5), (2, 2)])
def test_breaks_must_rise_and_be_few(breaks):
    with pytest.raises(maps.LayerRefused, match="breaks"):
        drawn.pupils_layer(breaks=breaks)


def test_a_missing_column_is_named_with_those_there_are():
    with pytest.raises(maps.LayerRefused, match=r"'pupil'.*'pupils'"):
        drawn.pupils_layer(value="pupil")


def test_schools_on_one_site_and_without_a_position():
    block = school_block(drawn.schools_layer())
    assert block["x"][0] == block["x"][1] is not None and block["x"][4] is None
    assert block["marks"] == ["circle", "circle", "square", "square", "circle"] and block["highlight"] == [2]


def test_unknown_schools_are_named():
    with pytest.raises(UnknownCodeError, match="highlight"):
        drawn.schools_layer(highlight="1")
    with pytest.raises(UnknownCodeError, match="details"):
        drawn.schools_layer(details={"1": ["x"]})


def test_more_than_eight_bars_are_refused():
    many = pd.concat([drawn.bars_panel().table.table] * 3, ignore_index=True)
    with pytest.raises(maps.LayerRefused, match="9 segments; 8"):
        maps.bars("T", Protected(many, many.isna()), sources=[drawn.INVENTED])


def test_bars_say_their_numbers_and_hide_the_hidden():
    block = bar_block(drawn.bars_panel())
    assert [row["texts"] for row in block["rows"]] == [
        ["62%", "40%", "55 to 70%"], ["30%", "35%", "25 to 36%"], ["c", "25%", "c"],
    ]  # fmt: skip
    assert len(block["rows"][2]["parts"]) == 1, "a hidden share has no bar and no whisker, only the base's mark"


def test_a_book_is_never_changed():
    book = maps.MapBook("T")
    more = book.add(drawn.pupils_layer(), drawn.bars_panel())
    assert (book.layers, book.panels) == ((), ()) and (len(more.layers), len(more.panels)) == (1, 1)


def test_properties_of_the_blocks_are_on_a_list():
    assert set(area_block(drawn.pupils_layer())) == {
        "title", "note", "columns", "classes", "colours", "hidden", "missing", "outline",
    }  # fmt: skip
    assert set(school_block(drawn.schools_layer())) == {
        "title", "codeName", "codes", "names", "x", "y", "marks", "highlight", "columns", "details", "colour", "spot",
    }  # fmt: skip


def test_what_has_no_name_goes_by_its_code():
    frame = drawn.schools_frame()
    frame.loc["900001", "name"] = None
    assert school_block(maps.schools(frame, sources=[drawn.INVENTED]))["names"][0] == "900001"
    layer = drawn.pupils_layer([None, *[f"Square {c}" for c in "bcdefghi"]])
    assert layer.shapes["name"].iloc[0] == ""


@pytest.mark.parametrize(
    ("total", "likely", "low"),
    [
        (835.0, ["29 to 36%", "4 to 6%", "under 1%"], "29%"),
        (1_000.0, ["29.3 to 36.0%", "3.5 to 6.0%", "under 0.1%"], "29.3%"),
    ],
)
def test_all_shares_of_a_panel_have_the_decimals_its_smaller_base_allows(total, likely, low):
    bars, table = drawn.profile_panels(total)
    rows = bar_block(bars)["rows"]
    assert [row["texts"][2] for row in rows] == likely
    shown = [text for column in table.shown[1:] for text in column.texts]
    assert low in shown
    for texts in (shown, [text for row in rows for text in row["texts"][:2]]):
        assert {len(text.rstrip("%").partition(".")[2]) for text in texts} == {0 if total < 1_000 else 1}


def test_a_layers_shares_have_the_same_decimals_as_each_other():
    table = pd.DataFrame({"share": [0.01, 0.02], "all": [0.4, 0.555]}, index=["a", "b"])
    shown = Protected(table, table.isna(), units={"share": "share", "all": "share"})
    layer = maps.areas(
        drawn.squares(), shown, value="share", title="T", details={"All": "all"}, sources=[drawn.INVENTED]
    )
    assert [column.decimals for column in layer.columns] == [0, 0] and layer.shown == layer.columns[0]


def test_what_is_printed_of_a_book_and_its_parts_is_short_and_has_no_values():
    book = drawn.full_book(title="A place")
    assert repr(book) == "<MapBook 'A place': 4 layers, 2 panels>"
    assert repr(drawn.bars_panel()) == "<BarPanel 'Who comes here': 3 segments>"
    for part in (*book.layers, *book.panels):
        said = repr(part)
        assert said.startswith(f"<{type(part).__name__} '") and len(said) < 100
        for value in ("1240", "1300", "0.62", "0.4", *drawn.PLANTED.values(), "Source"):
            assert value not in said

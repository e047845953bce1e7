"""The page and workbook of a design: what they say is what the tables print, and strings from data are text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from drawn_designs import LIMITS, drawn, squares, surveyed

from geoplan.briefs import Limits
from geoplan.design_books import (
    SURFACE_SHEET,
    design_page,
    printed_balance,
    public_figures,
    sentences,
    workbook_sheets,
)
from geoplan.designs import today_keeps
from geoplan.leaks import scan_bytes
from geoplan.readback import Shown, check_bytes
from geoplan.trade_off_pictures import amount, as_printed, curve_rows, surface_sentences


@pytest.mark.parametrize(("published", "years"), [(False, 1), (False, 2), (True, 1), (True, 2)])
def test_every_figure_of_the_page_is_read_back(published, years):
    page, _, _, tables, _, facts = drawn(published, years)
    found = check_bytes("design.html", "html", page.encode(), Shown(tables.protected, tuple(facts)))
    assert found.problems == () and found.figures > 20
    assert scan_bytes("design.html", page.encode()) == ()


def test_a_figure_put_in_by_hand_is_found():
    page, _, _, tables, _, facts = drawn()
    number = re.search(r'<td class="number">(\d+)</td><td class="number">(\d+)</td><td class="number">\d+%', page)
    forged = page.replace(number.group(0), number.group(0).replace(f">{number.group(2)}<", ">123<"))
    assert forged != page
    assert check_bytes("d.html", "html", forged.encode(), Shown(tables.protected, tuple(facts))).problems


def test_names_from_files_are_text():
    page, *_ = drawn()
    assert "Ashfield &lt;School&gt;" in page and "<School>" not in page
    assert "Birch &amp; Beech" in page


def test_the_curve_gives_each_design_its_letter_and_bound():
    _, problem, found, _, curves, _ = drawn()
    rows = curve_rows(problem, curves["moved"], "moved", found.objective)
    assert list(rows["design"]) == [chr(65 + at) for at in range(len(rows))]
    assert rows["how near the best possible"].str.fullmatch(r"the best|within [\d.]+%").all()
    # no count of children finer than tens
    assert rows["children whose school changes, to the nearest ten"].str.fullmatch(r"none|fewer than ten|[\d,]*0").all()


def test_the_staircase_is_a_bound_below_every_design():
    _, _, _, _, curves, _ = drawn()
    table = curves["moved"]
    assert (table["bound"] <= table["travel"] + 1e-9).all()
    assert (table["least"] <= table["moved"] + 1e-6).all()


def test_that_todays_plan_breaks_the_limits_is_said_and_only_then():
    _, problem, found, tables, curves, _ = drawn()
    broken = "Today's plan does not keep these limits."
    living = problem.children.groupby(problem.today.table.reindex(problem.areas).to_numpy()).sum().iloc[:, 0]
    fullest = float((living / problem.places.iloc[:, 0].reindex(living.index)).max())
    for most, keeps in ((fullest + 0.01, True), (fullest - 0.01, False)):
        limits = Limits(full_at_most=most, one_piece=False)
        assert today_keeps(problem, limits) is keeps
        assert (broken in sentences(problem, limits, found, tables, curves)) is not keeps


def test_sentences_figures_and_sheets_agree():
    _, problem, found, tables, curves, _ = drawn()
    said = " ".join(sentences(problem, LIMITS, found, tables, curves))
    answer = public_figures(problem, found, tables)
    assert f"{found.value:.2f} km" in said and answer["measured"]["travel"] == round(found.value, 2)
    sheets = workbook_sheets(problem, LIMITS, found, tables, curves)
    assert list(sheets["Plan"]["school"]) == found.plan.table.to_list()
    assert {"Catchments", "Moves", "Limits", "Figures", "Trade-off, moved"} <= set(sheets)
    assert amount(problem, "travel", 2.345) in ("2.35 km", "2.34 km")


def test_the_trade_off_of_several_is_on_the_page_and_in_the_workbook():
    page, problem, found, tables, curves, facts = drawn()
    surface = surveyed(1)
    sheet = workbook_sheets(problem, LIMITS, found, tables, curves, surface)[SURFACE_SHEET]
    assert 'class="surface"' in page and len(sheet) == len(as_printed(surface).points) >= 3
    for text in sheet.to_numpy().ravel():
        assert str(text).replace("'", "&#39;") in page
    for sentence in surface_sentences(problem, surface):
        assert sentence.replace("'", "&#39;") in page
    # a figure of the picture or the table that is changed by hand is found
    letter = sheet["design"].iloc[-1]
    moved = sheet["children whose school changes, to the nearest ten"].iloc[-1]
    for forged in (
        page.replace(f">{letter}: {moved} moved<", f">{letter}: 457 moved<"),
        page.replace(f"<td>{moved}</td>", "<td>457</td>"),
    ):
        assert forged != page
        assert check_bytes("d.html", "html", forged.encode(), Shown(tables.protected, tuple(facts))).problems
    assert "surface" not in design_page_without_surface()


def design_page_without_surface() -> str:
    _, problem, found, tables, curves, _ = drawn()
    page = design_page(problem, LIMITS, found, tables, curves, boundaries=squares(problem, 5))
    return page.partition("</style>")[2]


@pytest.mark.parametrize("years", [1, 2])
def test_balance_is_told_by_printed_counts_and_not_where_one_is_hidden(years):
    _, problem, found, tables, *_ = drawn(False, years)
    told = public_figures(problem, found, tables)["measured"].get("balance")
    frame = tables.catchments.table
    apart = []
    for _, rows in frame.groupby(level="year") if years > 1 else [("", frame)]:
        share = rows["places"] / rows["places"].sum() * rows["count"].sum()
        apart += list((rows["count"] / share - 1).abs())
    assert told == round(max(apart), 2) == printed_balance(problem, tables)
    hidden = tables.catchments.table.copy()
    hidden.loc[hidden.index[0], "count"] = float("nan")
    gone = replace(tables, catchments=replace(tables.catchments, table=hidden))
    assert printed_balance(problem, gone) is None
    assert "balance" not in public_figures(problem, found, gone)["measured"]

"""What a forecast says of a hidden count: nothing, to the byte."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cities import county

from geoplan.cli.common import check_leaks, check_output
from geoplan.disclosure import PUBLIC, rule_for
from geoplan.errors import LeakFound
from geoplan.forecast_books import backtest_book, forecast_book
from geoplan.forecast_methods import history_of
from geoplan.forecasts import forecast
from geoplan.readback import Shown, check_bytes
from geoplan.roll_tables import hidden_now, protect_flows, protect_register, protect_rolls
from geoplan.rolls import rolls_from
from geoplan.sources import Source

SOURCES = [Source("Rolls of a made county", "nobody", invented=True)]


def page(table, cluster, published=False, rule=PUBLIC):
    exact = rolls_from(table, published=published)
    shown, printed = protect_rolls(exact, rule, "January 2026")
    groups = {"cluster": cluster, "all schools": pd.Series("County", shown.places)}
    made = forecast(history_of(shown, cluster), shown.places, groups, years=3)
    places = pd.DataFrame({"places": 210, "pan": 30}, index=shown.places)
    hidden = {} if published else hidden_now(exact, shown)
    return forecast_book(
        made, SOURCES, top="all schools", level="cluster", places=places, rule=rule, printed=printed,
        published=published, hidden=hidden,
    ), made  # fmt: skip


@pytest.fixture(scope="module")
def small_county():
    table, cluster = county(schools=14, years=5)
    return table, cluster


def test_a_hidden_count_that_changes_changes_no_byte(small_county):
    table, cluster = small_county
    small = table[table["pupils"].between(2, 8) & table["year"].eq(2025)]
    assert len(small)
    before = page(table, cluster)[0].to_html()
    for value in (1, 4, 9):
        changed = table.copy()
        changed.loc[small.index[0], "pupils"] = value
        assert page(changed, cluster)[0].to_html() == before


def test_every_figure_of_the_page_is_one_that_the_protected_tables_print(small_county):
    for options in ({}, {"published": True}, {"rule": rule_for("internal", reason="planning the places of 2027")}):
        book, made = page(*small_county, **options)
        data = book.to_html().encode("utf-8")
        assert check_bytes("forecast.html", "html", data, Shown(book.tables, book.worked_out)).problems == ()
        if "rule" in options:  # exact numbers stay inside: what is marked so does not pass as an output for others
            check_leaks("forecast.html", data, inside=True)
            with pytest.raises(LeakFound, match="official sensitive"):
                check_output("forecast.html", "html", data, book.tables, book.worked_out)
        else:
            check_output("forecast.html", "html", data, book.tables, book.worked_out)
        tried = backtest_book(made.past, SOURCES, top="all schools", published=bool(options.get("published")))
        check_output("b.html", "html", tried.to_html().encode("utf-8"), tried.tables, tried.worked_out)
    assert "OFFICIAL-SENSITIVE" in book.to_html()


def test_an_exact_number_slipped_into_the_page_is_refused(small_county):
    from geoplan.errors import ReleaseRefused

    book, _ = page(*small_county)
    text = book.to_html()
    cell = next(part for part in text.split('<td class="number">') if part.startswith(("1,", "2,", "3,")))
    number = cell.partition("<")[0]
    spoiled = text.replace(f">{number}<", f">{number[:-1]}{(int(number[-1]) + 1) % 10}<", 1)
    with pytest.raises(ReleaseRefused, match="figures that no protected table prints"):
        check_output("forecast.html", "html", spoiled.encode("utf-8"), book.tables, book.worked_out)


def test_schools_with_a_hidden_year_group_have_no_row_of_their_own(small_county):
    table, cluster = small_county
    book, _ = page(table, cluster)
    now = table[table["year"].eq(2025)]
    gone = set(now.loc[now["pupils"].between(1, 9), "school"])
    own = next(grid for grid in book.grids if grid.title.startswith("Rolls by school"))
    assert gone and not gone & set(own.frame["name"])


def test_rolls_that_are_published_are_left_as_they_are(small_county):
    rolls = rolls_from(small_county[0], published=True)
    assert protect_rolls(rolls, PUBLIC)[0] is rolls
    hidden, printed = protect_rolls(rolls_from(small_county[0]), PUBLIC)
    values = hidden.pupils[np.isfinite(hidden.pupils)]
    assert (values % 5 == 0).all() and not ((values > 0) & (values < 10)).any()
    assert len(printed) == 5 and "are hidden by the small-number rule" in hidden.notes[-1]


def test_a_register_is_rounded_and_its_small_counts_left_out():
    register = pd.DataFrame({"area": ["a", "a", "b"], "year": 2025, "age": [4, 5, 4], "children": [33.0, 4.0, 41.0]})
    shown, hidden = protect_register(register)
    assert hidden >= 1 and (shown["children"] % 5 == 0).all()
    assert protect_register(register, rule_for("internal", reason="planning the places"))[0] is register


def flows(small: float) -> pd.DataFrame:
    rows = [("East", "out", "11", 60.0), ("East", "in", "11", 41.0), ("East", "independent", "11", small),
            ("West", "out", "11", 33.0), ("West", "in", "11", 58.0), ("West", "independent", "11", 27.0)]  # fmt: skip
    return pd.DataFrame(rows, columns=["place", "kind", "phase", "pupils"]).assign(year=2025)


def test_small_flows_are_hidden_and_what_they_are_changes_nothing():
    shown, hidden = protect_flows(flows(3.0))
    again, _ = protect_flows(flows(6.0))
    assert shown.equals(again) and hidden >= 1
    known = shown["pupils"].dropna()
    assert len(known) < 6 and (known % 5 == 0).all()
    exact, none = protect_flows(flows(3.0), rule_for("internal", reason="to plan places inside"))
    assert exact["pupils"].tolist() == flows(3.0)["pupils"].tolist() and none == 0


def test_births_are_protected_as_registers_are_under_their_own_name():
    born = pd.DataFrame({"area": ["a", "b", "c"], "year": 2020, "age": 0, "children": [4.0, 52.0, 61.0]})
    shown, hidden = protect_register(born, what="births of")
    assert hidden >= 1 and "a" not in set(shown["area"]) and (shown["children"] % 5 == 0).all()

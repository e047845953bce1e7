"""What of an option set may be shown: counts against a slow twin, protection, a changed plan, laws."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geoplan import suppression
from geoplan.catchments import CatchmentPlan
from geoplan.disclosure import Rule, rule_for
from geoplan.effects import Residents
from geoplan.errors import ComparisonRefused, DisclosureRefused, VintageError
from geoplan.evidence import Nesting
from geoplan.gate import attack
from geoplan.ledger import Ledger, append, earlier, withdraw
from geoplan.plan_grounds import pieces_of
from geoplan.plan_tables import ALL, clusters_split, feeders_split, plan_marks, protect_options
from geoplan.suppression import HIDDEN, protect_tables

AREAS = [f"E{at:02}" for at in range(12)]
TODAY = CatchmentPlan("Today", "lsoa21", pd.Series(["101"] * 4 + ["102"] * 4 + ["103"] * 4, index=AREAS))
SITES = pd.DataFrame({"easting": [1500.0, 5500.0, 9500.0], "northing": 0.0}, index=["101", "102", "103"])
LONG = bool(os.environ.get("GEOPLAN_LONG"))
INTERNAL = rule_for("internal", reason="testing the numbers")


def people(count: int = 1200, seed: int = 0, **more) -> Residents:
    rng = np.random.default_rng(seed)
    area = rng.integers(0, 13, count)  # the last area is in no plan
    columns = {
        "year_group": (rng.integers(0, 2, count), pd.Index(["7", "8"])),
        "fsm": (rng.choice(3, count, p=[0.7, 0.02, 0.28]), pd.Index(["no", "unknown", "yes"])),
        "school": (rng.integers(0, 3, count), pd.Index(["101", "102", "103"])),
    } | more
    easting = area * 1000.0 + rng.uniform(0, 1000, count)
    return Residents("lsoa21", area, pd.Index([*AREAS, "E99"]), columns, "pupils", 3, easting, np.zeros(count))


def option() -> CatchmentPlan:
    return TODAY.move(["E03"], to="102", name="Option")


def shown(**more):
    return protect_options({"Today": TODAY, "Option": option()}, people(), sites=SITES,
                           places=pd.Series({"101": 400.0, "102": 300.0, "103": 500.0}), **more)  # fmt: skip


def test_exact_counts_are_those_of_a_slow_count():
    residents, tables = people(), shown(rule=INTERNAL)
    for title, plan in (("Today", TODAY), ("Option", option())):
        for school in plan.schools:
            own = sum(plan.table.get(residents.areas[at], "") == school for at in residents.area)
            assert tables.residents.table.loc[school, title] == own
    moving = [at for at in range(len(residents)) if residents.areas[residents.area[at]] == "E03"]
    assert tables.flows["Option"].table[["from", "to", "people"]].values.tolist() == [["101", "102", len(moving)]]
    to = np.array([abs(residents.easting[at] - 5500) - abs(residents.easting[at] - 1500) for at in moving])
    who = tables.who["Option", ALL].table.loc[ALL]
    assert (who["nearer"], who["farther"]) == ((to < -1).sum(), (to > 1).sum())
    fsm = [at for at in moving if residents.columns["fsm"][0][at] == 2]
    assert tables.who["Option", "fsm"].table.loc["yes", ["nearer", "farther"]].sum() == len(fsm)
    assert tables.people.table["people"].tolist()[1:] == [(residents.area == 12).sum(), 3]
    assert tables.summary.table.loc["Option", "moves"] == len(moving)


def test_unfilled_places_are_each_schools_own():
    tables = shown(rule=INTERNAL)
    held = tables.residents.table["Today"]
    places = {"101": 400.0, "102": 300.0, "103": 500.0}
    assert tables.summary.table.loc["Today", "unfilled"] == sum(max(0, places[s] - held[s]) for s in places)
    assert tables.summary.table.loc["Today", "beyond"] == sum(max(0, held[s] - places[s]) for s in places)


def test_what_is_shown_is_rounded_and_passes_the_gate():
    tables = shown()
    for table in (tables.residents, tables.flows["Option"], tables.who["Option", "fsm"], tables.retention):
        numbers = table.table.select_dtypes("float").drop(columns=["share", "moves_share"], errors="ignore")
        values = numbers.to_numpy().ravel()
        values = values[~np.isnan(values)]
        assert ((values == 0) | ((values >= 10) & (values % 5 == 0))).all()
    printed = [*tables.residents.printed, *tables.flows["Option"].printed, *tables.areas["Option"].printed]
    assert attack(printed, nested=pieces_of(own_areas(tables), [*AREAS, "E99"])).passed


def own_areas(tables) -> tuple[Nesting, ...]:
    """The nestings of a release whose areas are shown one by one."""
    return (*tables.nested, Nesting("lsoa21", "lsoa21", {area: area for area in AREAS}))


def test_small_moves_are_hidden():
    residents = people(300)
    keep = ~((residents.area == 3) & (np.cumsum(residents.area == 3) > 4))  # four pupils left in the area that moves
    columns = {name: (codes[keep], labels) for name, (codes, labels) in residents.columns.items()}
    few = Residents("lsoa21", residents.area[keep], residents.areas, columns, "pupils", 0)
    tables = protect_options({"Today": TODAY, "Option": option()}, few)
    assert tables.flows["Option"].hidden["people"].all()
    assert HIDDEN in tables.flows["Option"].printed[0].shown
    assert np.isnan(tables.summary.table.loc["Option", "moves"])


def test_a_plan_against_itself_moves_nobody():
    tables = protect_options({"Today": TODAY, "Same": TODAY}, people(), sites=SITES)
    assert not len(tables.flows["Same"]) and not tables.areas and not tables.who
    assert tables.summary.table.loc["Same", "moves"] == 0
    assert tables.residents.table["Today"].equals(tables.residents.table["Same"].rename("Today"))


def test_plans_may_have_different_schools():
    closed = TODAY.close("103", to="102", name="Closed")
    tables = protect_options(
        {"Today": TODAY, "Closed": closed}, people(), places=pd.Series({"101": 400.0, "102": 900.0})
    )
    assert np.isnan(tables.residents.table.loc["103", "Closed"])
    assert set(tables.flows["Closed"].table["from"]) == {"103"}
    assert np.isnan(tables.places.loc["103", "Closed"])


def test_the_spread_of_a_group_stands_beside_chance():
    mix = shown(rule=INTERNAL).mix.table.loc[("Today", "fsm")]
    assert 0 <= mix["gorard"] < mix["dissimilarity"] and 0 < mix["gorard_by_chance"] < 0.2


def test_feeder_schools_are_those_outside_the_plans():
    pupils = people(school=(np.random.default_rng(3).integers(0, 4, 1200), pd.Index(list("pqrs"))))
    tables = protect_options({"Today": TODAY, "Option": option()}, pupils, INTERNAL)
    assert tables.retention is None  # nobody attends a school of the plans
    assert set(tables.feeders.table.index) == set("pqrs")
    assert tables.feeders.table["children"].sum() == (pupils.area < 12).sum()
    assert feeders_split(tables) == {"Today": 4, "Option": 4}


def test_hidden_counts_stand_in_the_base_of_a_feeders_share():
    """A feeder with 30 in one catchment and 4 in each of two others is split; left out, the eight would hide it."""
    areas = np.array([0] * 30 + [4] * 4 + [8] * 4 + [0] * 300 + [4] * 300 + [8] * 300)
    school = np.array([0] * 38 + [1] * 900)
    columns = {"school": (school, pd.Index(["p", "q"]))}
    pupils = Residents("lsoa21", areas, pd.Index([*AREAS, "E99"]), columns, "pupils", 0)
    table = protect_options({"Today": TODAY, "Option": option()}, pupils).feeders
    own = table.table.loc["p"]
    counts = {tuple(cell): text for cell, text in zip(table.printed[0].cells, table.printed[0].shown, strict=True)}
    assert [text for cell, text in counts.items() if "p" in cell].count(HIDDEN) == 2
    assert own["children"] == 40 and own["Today, share"] == round(30 / 40, 2)


def test_a_feeder_school_of_which_no_count_is_shown_has_no_main_catchment_and_is_split():
    areas = np.array([0] * 8 + [4] * 8 + [8] * 8 + [0] * 300 + [4] * 300 + [8] * 300)
    school = np.array([0] * 24 + [1] * 900)
    columns = {"school": (school, pd.Index(["p", "q"]))}
    pupils = Residents("lsoa21", areas, pd.Index([*AREAS, "E99"]), columns, "pupils", 0)
    tables = protect_options({"Today": TODAY, "Option": option()}, pupils, Rule(min_base=10))
    own = tables.feeders.table.loc["p"]
    assert own["Today, main"] == "not shown" and np.isnan(own["Today, share"])
    assert feeders_split(tables)["Today"] == 2  # p, and q, which goes to three catchments alike


def test_places_are_set_against_children_of_the_years_that_a_school_teaches():
    rng = np.random.default_rng(5)
    area = rng.integers(0, 12, 1200)
    year = rng.integers(0, 4, 1200)
    pupils = Residents(
        "lsoa21", area, pd.Index([*AREAS, "E99"]), {"year_group": (year, pd.Index(["5", "6", "7", "8"]))}, "pupils", 0
    )
    ages = pd.DataFrame({"lowest_year": "7", "highest_year": "11"}, index=list(TODAY.schools))
    places = pd.Series(100.0, index=list(TODAY.schools))
    code = TODAY.schools[0]
    wider = TODAY.change_age_range(code, "5", "", name="Wider")
    plans = {"Today": TODAY, "Wider": wider}
    tables = protect_options(plans, pupils, INTERNAL, places=places, ages=ages)
    here = TODAY.table.reindex(pd.Index([*AREAS, "E99"])[area]).to_numpy()
    for title, first in (("Today", 2), ("Wider", 0)):
        held = {each: int(((here == each) & (year >= (first if each == code else 2))).sum()) for each in TODAY.schools}
        assert tables.own_years.table[title].dropna().to_dict() == held
        beyond = sum(max(count - 100, 0) for count in held.values())
        assert tables.summary.table.loc[title, "beyond"] == beyond
    assert protect_options(plans, pupils, INTERNAL, places=places).own_years is None  # what they teach is not known
    teaches_all = ages.assign(lowest_year="R")
    assert protect_options(plans, pupils, INTERNAL, places=places, ages=teaches_all).own_years is None


def test_brothers_and_sisters_are_counted_for_each_option():
    household = (np.arange(1200) // 2, pd.RangeIndex(600))
    table = protect_options({"Today": TODAY, "Option": option()}, people(household=household), INTERNAL)
    shown_ = table.siblings["Option"].table["people"]
    assert shown_["lose it"] > 0 and shown_["gain it"] > 0 and shown_["keep a sibling's school"] > 0


def test_marks_tell_other_data_from_the_same():
    assert plan_marks(people(), "all") == plan_marks(people(), "all")
    assert plan_marks(people(), "all") != plan_marks(people(seed=1), "all")


def test_the_next_option_is_protected_beside_the_first():
    first = shown(data="January")
    printed = (*first.residents.printed, *first.flows["Option"].printed)
    printed = [replace(part, name=f"{part.name} (first)") for part in printed]
    second = protect_options(
        {"Today": TODAY, "Other": TODAY.move(["E04"], to="101")}, people(), data="January",
        earlier=printed, earlier_nested=first.nested,
    )  # fmt: skip
    both = [*printed, *second.residents.printed, *second.flows["Other"].printed]
    nested = {each.coarse: each for each in (*first.nested, *second.nested)}
    assert attack(both, nested=pieces_of(tuple(nested.values()), [*AREAS, "E99"])).passed


def printed_of(tables) -> list:
    """Each table of a release once, as an outsider reads it."""
    shown_ = [tables.residents, *tables.flows.values(), *tables.areas.values(), *tables.who.values()]
    shown_ += [*tables.by_year.values(), *tables.groups.values()]
    return list({part.name: part for table in shown_ for part in table.printed}.values())


TEN = [(area, school) for area, school in zip(AREAS, ["102", "103", "101"] * 4, strict=True)][:10]


def released_one_by_one(residents, **more):
    """Ten options, each in a release of its own with the ledger of those before."""
    ledger, made, refused = Ledger(), [], []
    for number, (area, school) in enumerate(TEN):
        plan = TODAY.move([area], to=school, name=f"Option {number}")
        before, nested = earlier(ledger, ["pupils, with a code of lsoa21; January"])
        try:
            tables = protect_options({"Today": TODAY, plan.name: plan}, residents, data="January",
                                     earlier=before, earlier_nested=nested, **more)  # fmt: skip
        except DisclosureRefused as error:
            refused.append(str(error))
            continue
        made.append(tables)
        ledger = append(ledger, plan.name, "public", printed_of(tables), tables.nested)
    return ledger, made, refused


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.skipif(not LONG, reason="GEOPLAN_LONG=1"))])
def test_a_tracker_over_ten_options_learns_no_small_number(seed):
    ledger, made, refused = released_one_by_one(people(260, seed))
    assert len(made) + len(refused) == len(TEN) and len(made) >= 3
    tables, nested = earlier(ledger, [made[0].residents.printed[0].population])
    pieces = pieces_of(nested, [*AREAS, "E99"])
    for name in ("year_group", "fsm"):
        held = [t for t in tables if "lsoa21" not in t.dims and (not t.attributes or t.attributes == (name,))]
        assert any(HIDDEN in table.shown for table in held)
        result = attack(held, nested=pieces, exact=True)
        assert result.passed and result.narrowest >= 5


def test_more_than_can_be_proven_together_is_refused_in_words(monkeypatch):
    monkeypatch.setattr("geoplan.plan_grounds.MOST_TOGETHER", 10)
    ledger, made, refused = released_one_by_one(people(500))
    assert made and refused
    assert "too many different options were released of these pupils" in refused[0]
    for way in ("geoplan ledger withdraw", "--internal REASON", "all options of a paper into one plan compare"):
        assert way in refused[0]
    before, nested = earlier(ledger, [made[0].residents.printed[0].population])
    exact = protect_options(dict(made[0].plans), people(500), INTERNAL, data="January",
                            earlier=before, earlier_nested=nested)  # fmt: skip
    assert exact.summary.table.notna().any(axis=None)  # inside the office nothing is refused


def test_withdrawn_drafts_make_room_for_other_options(monkeypatch):
    monkeypatch.setattr("geoplan.plan_grounds.MOST_TOGETHER", 10)
    ledger, made, refused = released_one_by_one(people(500))
    assert refused
    ledger = withdraw(ledger, range(1, len(ledger) + 1), "never shown to anybody", "A. Planner", "2026-05-01")
    last = TODAY.move([TEN[-1][0]], to=TEN[-1][1], name="The last")
    before, nested = earlier(ledger, [made[0].residents.printed[0].population])
    assert not before and not nested
    tables = protect_options({"Today": TODAY, "The last": last}, people(500), data="January",
                             earlier=before, earlier_nested=nested)  # fmt: skip
    assert tables.residents.table.notna().any(axis=None)


def test_a_small_number_beside_earlier_options_is_refused_with_what_helps(monkeypatch):
    import geoplan.plan_grounds as module

    first = protect_options({"Today": TODAY, "Option": option()}, people(), data="January")
    ledger = append(Ledger(), "May", "public", printed_of(first), first.nested)
    before, nested = earlier(ledger, [first.residents.printed[0].population])

    def refusing(*given, **more):
        raise DisclosureRefused("1 small number could be worked out", [("a table", ("E01",))])

    monkeypatch.setattr(module, "protect_tables", refusing)
    other = TODAY.move(["E08"], to="102", name="Other")
    with pytest.raises(DisclosureRefused, match=r"and those released before\. What helps: say which earlier files"):
        protect_options({"Today": TODAY, "Other": other}, people(), data="January",
                        earlier=before, earlier_nested=nested)  # fmt: skip
    with pytest.raises(DisclosureRefused, match=r"^1 small number could be worked out; merge"):
        protect_options({"Today": TODAY, "Other": other}, people(), data="January")


def test_more_areas_than_are_shown_one_by_one_is_said(monkeypatch):
    monkeypatch.setattr("geoplan.plan_tables.MOST_AREAS", 40)
    codes = [f"E{at:03}" for at in range(60)]
    today = CatchmentPlan("Today", "lsoa21", pd.Series(["101"] * 50 + ["102"] * 10, index=codes))
    residents = Residents("lsoa21", np.arange(3000) % 60, pd.Index(codes), {}, "pupils", 0)
    tables = protect_options({"Today": today, "Option": today.move(codes[:41], to="102")}, residents)
    assert not tables.areas
    why = tables.left_out["people by area that moves, Option"]
    assert why == "41 areas move, and the most that are shown one by one is 40"
    assert tables.flows["Option"].table["people"].tolist() == [41 * 50.0]  # they are counted by pair of schools


def county(counts, schools: int = 6, moves=lambda at: at % 3 > 0):
    """A plan of as many areas as counts, and an option under which two in three move to the next school."""
    codes = [f"E{at:04}" for at in range(len(counts))]
    own = np.arange(len(counts)) * schools // len(counts)
    today = pd.Series([f"{101 + at}" for at in own], index=codes)
    later = pd.Series([f"{101 + (s + moves(at)) % schools}" for at, s in enumerate(own)], index=codes)
    plans = {"Today": CatchmentPlan("Today", "lsoa21", today), "Option": CatchmentPlan("Option", "lsoa21", later)}
    area = np.repeat(np.arange(len(counts)), counts)
    return plans, Residents("lsoa21", area, pd.Index(codes), {}, "pupils", 0)


@pytest.mark.parametrize("seed", [0, 1])
def test_hundreds_of_areas_that_move_are_shown_and_none_can_be_worked_out(seed):
    counts = np.random.default_rng(seed).poisson(np.random.default_rng(seed).choice([0, 6, 30, 60], 400))
    plans, residents = county(counts)
    tables = protect_options(plans, residents)
    shown_, moving = tables.areas["Option"], plans["Option"].moved_from(plans["Today"]).index
    assert len(moving) > 250 and set(shown_.table.index) == set(moving)
    real = pd.Series(counts, index=residents.areas).reindex(shown_.table.index)
    assert shown_.table["people"].isna().equals(shown_.hidden["people"])
    small = (real > 0) & (real < 10)
    assert small.any() and shown_.hidden["people"][small].all()
    assert (shown_.table["people"][real == 0].dropna() == 0).all() and (real == 0).any()
    printed = [*tables.residents.printed, *tables.flows["Option"].printed, *shown_.printed]
    assert {cell[0] for cell in shown_.printed[0].cells} == set(moving)  # no row that is not shown is evidence
    assert attack(printed, nested=pieces_of(every_area(tables, residents), residents.areas)).passed


def every_area(tables, residents) -> tuple[Nesting, ...]:
    """The nestings of a release, attacked down to the last area."""
    return (*tables.nested, Nesting("lsoa21", "lsoa21", {area: area for area in residents.areas}))


def test_a_few_beside_one_large_area_are_hidden_with_it_and_nothing_else_is():
    counts = [40] * 60
    counts[1], counts[2] = 1, 33  # these two alone move from the first school to the second
    plans, residents = county(counts, moves=lambda at: at in (1, 2) or at > 30)
    tables = protect_options(plans, residents)
    assert tables.flows["Option"].table.loc["101 > 102", "people"] == 35
    hidden = tables.areas["Option"].hidden["people"]
    assert list(hidden[hidden].index) == ["E0001", "E0002"]


def test_where_most_numbers_by_area_would_be_hidden_they_are_given_by_pair_of_schools():
    plans, residents = county([4] * 90)
    tables = protect_options(plans, residents)
    assert not tables.areas and "by pair of schools" in tables.left_out["people by area that moves, Option"]
    assert (tables.flows["Option"].table["people"] == 40).all()


def test_an_option_set_is_shown_without_numbers_by_area_where_those_cannot_be_protected(monkeypatch):
    whole = protect_tables

    def refuses(tables, *args, **more):
        if any(table.dims == ("lsoa21",) for table in tables):
            raise DisclosureRefused("1 small number could be worked out", ())
        return whole(tables, *args, **more)

    monkeypatch.setattr("geoplan.plan_grounds.protect_tables", refuses)
    tables = shown()
    assert not tables.areas and tables.flows["Option"].table["people"].notna().all()
    assert "could be worked out" in tables.left_out["people by area that moves, Option"]


def test_numbers_by_area_that_cannot_be_protected_are_given_up_soon(monkeypatch):
    counts = np.random.default_rng(4).poisson(np.random.default_rng(4).choice([3, 18, 30], 120))
    plans, residents = county(counts, 24)
    rounds, whole = [], suppression._cheapest_neighbours
    monkeypatch.setattr(suppression, "_cheapest_neighbours", lambda *args: rounds.append(1) or whole(*args))
    monkeypatch.setattr(
        suppression, "_second_hiding", lambda release, weak, told: release
    )  # nothing helps but hiding one number after another
    monkeypatch.setattr("geoplan.plan_tables.PATIENCE", 1)
    tables = protect_options(plans, residents)
    few, rounds[:] = len(rounds), []
    monkeypatch.setattr("geoplan.plan_tables.PATIENCE", 0)
    assert tables.flows["Option"].table["people"].notna().any()
    protect_options(plans, residents)
    assert few < len(rounds)


def test_areas_that_move_are_one_table_for_all_options():
    plans = {"Today": TODAY, "Option": option(), "Other": TODAY.move(["E03", "E04"], to="103", name="Other")}
    tables = protect_options(plans, people())
    assert tables.areas["Option"].printed == tables.areas["Other"].printed
    assert tables.areas["Option"].table.loc["E03"].equals(tables.areas["Other"].table.loc["E03"])


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ComparisonRefused, match="at least one option"):
        protect_options({"Today": TODAY}, people())
    with pytest.raises(VintageError, match="bring all to one kind"):
        protect_options({"Today": TODAY, "Old": CatchmentPlan("Old", "lsoa11", TODAY.table)}, people())
    elsewhere = CatchmentPlan("Far", "lsoa21", pd.Series({"W1": "1", "W2": "2"}))
    with pytest.raises(ComparisonRefused, match="none of the pupils live"):
        protect_options({"Far": elsewhere, "Same": elsewhere}, people())


def test_a_plan_means_the_same_areas_whoever_is_counted():
    older = people(seed=5)
    some = older.area != 2  # nobody of these lives in one of the areas
    columns = {name: (codes[some], labels) for name, (codes, labels) in older.columns.items()}
    fewer = Residents("lsoa21", older.area[some], older.areas, columns, "pupils", 0)
    first, second = (protect_options({"Today": TODAY, "Option": option()}, each) for each in (people(), fewer))
    assert first.nested == second.nested


CLUSTERS = pd.Series(
    {"101": "North", "102": "South", "103": "South", "p": "North", "q": "North", "r": "South", "s": ""}
)


def feeding(count: int = 1200) -> Residents:
    return people(count, school=(np.random.default_rng(3).integers(0, 4, count), pd.Index(list("pqrs"))))


def test_who_changes_cluster_is_counted_like_who_moves():
    plans = {"Today": TODAY, "Option": option(), "Within": TODAY.move(["E05"], to="103", name="Within")}
    residents = feeding()
    tables = protect_options(plans, residents, INTERNAL, clusters=CLUSTERS)
    moving = (residents.area == 3).sum()
    assert tables.cluster_flows["Option"].table.values.tolist() == [["North", "South", moving]]
    assert not len(tables.cluster_flows["Within"])  # to another school of the same cluster
    assert tables.summary.table["cluster_moves"].tolist() == [0, moving, 0]
    assert tables.summary.table.loc["Within", "moves"] > 0


def test_the_children_of_a_cluster_are_those_of_its_feeder_schools():
    residents = feeding()
    tables = protect_options({"Today": TODAY, "Option": option()}, residents, INTERNAL, clusters=CLUSTERS)
    school = residents.columns["school"][0]
    for title, plan in tables.plans.items():
        for cluster, feeders in (("North", (0, 1)), ("South", (2,))):
            home = [
                CLUSTERS[plan.table[residents.areas[at]]]
                for at, of in zip(residents.area, school, strict=True)
                if of in feeders and at < 12
            ]
            row = tables.clusters.table.loc[cluster]
            assert row["children"] == len(home)
            assert row[f"{title}, share"] == round(max(home.count("North"), home.count("South")) / len(home), 2)
    assert set(tables.clusters.table.index) == {"North", "South"}  # a school without a cluster has none to divide
    assert clusters_split(tables) == {"Today": 2, "Option": 2}


def test_a_clusters_shares_say_no_more_than_the_feeders_printed():
    """A hidden count that becomes another one changes nothing of the clusters' table."""
    residents, made = feeding(300), []
    at = np.flatnonzero((residents.area == 9) & (residents.columns["school"][0] == 1))
    for gone in (3, 5):
        keep = np.ones(300, dtype=bool)
        keep[at[: len(at) - gone]] = False
        columns = {name: (codes[keep], labels) for name, (codes, labels) in residents.columns.items()}
        fewer = Residents("lsoa21", residents.area[keep], residents.areas, columns, "pupils", 0)
        made.append(protect_options({"Today": TODAY, "Option": option()}, fewer, clusters=CLUSTERS))
    shown_ = [tables.feeders.printed[0].shown for tables in made]
    if shown_[0] == shown_[1]:
        assert made[0].clusters.table.equals(made[1].clusters.table)
    for tables in made:
        assert tables.clusters.printed == tables.feeders.printed


def test_small_changes_of_cluster_are_hidden_and_pass_the_gate():
    residents = people(300)
    keep = ~((residents.area == 3) & (np.cumsum(residents.area == 3) > 4))
    columns = {name: (codes[keep], labels) for name, (codes, labels) in residents.columns.items()}
    few = Residents("lsoa21", residents.area[keep], residents.areas, columns, "pupils", 0)
    tables = protect_options({"Today": TODAY, "Option": option()}, few, clusters=CLUSTERS)
    assert tables.cluster_flows["Option"].hidden["people"].all()
    assert np.isnan(tables.summary.table.loc["Option", "cluster_moves"])
    printed = [*tables.residents.printed, *tables.flows["Option"].printed, *tables.cluster_flows["Option"].printed]
    assert attack(printed, nested=pieces_of(own_areas(tables), [*AREAS, "E99"])).passed


def test_without_clusters_a_sentence_says_so():
    for clusters in (None, CLUSTERS.mask(CLUSTERS != "", "")):
        tables = protect_options({"Today": TODAY, "Option": option()}, people(), INTERNAL, clusters=clusters)
        assert tables.left_out["clusters of schools"] == "the schools file gives the plans' schools no cluster"
        assert not tables.cluster_flows and tables.clusters is None and "cluster_moves" not in tables.summary.table
    tables = protect_options({"Today": TODAY, "Option": option()}, people(), INTERNAL, clusters=CLUSTERS)
    assert "attend schools of the plans" in tables.left_out["clusters whose children would be divided"]

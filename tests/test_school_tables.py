"""A head's own tables: safe beside all public ones, and for the head of that school only."""

from __future__ import annotations

import logging
import os
from collections import Counter
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from conftest import make_boundaries, make_directory, make_people, make_segments, postcode
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from test_protection import COUNTS, borough

from geoplan.assignment import assign
from geoplan.disclosure import rule_for
from geoplan.errors import DisclosureRefused
from geoplan.evidence import PublicTotals, admits
from geoplan.gate import attack
from geoplan.profiles import compare_schools
from geoplan.protection import protect_place
from geoplan.school_tables import FULL, PUBLIC_ONLY, ROUNDED, WHOLE, prepare_schools, protect_school

LONG = bool(os.environ.get("GEOPLAN_LONG"))
HOMES = {"Terraces": "ABC", "Harbour": "DEF", "Villages": "GHI"}


def placed(counts):
    """People from counts by school and letter of the home's area."""
    postcodes, codes = [], []
    for (school, letter), pupils in counts.items():
        postcodes += [postcode(f"{letter}1")] * pupils
        codes += [school] * pupils
    return assign(make_people(postcodes, codes), make_directory(), make_boundaries(), make_segments())


def many_schools(n=60, seed=4):
    random = np.random.default_rng(seed)
    letters = [letter for group in HOMES.values() for letter in group]
    return {(f"9{i:05d}", letter): int(random.choice([0, 1, 2, 4, 9, 14, 23])) for i in range(n) for letter in letters}


def with_all(tables, ground, done):
    """Every table of the place and a head's own, attacked together."""
    by_school, segments = next(iter(tables.profiles.values())).printed
    public = [by_school, segments, *tables.by_area.printed, *tables.areas.printed]
    own = [done.homes.printed[0]]
    if done.route == FULL:
        own.append(done.profile.printed[0])
        texts = tuple(
            "x" if text == "c" and cell[0] == done.school else text
            for cell, text in zip(by_school.cells, by_school.shown, strict=True)
        )
        public[0] = replace(by_school, shown=texts)
    known = PublicTotals(("school",), ground.sizes, by_school.population)
    return attack([*public, *own], [known])


def test_a_number_that_only_the_head_sees_is_tested_too_and_never_notable_where_it_is_not_in_truth():
    people = placed(many_schools())
    tables = protect_place(people, make_boundaries())
    ground = prepare_schools(people, make_boundaries(), tables)
    truth, more = compare_schools(people), 0
    for code in [school for school in ground.counts if school.startswith("9000")][:12]:
        done = protect_school(ground, code, rule_for(f"school:{code}"))
        own = done.profile.hidden["count"] < tables.profiles[code].hidden["count"]
        rows, exact = done.profile.table[own], truth.of(code)[own.to_numpy()]
        assert not done.profile.hidden.loc[own, ["p", "q", "notable"]].to_numpy().any()
        assert (rows["q"] >= exact["q"] - 1e-12).all()
        assert not (rows["notable"].astype(bool) & ~exact["notable"].astype(bool)).any()
        more += int(rows["notable"].sum())
    assert more


def test_a_heads_own_tables_are_safe_beside_all_public_ones():
    people = placed(many_schools())
    tables = protect_place(people, make_boundaries())
    ground = prepare_schools(people, make_boundaries(), tables)
    routes = Counter()
    for code in ("900000", "900017", "900042"):
        done = protect_school(ground, code, rule_for(f"school:{code}"))
        routes[done.route] += 1
        result = with_all(tables, ground, done)
        assert result.whole
        assert result.offenders == ()
        exact = ground.counts[code].groupby(level=0).sum()
        shown = done.homes.table["pupils"].dropna()
        assert not shown.between(1, 4).any()
        if done.route == FULL:
            assert (shown == exact[shown.index]).all()
            assert done.note == ""
    assert routes[FULL] == 3
    assert "not protected" in repr(ground)


def test_a_head_gets_the_tables_of_the_own_school_only():
    people = borough(COUNTS)
    ground = prepare_schools(people, make_boundaries(), protect_place(people, make_boundaries()))
    with pytest.raises(ValueError, match="not for school"):
        protect_school(ground, "900001", rule_for("school:900002"))
    done = protect_school(ground, "900001", rule_for("school:900001"))
    assert done.gate.passed
    assert done.profile.hidden.loc["2", "count"]
    whole = protect_school(ground, "900001", rule_for("school:900001"), whole=True)
    assert whole.route == WHOLE
    assert whole.gate.passed


def test_a_school_under_the_smallest_base_has_the_public_tables_and_words_that_say_so():
    counts = many_schools(20) | {("800000", "A"): 3, ("800000", "D"): 6}
    people = placed(counts)
    tables = protect_place(people, make_boundaries())
    done = protect_school(prepare_schools(people, make_boundaries(), tables), "800000", rule_for("school:800000"))
    assert done.route == PUBLIC_ONLY
    assert len(done.homes) == 0
    assert done.profile is tables.profiles["800000"]
    assert "homes not at all" in done.note


def small_place(seed):
    """Schools by area, areas by segment: a few dozen pupils or a few hundred, now few schools and now many."""
    random = np.random.default_rng(seed)
    schools = int(random.choice([3, 4, 12, 25]))
    letters = "".join(HOMES[segment][: int(random.integers(1, 4))] for segment in list(HOMES)[: random.integers(2, 4)])
    sizes = [0, 1, 2, 3, 4, 6, 9, 13, 21, 34]
    counts = {(f"9{i:05d}", letter): int(random.choice(sizes)) for i in range(schools) for letter in letters}
    return {key: pupils for key, pupils in counts.items() if pupils}


def changed(counts, school, random):
    """An own pupil moved between homes (or segments) of 1 to 4 own pupils; one of another school moves back for it."""

    def own(letter):
        return counts.get((school, letter), 0)

    in_all = {segment: sum(own(letter) for letter in letters) for segment, letters in HOMES.items()}
    of = {letter: segment for segment, letters in HOMES.items() for letter in letters}
    pairs = [
        (a, b)
        for a in of
        for b in of
        if a != b and 2 <= own(a) <= 4 and 1 <= own(b) <= 3
        and (of[a] == of[b] or (2 <= in_all[of[a]] <= 4 and 1 <= in_all[of[b]] <= 3))
    ]  # fmt: skip
    for k in random.permutation(len(pairs)):
        a, b = pairs[k]
        mates = [s for s in sorted({s for s, _ in counts} - {school}) if counts.get((s, b), 0) > 0]
        if mates:
            mate = mates[int(random.integers(len(mates)))]
            other = dict(counts)
            for key, step in (((school, a), -1), ((school, b), 1), ((mate, b), -1), ((mate, a), 1)):
                other[key] = other.get(key, 0) + step
            return other
    return None


def seen(tables):
    """All that is printed of a place."""
    return [next(iter(tables.profiles.values())).printed, tables.by_area.printed, tables.areas.printed]


@pytest.mark.parametrize(
    "seeds", [range(15), pytest.param(range(600), marks=pytest.mark.skipif(not LONG, reason="GEOPLAN_LONG=1"))]
)
def test_hidden_own_counts_from_1_to_4_change_nothing_that_is_shown(seeds):
    routes = Counter()
    for seed in seeds:
        random = np.random.default_rng(seed)
        counts = small_place(seed)
        school = sorted({school for school, _ in counts})[0]
        other = changed(counts, school, random)
        if other is None:
            continue
        pages = []
        try:
            for each in (counts, other):
                people = placed(each)
                tables = protect_place(people, make_boundaries())
                ground = prepare_schools(people, make_boundaries(), tables)
                done = protect_school(ground, school, rule_for(f"school:{school}"))
                pages.append((seen(tables), done))
        except DisclosureRefused:
            continue
        if pages[0][0] != pages[1][0]:
            continue
        first, second = pages[0][1], pages[1][1]
        routes[first.route] += 1
        assert first.route == second.route
        for a, b in ((first.profile, second.profile), (first.homes, second.homes)):
            assert a.table.to_csv() == b.table.to_csv()
            assert a.hidden.to_csv() == b.hidden.to_csv()
            assert a.printed == b.printed
    logging.info("by route: %s", dict(routes))
    assert routes[FULL] >= len(seeds) / 15, routes


# --- the plain twin: the table of everybody by school, area and segment --------------------------------------


class Everybody:
    """All whole-number tables by school, area and segment that fit what is printed; written apart from the gate."""

    def __init__(self, printed, sizes):
        one = {dim: sorted({c[t.dims.index(dim)] for t in printed if dim in t.dims for c in t.cells})
               for dim in ("school", "lsoa21", "segment")}  # fmt: skip
        self.at = {
            cell: i
            for i, cell in enumerate((s, a, g) for s in one["school"] for a in one["lsoa21"] for g in one["segment"])
        }
        self.rows, self.low, self.high, self.hidden = [], [], [], {}
        for code, size in sizes.items():
            self._say(self.members(("school",), (code,)), size, size)
        for table in printed:
            listed = set(table.cells)
            for cell, text in zip(table.cells, table.shown, strict=True):
                members = self.members(table.dims, cell)
                if text == "c":
                    self.hidden[table.name, cell] = members
                    small = table.small_group and table.attributes == ("segment",)
                    zero = small and self._may_be_zero(table, cell, sizes)
                    self._say(members, 0 if zero else 1, np.inf)
                elif text != "x":
                    self._say(members, *admits(text, table.hide_below, table.round_to))
            if not table.complete:
                schools = {cell[table.dims.index("school")] for cell in listed}
                for a in one["lsoa21"]:
                    for school in schools:
                        if table.dims == ("lsoa21", "school") and (a, school) not in listed:
                            self._say(self.members(table.dims, (a, school)), 0, 0)

    def _may_be_zero(self, table, cell, sizes):
        if "school" in table.dims:
            return sizes[cell[table.dims.index("school")]] < table.small_group
        line = [t for c, t in zip(table.cells, table.shown, strict=True) if c[0] == cell[0]]
        return "lsoa21" in table.dims and "0" not in line and sum(int(t) for t in line if t != "c") <= table.small_group

    def members(self, dims, cell):
        at = [("school", "lsoa21", "segment").index(dim) for dim in dims]
        return [i for whole, i in self.at.items() if tuple(whole[k] for k in at) == cell]

    def _say(self, members, low, high):
        row = np.zeros(len(self.at))
        row[members] = 1
        self.rows.append(row)
        self.low.append(low)
        self.high.append(high)

    def values(self, members):
        """How many whole numbers lie between the least and the greatest that these can add up to, at most 5."""
        cost = np.zeros(len(self.at))
        cost[members] = 1
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * cost,
                constraints=LinearConstraint(sparse.csr_matrix(np.array(self.rows)), self.low, self.high),
                bounds=Bounds(0, np.inf),
                integrality=np.ones(len(self.at)),
            )
            assert found.status == 0, found.message
            ends.append(sign * found.fun)
        return min(round(ends[1] - ends[0]) + 1, 5), ends[0]


@pytest.mark.parametrize(
    ("first", "places"), [(0, 6), pytest.param(1000, 300, marks=pytest.mark.skipif(not LONG, reason="GEOPLAN_LONG=1"))]
)
def test_every_hidden_count_has_five_values_in_the_table_of_everybody(first, places):
    """Own hidden counts have five, and public ones five or as many as they had before the head was shown more."""
    routes, checked = Counter(), 0
    for seed in count(first):
        if routes.total() == places:
            break
        people = placed(small_place(seed))
        try:
            tables = protect_place(people, make_boundaries())
        except DisclosureRefused:
            continue
        ground = prepare_schools(people, make_boundaries(), tables)
        school = list(ground.counts)[seed % len(ground.counts)]
        done = protect_school(ground, school, rule_for(f"school:{school}"))
        routes[done.route] += 1
        (by_school, segments), (by_area,), (areas,) = seen(tables)
        public = [by_school, segments, by_area, areas]
        own = list(done.homes.printed) + ([done.profile.printed[0]] if done.route == FULL else [])
        before, after = Everybody(public, ground.sizes), Everybody([*public, *own], ground.sizes)
        told = {(by_school.name, cell) for cell in by_school.cells if cell[0] == school and done.route == FULL}
        targets = [label for label in after.hidden if label not in told]
        random = np.random.default_rng(seed)
        for k in random.permutation(len(targets))[: 25 if len(ground.counts) > 4 else None]:
            label = targets[k]
            values, least = after.values(after.hidden[label])
            if values < 5 and least < (10 if label in before.hidden else 5):
                assert label in before.hidden, (seed, done.route, label)
                assert values >= before.values(before.hidden[label])[0], (seed, done.route, label)
            checked += 1
    logging.info("by route: %s", dict(routes))
    logging.info("hidden counts checked: %s", checked)
    assert routes[FULL] >= places / 2, routes
    assert routes[FULL] + routes[ROUNDED] + routes[PUBLIC_ONLY] == places
    assert checked > 5 * places

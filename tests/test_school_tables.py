"""A head's own tables: safe beside all public ones, and for the head of that school only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_boundaries, make_directory, make_people, make_segments, postcode
from test_protection import COUNTS, borough

from geoplan.assignment import assign
from geoplan.disclosure import rule_for
from geoplan.gate import PublicTotals, attack
from geoplan.protection import protect_place
from geoplan.school_tables import _own_alone, prepare_schools, protect_school


def many_schools(n=60):
    random = np.random.default_rng(4)
    homes = {"Terraces": "ABC", "Harbour": "DEF", "Villages": "GHI"}
    postcodes, codes = [], []
    for i in range(n):
        for letters in homes.values():
            for letter in letters:
                count = int(random.choice([0, 1, 2, 4, 9, 14, 23]))
                postcodes += [postcode(f"{letter}1")] * count
                codes += [f"9{i:05d}"] * count
    return assign(make_people(postcodes, codes), make_directory(), make_boundaries(), make_segments())


def test_a_heads_own_tables_are_safe_beside_all_public_ones():
    """Protected by themselves; attacked here with every table of the place together."""
    people = many_schools()
    tables = protect_place(people, make_boundaries())
    ground = prepare_schools(people, make_boundaries(), tables)
    by_school, segments = next(iter(tables.profiles.values())).printed
    public = [by_school, segments, *tables.by_area.printed, *tables.areas.printed]
    known = PublicTotals(("school",), ground.sizes, by_school.population)
    alone = 0
    for code in ("900000", "900017", "900042"):
        rule = rule_for(f"school:{code}")
        alone += _own_alone(ground, code, rule) is not None
        done = protect_school(ground, code, rule)
        own, homes = done.profile.printed[0], done.homes.printed[0]
        said = [replace(each, population=by_school.population, complete=False, attributes=each.dims,
                        dims=(*each.dims, "school"), cells=tuple((*cell, code) for cell in each.cells))
                if len(each.dims) == 1 else each for each in (own, homes)]  # fmt: skip
        # what the head is shown of the own school is no longer to be kept from the head
        others = [replace(each, shown=tuple("x" if t == "c" and c[0] == code else t
                                            for c, t in zip(each.cells, each.shown, strict=True)))
                  if each is by_school else each for each in public]  # fmt: skip
        result = attack([*others, *said], [known])
        assert result.whole
        assert result.offenders == ()
        exact = ground.counts[code].groupby(level=0).sum()
        shown = done.homes.table["pupils"].dropna()
        assert not shown.between(1, 4).any()
        assert (shown == exact[shown.index]).any()
        assert "not protected" in repr(ground)
    assert alone


def test_a_head_gets_the_tables_of_the_own_school_only():
    people = borough(COUNTS)
    ground = prepare_schools(people, make_boundaries(), protect_place(people, make_boundaries()))
    with pytest.raises(ValueError, match="not for school"):
        protect_school(ground, "900001", rule_for("school:900002"))
    done = protect_school(ground, "900001", rule_for("school:900001"))
    assert done.gate.passed
    assert done.profile.hidden.loc["2", "count"]

"""Streets of a plan: as a slow twin finds them, and every postcode told once."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from plain.streets import streets_of as slow

from geoplan.catchments import CatchmentPlan
from geoplan.postcodes import PostcodeDirectory
from geoplan.sources import Source
from geoplan.streets import Streets, streets_of

CODES = [f"ME{district} {sector}A{letter}" for district in (1, 7) for sector in (1, 2) for letter in "ABD"]
ROW = st.tuples(
    st.sampled_from([*CODES, "ME9 9ZZ"]), st.sampled_from(["High Street", "HIGH  street", "Mill Lane"]),
    st.sampled_from(["", "Rochester", "Strood"]),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(CODES), st.sampled_from(["1", "2", ""])), st.lists(ROW, min_size=1, max_size=25))
def test_streets_are_those_of_a_slow_count(schools, rows):
    school_of = {code: schools.get(code, "") for code in CODES}
    directory = PostcodeDirectory(
        pd.DataFrame({"postcode": [code.replace(" ", "") for code in CODES]}, dtype="str"), Source("drawn")
    )
    table = pd.Series({code.replace(" ", ""): school for code, school in school_of.items()}, dtype="str")
    frame = pd.DataFrame(rows, columns=["postcode", "street", "locality"], dtype="str")
    told = streets_of(CatchmentPlan("Plan", "postcode", table), directory, Streets(frame, Source("list")))
    found = set()
    for row in told.table.itertuples():
        key = (row.place.casefold(), " ".join(row.street.split()).casefold())
        own = {
            c
            for c, s, t in rows
            if c in school_of and ((t or c[:-2]).casefold(), " ".join(s.split()).casefold()) == key
        }
        mine = tuple(sorted(code for code in own if school_of[code] == row.school))
        assert row.postcodes == len(mine) and row.of == len(own)
        assert row.listed == ("" if row.how == "whole" else ", ".join(mine))
        found.add((*key, row.school, row.how == "whole", mine))
    assert found == slow(school_of, rows)
    inside = {code for code, school in school_of.items() if school}
    listed = {code for code, _, _ in rows} & inside
    assert (told.accounts["postcodes"], told.accounts["without_street"]) == (len(inside), len(inside - listed))
    assert told.missing.sum() == len(inside - listed)
    assert told.accounts["rows_not_found"] == sum(code not in school_of for code, _, _ in rows)

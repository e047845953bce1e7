"""Similar schools: the mix of pupils decides, not the map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.errors import UnknownCodeError
from geoplan.similarity import hellinger_distances, similar_schools

MIX = {
    "900001": (60, 30, 10),
    "900002": (120, 60, 20),
    "900003": (10, 30, 60),
    "900004": (55, 35, 10),
    "900005": (5, 5, 5),
}


def county():
    postcodes, schools = [], []
    for school, counts in MIX.items():
        for letter, count in zip("ADG", counts, strict=True):
            postcodes += [postcode(f"{letter}1")] * count
            schools += [school] * count
    return assign(make_people(postcodes, schools), make_directory(), segments=make_segments())


def facts():
    table = pd.DataFrame({"name": list("PQRST"), "phase": ["Primary"] * 3 + ["Secondary"] * 2}, index=list(MIX))
    return table.assign(easting=[0.0, 3_000, 0, 1, np.nan], northing=[0.0, 4_000, 1_000, 1, np.nan])


def test_hellinger_by_its_definition():
    counts = np.array([[3, 5, 2], [1, 1, 8], [0, 0, 4]], dtype=float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    for i in range(3):
        for j in range(3):
            expected = np.sqrt(((np.sqrt(shares[i]) - np.sqrt(shares[j])) ** 2).sum() / 2)
            assert hellinger_distances(counts)[i, j] == pytest.approx(expected, abs=1e-7)


def test_the_same_mix_comes_first_however_large_or_far():
    table = similar_schools(county(), "900001", same=(), rule=None)
    assert table["similar"].tolist() == ["900002", "900004", "900003"]
    assert table.loc[0, "distance"] == 0
    assert table["rank"].tolist() == [1, 2, 3]


def test_kilometres_stand_beside_and_one_phase_is_compared():
    table = similar_schools(county(), "900001", schools=facts())
    assert table["similar"].tolist() == ["900002", "900003"]
    assert table["name"].tolist() == ["Q", "R"]
    assert table["km"].tolist() == [5.0, 1.0]


def test_too_few_pupils_are_neither_matched_nor_offered():
    with pytest.raises(UnknownCodeError, match="fewer than 30"):
        similar_schools(county(), "900005")
    assert "900005" not in set(similar_schools(county(), same=())["similar"])


def test_distances_are_of_the_counts_as_shown():
    exact = similar_schools(county(), "900001", same=(), rule=None).set_index("similar")["distance"]
    shown = similar_schools(county(), "900001", same=()).set_index("similar")["distance"]
    assert (exact - shown).abs().max() < 0.05


def test_no_school_is_like_itself_and_none_comes_twice():
    table = similar_schools(county(), same=())
    assert (table["school"] != table["similar"]).all()
    assert not table.duplicated(["school", "similar"]).any()

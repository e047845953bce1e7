"""The page of evidence: its numbers are those of the evidence, its picture is a picture of the table."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import pytest
from built import recipe, town

from geoplan.clustergrams import choice_words, clustergram, clustergram_svg, clusters_page
from geoplan.clusters import build_clusters
from geoplan.stability import try_counts

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def evidence():
    return try_counts(town(), recipe(), range(2, 6), resamples=4)


def test_the_table_counts_every_area_once_at_each_step(evidence):
    table = clustergram(evidence)
    assert table.groupby("clusters")["areas"].sum().tolist() == [30] * 4
    assert table.groupby("clusters")["cluster"].count().to_dict() == {2: 2, 3: 3, 4: 4, 5: 5}
    three = table[table["clusters"].eq(3)]
    assert three["from_share"].tolist() == [1, 1, 1]  # the kinds drawn are never cut by two clusters
    assert table[table["clusters"].eq(2)]["mostly_from"].tolist() == [0, 0]


def test_the_picture_has_a_circle_for_each_row_and_says_what_it_is(evidence):
    picture = ET.fromstring(clustergram_svg(evidence, chosen=3))
    circles = picture.findall(f"{SVG}circle")
    assert len(circles) == len(clustergram(evidence)) == 14
    assert picture.get("role") == "img" and "30 areas for 2 to 5 clusters" in picture.get("aria-label")
    heights = [float(c.get("cy")) for c in circles]
    positions = clustergram(evidence)["position"].tolist()
    order = sorted(range(14), key=lambda i: positions[i])
    assert all(heights[a] >= heights[b] for a, b in pairwise(order))  # higher is upwards
    assert picture.find(f"{SVG}text").text == "chosen"


def test_the_page_asks_for_nothing_and_escapes(evidence):
    made = build_clusters(town(), recipe(counts=(3, 2)))
    made = replace(made, names={**made.names, "1": "<b>Villas</b> & more"})
    page = clusters_page(made, evidence, "Our <town>")
    assert "<b>Villas" not in page and "&lt;b&gt;Villas&lt;/b&gt; &amp; more" in page
    assert "<script" not in page
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert page.count("not tried at this level") == 6
    assert choice_words(evidence, 3) in page
    assert "3 (chosen)" in page and "Drawn" not in page.split("<main>")[0]
    assert page == clusters_page(made, evidence, "Our <town>")


def test_a_number_that_comes_back_less_well_than_its_neighbours_is_said_to(evidence):
    worse = evidence.table.assign(stability=[0.99, 0.70, 0.80, 0.75])
    said = choice_words(replace(evidence, table=worse), 3)
    assert said == "3 comes back less well than 4 and 5 when areas are drawn again (0.70 against 0.80 and 0.75)."
    assert choice_words(replace(evidence, table=worse), 4).startswith("No number tried near 4 comes back better")
    assert choice_words(evidence, 9) == choice_words(replace(evidence, table=worse.head(1)), 2) == ""

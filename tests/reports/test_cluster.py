"""The page of a cluster: each school's printed shares, side by side."""

from __future__ import annotations

import re

import pytest
from maps.drawn import hostile
from maps.pages import Reader
from reporting import medway

from geoplan.disclosure import Protected
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.leaks import scan_bytes
from geoplan.reports import ClusterPage, cluster_page


@pytest.fixture(scope="module")
def page() -> ClusterPage:
    return cluster_page(medway().shared, medway().tables, cluster="Chatham")


def cells(text: str) -> dict[str, list[str]]:
    """The printed shares of each row."""
    rows = re.findall(r'<tr[^>]*><th scope="row">(.*?)</th>(.*?)</tr>', text, flags=re.DOTALL)
    return {name: re.findall(r"<span>(.*?)</span>", rest) for name, rest in rows}


def test_every_school_of_the_cluster_has_its_printed_shares(page):
    frame = medway().schools.frame
    wanted = [code for code in frame.index[frame["cluster"] == "Chatham"] if code in medway().tables.profiles]
    assert list(page.profiles) == wanted
    shown = cells(page.to_html().replace("&#39;", "'"))
    for code in wanted:
        table = medway().tables.profiles[code]
        shares = [
            "c" if hidden else f"{int(100 * share + 0.5)}%" if share == share else "no data"
            for share, hidden in zip(table.table["share"], table.hidden["share"], strict=True)
        ]
        assert shown[frame.loc[code, "name"]] == shares


def test_the_finding_names_the_widest_printed_gap(page):
    shares = {code: table.table["share"] for code, table in page.profiles.items()}
    widest = max(
        (max(known) - min(known), segment)
        for segment in next(iter(shares.values())).index
        if (known := [each[segment] for each in shares.values() if each[segment] == each[segment]])
    )[1]
    assert next(iter(page.profiles.values())).table.at[widest, "name"] in page._finding()


def test_an_unknown_cluster_names_those_there_are():
    with pytest.raises(UnknownCodeError, match=r"no school is in a cluster 'Atlantis'; the clusters are .*Chatham"):
        cluster_page(medway().shared, medway().tables, cluster="Atlantis")
    with pytest.raises(UnknownCodeError, match="no school has pupils"):
        cluster_page(medway().shared, medway().tables, ["999999"])


def test_only_protected_profiles_are_taken(page):
    with pytest.raises(NotProtected):
        ClusterPage("x", {"900001": page.profiles["900001"].table}, {}, "all")


def test_it_runs_nothing_leaks_nothing_and_names_are_words(page):
    text = page.to_html()
    assert "<script" not in text and scan_bytes("cluster.html", text.encode()) == ()
    for nasty in hostile():
        first = next(iter(page.profiles.values()))
        table = Protected(first.table.assign(name=nasty), first.hidden, first.rule)
        spoiled = ClusterPage(nasty, {"a": table, "b": table}, {"a": nasty}, nasty).to_html()
        assert "<script" not in spoiled and "<img" not in spoiled and "onerror" not in str(Reader(spoiled).attributes)


def test_no_more_schools_than_can_be_read():
    table = next(iter(medway().tables.profiles.values()))
    with pytest.raises(ValueError, match="41 schools; 40 at most"):
        ClusterPage("x", {str(at): table for at in range(41)}, {}, "all")

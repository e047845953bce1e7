"""The head's page says what its tables say, in plain words, and lets nothing through that is not protected."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pandas as pd
import pytest
from maps.drawn import hostile
from maps.pages import Reader, policy_of
from reporting import OTHER, SCHOOL, full_report, medway

import geoplan as gp
from geoplan.disclosure import Protected
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.evidence import PrintedTable
from geoplan.leaks import scan_bytes
from geoplan.maps import LayerRefused
from geoplan.reports import HeadReport, head_report
from geoplan.reports.render import placed_in_words
from geoplan.reports.words import change_sentence, standings, who_sentence


@pytest.fixture(scope="module")
def text():
    return full_report().to_html()


def visible(page: str) -> str:
    """What a reader gets, spaces tidied."""
    return re.sub(r"\s+", " ", " ".join(Reader(page).texts))


def rows_of(page: str, caption: str) -> list[list[str]]:
    """The cells of the table whose caption begins so."""
    table = next(part for part in page.split("<table")[1:] if f"<caption>{caption}" in part).split("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1], flags=re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in rows]
    plain = re.compile(r"<svg.*?</svg>|<[^>]*>", flags=re.DOTALL)
    return [[html.unescape(plain.sub("", cell)) for cell in row] for row in cells]


def test_the_sections_a_head_asked_for_are_there_in_order(text):
    heads = re.findall(r"<h2[^>]*>(.*?)</h2>", text)
    assert heads == [
        "Who comes",
        "Where they come from",
        "What changed",
        "Schools like yours, not next door",
        "How far to trust this page",
        "How to challenge this page",
    ]


def test_how_many_groups_are_hidden_is_said_once():
    report = full_report()
    hidden = int(report.profile.hidden["share"].sum())
    assert hidden, "the report drawn has nothing hidden, so this would test nothing"
    own = f"{hidden} of {len(report.profile)} groups are shown as “c”: a small number, or one that would give it away."
    for cautions in ((own,), ("Another caution.",), ("1.", "2.", "3.", "4.", "5.", "6.", own)):
        assert visible(replace(report, cautions=cautions).to_html()).count("shown as “c”") == 1


def test_the_rows_are_the_protected_numbers(text):
    profile = medway().tables.profiles[SCHOOL]
    rows = rows_of(text, "Of every 100 pupils. Blue bar")
    assert [row[0] for row in rows] == profile.table["name"].tolist()
    for row, share, hidden in zip(rows, profile.table["share"], profile.hidden["share"], strict=True):
        assert row[2] == ("c" if hidden else f"{int(100 * share + 0.5)}%")


def test_the_areas_are_the_printed_ones_and_their_letters_are_on_the_map(text):
    homes = medway().tables.homes[SCHOOL].table["pupils"].drop("elsewhere", errors="ignore")
    rows = rows_of(text, "The areas with the most")
    assert [float(row[2]) for row in rows] == homes.sort_values(ascending=False).head(6).tolist()
    drawn = re.findall(r"<text[^>]*>([A-Z])</text>", text)
    assert [row[0] for row in rows if row[0] != "–"] == drawn


def test_schools_alike_are_not_next_door_and_of_the_same_phase():
    place = medway()
    facts = place.schools.frame
    for school in (SCHOOL, OTHER):
        report = head_report(place.shared, place.tables, school)
        assert 1 <= len(report.similar) <= 5
        assert (report.similar["km"] >= 3).all()
        assert (facts.loc[report.similar["similar"], "phase"] == facts.loc[school, "phase"]).all()
        assert report.similar["distance"].is_monotonic_increasing
        assert report.similar["reason"].str.len().gt(0).all()


def test_a_list_of_schools_alike_with_reasons_of_its_own_is_used():
    place = medway()
    near = pd.DataFrame({"similar": [OTHER], "name": ["Tidegate"], "km": [float("nan")], "reason": ["said elsewhere"]})
    text = head_report(place.shared, place.tables, SCHOOL, similar=near).to_html()
    assert "said elsewhere" in text and "not known" in text


def test_the_sentences_of_the_page_can_be_had_alone(text):
    report = full_report()
    assert len(report.sentences) == 4
    assert all(html.escape(sentence, quote=True).replace("&#x27;", "&#39;") in text for sentence in report.sentences)
    assert len(replace(report, changes=None).sentences) == 3


def test_only_protected_tables_are_taken():
    report = full_report()
    with pytest.raises(NotProtected, match="profile of a HeadReport"):
        replace(report, profile=report.profile.table)
    with pytest.raises(NotProtected, match="homes of a HeadReport"):
        replace(report, homes=report.homes.table)


def test_a_table_that_lacks_a_column_is_refused_by_its_name():
    report = full_report()
    with pytest.raises(LayerRefused, match="'changes of a HeadReport': no column 'share_before'"):
        replace(report, changes=report.profile)


def test_a_school_without_pupils_is_refused():
    with pytest.raises(UnknownCodeError, match="no pupils placed"):
        head_report(medway().shared, medway().tables, "999999")


def test_the_page_runs_nothing_fetches_nothing_and_is_small(text):
    policy = policy_of(text)
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'none'"
    assert "<script" not in text and "style=" not in text
    tags = {(tag, name) for tag, name, _ in Reader(text).attributes}
    assert not {name for _, name in tags} & {"src", "onload", "onclick"}
    assert len(text.encode()) < 150_000


def test_the_page_holds_no_personal_value_and_no_postcode(text):
    assert scan_bytes("report.html", text.encode()) == ()
    for postcode in medway().people.people["postcode"].dropna().unique():
        assert postcode not in text


def test_names_are_words_and_never_markup():
    report = full_report()
    for nasty in hostile():
        profile = report.profile.table.assign(name=nasty)
        spoiled = replace(
            report,
            name=nasty,
            contact=nasty,
            cautions=(nasty,),
            intake=(nasty,),
            facts=(nasty,),
            profile=Protected(profile, report.profile.hidden, report.profile.rule),
            similar=report.similar.assign(name=nasty, reason=nasty),
            outlines=replace(report.outlines, names=dict.fromkeys(report.outlines.codes, nasty)),
        )
        page = spoiled.to_html()
        assert "<script" not in page and "<img" not in page and "onerror" not in str(Reader(page).attributes)
        assert page.count("<svg") == report.to_html().count("<svg")


def test_the_same_report_gives_the_same_bytes(text):
    assert full_report().to_html() == text


def test_without_homes_changes_or_kin_the_page_says_so():
    report = replace(full_report(), homes=None, changes=None, similar=full_report().similar.head(0), intake=())
    words = visible(report.to_html())
    assert "cannot say where pupils live" in words
    assert "No earlier year was given" in words
    assert "No school can be named" in words
    assert "would give small numbers away" in words  # areas were given, and their numbers withheld
    nowhere = visible(replace(report, outlines=None).to_html())
    assert "No areas were given" in nowhere and "small numbers away" not in nowhere


def test_every_caution_is_on_the_page_and_none_in_a_workbook_that_may_not_be_there():
    cautions = tuple(f"Caution the {n}th." for n in range(1, 7))
    words = visible(replace(full_report(), cautions=cautions).to_html())
    assert all(each in words for each in cautions) and "further caution" not in words


def test_invented_data_and_marking_are_said():
    report = replace(full_report(), marking="For the head of school 900029 only")
    words = visible(report.to_html())
    assert report.invented and "Invented data." in words and "For the head of school 900029 only" in words
    assert "Invented data" not in replace(report, sources=()).to_html()


def test_more_than_eight_groups_are_cut_to_the_largest_and_it_is_said():
    report = full_report()
    table = pd.concat([report.profile.table, report.profile.table.assign(share=0.001, base_share=0.001)])
    table.index = [f"s{at}" for at in range(len(table))]
    long = replace(report, profile=Protected(table, table[["share"]].isna(), report.rule))
    page = long.to_html()
    rows = rows_of(page, "Of every 100 pupils. Blue bar")
    assert len(rows) == 8 and "the other 8 are in the workbook" in page


def test_a_release_takes_the_report_for_its_head(tmp_path):
    """As one head's folder: marked, gated, scanned."""
    rule = gp.rule_for(f"school:{SCHOOL}")
    place = medway()
    tables = gp.protect_place(place.people, place.areas, rule, homes=[SCHOOL])
    report = head_report(place.shared, tables, SCHOOL)
    release = gp.Release(f"school:{SCHOOL}", title="Report").add("report.html", report)
    manifest = release.write(tmp_path / "out")
    assert [each.name for each in manifest.outputs] == ["report.html"] and manifest.outputs[0].tables == 2
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"For the head of school {SCHOOL} only" in page
    assert gp.verify_folder(tmp_path / "out") == []


def test_an_area_whose_number_is_hidden_is_not_named():
    report = full_report()
    codes = report.homes.table.index[report.homes.is_hidden("pupils")]
    names = [report.outlines.names[code] for code in codes if code in report.outlines.names]
    assert names and not [name for name in names if name in report.to_html()]


# --- words ---------------------------------------------------------------------------------------------


def shown(**columns) -> Protected:
    table = pd.DataFrame({"name": ["Terraces", "Villages"], **columns}, index=["a", "b"])
    numbers = table.drop(columns="name")
    return Protected(table, numbers.isna())


def test_a_column_notable_decides_what_stands_out():
    given = {"share": [0.4, 0.6], "base_share": [0.2, 0.8], "index": [200, 75]}
    given |= {"index_low": [150, 60], "index_high": [250, 90]}
    assert standings(shown(**given)).tolist() == ["more", "fewer"]
    assert standings(shown(**given, notable=[True, False])).tolist() == ["more", "may be chance"]
    near = given | {"index_high": [250, 110]}
    assert standings(shown(**near, notable=[True, False])).tolist() == ["more", "about the same"]
    assert who_sentence(shown(**given, notable=[False, False]), "pupils", "all").startswith("No group stands out")
    assert who_sentence(shown(**given), "pupils", "all schools in Medway together") == (
        "More pupils come from Terraces (40 in 100 against 20), and fewer from Villages (60 in 100 against 80), "
        "than in all schools in Medway together."
    )


def test_the_change_is_said_only_where_there_is_one():
    assert "Terraces, 40 in 100 now against 30 in 100 before" in change_sentence(
        shown(share_before=[0.3, 0.7], share=[0.4, 0.6]), ""
    )
    unclear = shown(share_before=[0.3, 0.7], share=[0.4, 0.6], clear=[False, False])
    assert "more than chance" in change_sentence(unclear, "")
    part = shown(share_before=[None, 0.6], share=[0.4, 0.6], clear=[False, False])
    assert "in the 1 of 2 groups with a number for both years" in change_sentence(part, "")
    none = shown(share_before=[None, None], share=[0.4, 0.6], clear=[False, False])
    assert change_sentence(none, "").startswith("No group has a number that can be shown for both years")
    assert change_sentence(shown(share_before=[0.4, 0.6], share=[0.4, 0.6]), "two years") == (
        "No group changed by as much as 1 in 100 (two years)."
    )


def test_a_report_is_named_and_not_its_numbers():
    assert repr(full_report()) == "<HeadReport 900029 'Samphire Way Primary School', protected: rule 10-5>"
    assert isinstance(full_report(), HeadReport)


def test_the_own_schools_size_is_said_exactly_and_any_other_is_about():
    def profile(rule, cells) -> Protected:
        table = pd.DataFrame({"count": [90.0, 87.0], "total": 177.0}, index=["1", "2"])
        printed = PrintedTable("profile", ("school", "segment"), cells, ("90",) * len(cells))
        return Protected(table, table.isna(), rule, printed=(printed,))

    own, others = (("1", "1"), ("1", "2")), (("1", "1"), ("2", "1"))
    assert placed_in_words(profile(gp.rule_for("school:1"), own), "1") == "177"
    assert placed_in_words(profile(gp.rule_for("school:1"), others), "1") == "about 177"  # everybody's table: rounded
    assert placed_in_words(profile(gp.rule_for("public"), own), "1") == "about 177"

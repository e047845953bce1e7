"""People: one child counted once, nothing personal kept, a cut file never gives a wrong pupil."""

from __future__ import annotations

import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.errors import InputRefused, ProjectError
from geoplan.findings import count_outcomes, outcome_of
from geoplan.io import people as reader
from geoplan.io.describe import describe_file
from geoplan.io.files import Contents, fingerprint, recognise
from geoplan.io.people import read_people, read_pupils

HEAD = "UPN,PostCode,URN,NCyearActual,FSMeligible,EnrolStatus\n"


def pupils(text: str | bytes, **options):
    data = text if isinstance(text, bytes) else text.encode()
    contents = Contents("p.csv", data, fingerprint(data), recognise(data))
    arguments = {"schools": None, "columns": None, "keep": ()} | options
    return reader._read(contents, reader.PUPILS, "pupils", **arguments)


def codes(people) -> list[tuple[int, str]]:
    return list(zip(people.findings["record"], people.findings["code"], strict=True))


def test_a_plain_file(write):
    people = read_pupils(write("p.csv", HEAD + "A1,ME4 4AA,900001,7,Y,C\nA2,ME4 4AB,900001,R,,C\n"))
    assert people.frame.to_dict("list") == {
        "record": [1, 2],
        "person": [0, 1],
        "postcode": ["ME4 4AA", "ME4 4AB"],
        "counted": [True, True],
        "school": ["900001", "900001"],
        "year_group": ["7", "R"],
        "fsm": ["yes", "unknown"],
    }
    assert len(people.findings) == 0
    assert people.source.fingerprint


def test_enrolment_status_decides_who_is_counted():
    people = pupils(
        HEAD
        + "".join(f"A{i},ME4 4AA,900001,7,Y,{status}\n" for i, status in enumerate("CMSGFOP"))
        + "A9,ME4 4AA,900001,7,Y,\n"
    )
    assert people.frame["counted"].tolist() == [True, True, False, False, False, False, False, True]
    assert codes(people) == [(3, "dual_registration"), *((i, "not_on_roll") for i in (4, 5, 6, 7))]


def test_one_child_is_counted_once():
    people = pupils(
        HEAD + "A1,ME4 4AA,900001,7,Y,C\na1,me44aa,900001,7,Y,C\nA1,ME4 4AB,900001,7,Y,C\nA1,ME4 4AA,900002,7,Y,C\n"
    )
    assert people.frame["counted"].tolist() == [True, False, False, False]
    assert codes(people) == [(2, "duplicate_record"), (3, "duplicate_conflict"), (4, "duplicate_conflict")]


def test_a_subsidiary_registration_first_does_not_hide_the_main_one():
    people = pupils(HEAD + "A1,ME4 4AA,900002,7,Y,S\nA1,ME4 4AA,900001,7,Y,M\n")
    assert people.frame["counted"].tolist() == [False, True]


def test_damaged_and_blank_identifiers_are_never_compared():
    people = pupils(
        HEAD
        + "1.2E+12,ME4 4AA,900001,7,Y,C\n1.2E+12,ME4 4AA,900001,7,Y,C\n,ME4 4AA,900001,7,Y,C\n,ME4 4AA,900001,7,Y,C\n"
    )
    assert people.count == 4
    assert people.frame["person"].tolist() == [-1] * 4
    assert codes(people) == [(1, "id_damaged"), (2, "id_damaged")]


def test_schools_are_known_by_urn_or_laestab_and_others_reported():
    schools = pd.DataFrame({"laestab": ["8872001", ""]}, index=["900001", "900002"])
    people = pupils(
        HEAD + "A1,ME4 4AA,900001.0,7,Y,C\nA2,ME4 4AA,887/2001,7,Y,C\nA3,ME4 4AA,999,7,Y,C\nA4,ME4 4AA,,7,Y,C\n",
        schools=schools,
    )
    assert people.frame["school"].tolist() == ["900001", "900001", "", ""]
    assert codes(people) == [(1, "code_repaired"), (3, "school_unknown"), (4, "school_blank")]
    assert people.count == 4


def test_names_and_birth_dates_stay_in_the_file_unless_kept_on_purpose():
    text = "UPN,Surname,DOB,UPRN,PostCode,URN\nA1,Smith,2015-01-01,100,ME4 4AA,900001\n"
    assert set(pupils(text).frame) == {"record", "person", "postcode", "counted", "school"}
    kept = pupils(text, keep=("Surname", "UPN"))
    assert kept.frame["Surname"].tolist() == ["Smith"]
    assert kept.frame["UPN"].tolist() == ["A1"]
    with pytest.raises(InputRefused):
        pupils(text, keep=("Forename",))


def test_a_malformed_birth_date_is_reported_though_not_kept():
    assert codes(pupils("DOB,PostCode,URN\n2015-13-01,ME4 4AA,900001\n")) == [(1, "date_malformed")]


def test_own_headers_are_mapped():
    people = pupils("Base,Home,N\n900001,ME4 4AA,x\n", columns={"school": "Base", "postcode": "Home"})
    assert people.header("postcode") == "Home"
    with pytest.raises(ProjectError):
        pupils(HEAD, columns={"skool": "Base"})


def test_every_problem_of_a_header_is_named_together(write):
    with pytest.raises(InputRefused) as caught:
        read_pupils(write("p.csv", "a,b\n1,2\n"))
    assert [p.column for p in caught.value.problems] == ["postcode", "school"]
    assert all("'a', 'b'" in p.what for p in caught.value.problems)


def test_callers(write):
    path = write(
        "c.csv",
        "contact_id,family_id,date,postcode,child_year_group,topic\nK1,F1,2026-01-02,ME4 4AA,5,x\n"
        "K2,F1,bad,ME4 4AA,6,x\n",
    )
    people = read_people(path, noun="callers", keep=("family_id",))
    assert list(people.frame) == ["record", "person", "postcode", "counted", "year_group", "date", "family_id"]
    assert codes(people) == [(2, "date_malformed")]
    assert repr(people) == "<People: 2 records, 2 callers counted>"
    assert read_people(path, id_column="family_id").count == 1


def test_eal_from_a_language_or_a_column_of_its_own():
    people = pupils("PostCode,URN,EAL,Language\nME4 4AA,1,Y,ENG\nME4 4AA,1,,PAN\nME4 4AA,1,,\n")
    assert people.frame["eal"].tolist() == ["yes", "yes", "unknown"]


def test_nothing_shown_holds_a_value():
    people = pupils(HEAD + "SECRETID,ME4 4ZZ9,SECRETSCHOOL,SECRETYEAR,SECRETFSM,C\n", schools=pd.DataFrame(index=["1"]))
    shown = repr(people) + people.findings.to_csv() + str(people.details)
    assert "SECRET" not in shown
    assert "4ZZ9" not in shown


ROWS = [
    f"A{i:05},{'WBRI' if i % 3 else 'WB'},ME{i % 9 + 1} {i % 9}A{'ABDEFGH'[i % 7]},90000{i % 5},{i % 11 + 1},"
    f'{["Y", "N", "NULL", "", "No", "Yes"][i % 6]},"café, {i}"'
    for i in range(6)
]


@pytest.mark.parametrize(
    ("order", "ends", "encoding"),
    [*((order, "\r\n", "utf-8") for order in range(7)), (3, "\n", "cp1252"), (5, "\r", "utf-16")],
)
def test_a_file_cut_at_any_byte_never_gives_a_wrong_pupil(order, ends, encoding):
    """Each column stands last once; what is counted from a cut file is what the whole file says."""
    import csv

    names = ["UPN", "Ethnicity", "PostCode", "URN", "NCyearActual", "FSM", "Note"]
    lines = [names, *csv.reader(ROWS)]
    turned = [line[order:] + line[:order] for line in lines]
    text = "".join(",".join(f'"{c}"' if "," in c else c for c in line) + ends for line in turned)
    data = text.encode(encoding)
    columns = ["person", "postcode", "school", "year_group", "ethnicity", "fsm"]
    truth = pupils(data).frame[columns].to_numpy().tolist()
    used = 0
    late = len(data) * 2 // 3  # every byte of the last rows, some before
    for size in [*range(0, late, 13), *range(late, len(data))]:
        try:
            people = pupils(data[:size])
        except InputRefused:
            continue
        counted = people.frame[people.frame["counted"]]
        assert set(columns) <= set(counted)
        assert counted[columns].to_numpy().tolist() == [truth[record - 1] for record in counted["record"]]
        used += len(counted)
    assert used > 250


GOOD = (HEAD + "".join(f"A{i},ME4 4AA,90000{i % 3},{i % 11 + 1},{'YN'[i % 2]},C\n" for i in range(12))).encode()
BITS = [
    b'"',
    b"\n",
    b"\r",
    b"\x00",
    b",",
    b";",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\t",
    b"1.2E+12",
    b"\xff\xfe",
    b"PK\x03\x04",
]


@pytest.mark.parametrize("seed", range(4))
def test_any_change_to_the_bytes_gives_a_refusal_or_balanced_accounts(write, seed):
    generator = random.Random(seed)
    for _ in range(60):
        data = bytearray(GOOD)
        for _ in range(generator.choice([1, 1, 2, 5])):
            at = generator.randrange(len(data))
            if generator.random() < 0.4:
                data[at] = generator.randrange(256)
            elif generator.random() < 0.5:
                del data[at : at + generator.choice([1, 20])]
            else:
                data[at:at] = generator.choice(BITS)
        report = describe_file(write("f.csv", bytes(data)), "pupils")
        assert sum(report[k] for k in ("accepted", "repaired", "rejected", "blank")) == report["records"]
        assert report["file_status"] == "ok" or report["reason"]


CELL = st.sampled_from(
    ["", "A1", "A2", "ME4 4AA", "me4 4aa", "900001", "R", "7", "Y", "S", "C", "x y", '"q"', "a,b", "é"]
)


@settings(max_examples=40)
@given(st.lists(st.lists(CELL, min_size=5, max_size=7), min_size=1, max_size=15))
def test_records_are_conserved(lines):
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    people = pupils(HEAD + "\n".join(quoted) + "\n")
    assert len(people) == len(lines)
    assert people.frame["record"].tolist() == list(range(1, len(lines) + 1))
    assert sum(count_outcomes(outcome_of(people.frame["record"], people.findings)).values()) == len(lines)
    counted = people.frame[people.frame["counted"] & (people.frame["person"] >= 0)]
    assert counted["person"].is_unique


@settings(max_examples=25)
@given(st.permutations(range(8)))
def test_the_order_of_rows_changes_neither_who_nor_how_many(order):
    lines = [f"A{i % 6},ME4 4AA,900001,{i % 6 + 1},Y,C" for i in range(8)]
    people = pupils(HEAD + "".join(lines[i] + "\n" for i in order))
    assert people.count == 6
    assert sorted(people.frame.loc[people.frame["counted"], "year_group"]) == ["1", "2", "3", "4", "5", "6"]

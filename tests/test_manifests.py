"""Manifests: names, secrets, accounts that balance and give nothing away, seals that see every change."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.manifests import (
    FILE,
    LEAST,
    MASK,
    VOLATILE,
    Chain,
    Input,
    Manifest,
    Output,
    Override,
    balances,
    check_document,
    is_plain_name,
    mask,
    mask_command,
    mask_text,
    output_name,
    safe_name,
    shared_count,
    shared_reasons,
    to_bytes,
)
from geoplan.reasons import REASONS

PAGE = Output("map.html", "html", 10, "0" * 64, protected=True, tables=1)
GATE = {"run": True, "narrowest": 7, "offenders": 0, "seconds": 0.1}
LEAKS = {"run": True, "found": 0, "files": 1}
CODES = [code for code, each in REASONS.items() if each.outcome in {"repaired", "rejected", "blank"}]


def manifest(**changes) -> Manifest:
    checked = {"gate": GATE, "leaks": LEAKS, "read_back": {"run": True, "different": 0}}
    return Manifest(**{"written": "2026-09-01T09:00:00Z", "outputs": (PAGE,), **checked, **changes})


def check(made: Manifest, **copy) -> list:
    data = made.to_bytes(**copy)
    return check_document(json.loads(data), data)


# --- names


@given(st.text())
def test_any_text_gives_a_plain_name(text):
    name = safe_name(text)
    assert is_plain_name(name)
    assert name == name.lower()
    assert is_plain_name(output_name(text, ".html"))


@given(st.lists(st.text(max_size=5), unique=True, max_size=50))
def test_different_texts_have_names_that_differ_by_more_than_case(texts):
    assert len({safe_name(text).lower() for text in texts}) == len(texts)


BAD = ["con", "NUL.txt", "lpt1", "COM9.tar", "../x", "a/b", "a\\b", ".hidden", "", "x.", "é", "a:b"]


@pytest.mark.parametrize("name", BAD)
def test_names_that_some_system_cannot_hold(name):
    assert not is_plain_name(name)
    assert is_plain_name(output_name(name, ".csv"))


def test_names_given_by_schools_stay_apart():
    names = [safe_name(text) for text in ("St Mary's", "St. Mary's", "ST MARY'S", "st marys", "", " ", "-")]
    assert len(set(names)) == len(names)


# --- secrets


SECRETS = ["hunter2", "two words", "p@ss/w:rd"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("key", ["password", "API_KEY", "db.token", "client-secret", "PGPASSWORD", "passwd"])
def test_no_secret_survives(secret, key):
    said = json.dumps(
        [
            mask({"a": [{key: secret}], "url": f"postgresql://jo:{secret}@host/db"}),
            mask_text(f"{key}='{secret}' host=x"),
            mask_text(f"https://h/?{key}={secret.replace(' ', '+')}&b=1"),
            mask_command(["geoplan", f"--{key}", secret, f"--{key}={secret}", f"postgresql://jo:{secret}@host/db"]),
        ]
    )
    for piece in secret.split():
        assert piece not in said
    assert MASK in said


def test_settings_and_folders():
    assert mask({"b": 1, "a": {"rows": None}}) == {"a": {"rows": None}, "b": 1}
    assert mask_command("geoplan map --out /home/jo/out --project geoplan.toml") == (
        "geoplan map --out out --project geoplan.toml"
    )


# --- accounts


@st.composite
def inputs(draw, personal=True) -> Input:
    codes = draw(st.lists(st.sampled_from(CODES), unique=True, max_size=5))
    counts = {code: draw(st.integers(0, 60)) for code in codes}
    sums = dict.fromkeys(("repaired", "rejected", "blank"), 0)
    for code, count in counts.items():
        sums[REASONS[code].outcome] += count
    accepted = draw(st.integers(0, 2_000))
    records = accepted + sum(sums.values())
    return Input("pupils", "pupils.csv", 10, "ab" * 32, records=records, accepted=accepted, **sums, reasons=counts,
                 personal=personal)  # fmt: skip


@given(inputs())
def test_accounts_balance_in_both_copies(each):
    for shareable in (True, False):
        accounts = each.document(shareable)["accounts"]
        assert balances(accounts)
    assert sum(accounts[name] for name in ("accepted", "repaired", "rejected", "blank")) == accounts["records"]


def test_accounts_that_do_not_balance_are_refused_and_found():
    with pytest.raises(ValueError, match="are not 9 records"):
        Input("pupils", "p.csv", records=9, accepted=8)
    good = Input("pupils", "p.csv", records=9, accepted=8, blank=1).document(False)["accounts"]
    for name in ("records", "accepted", "repaired", "rejected", "blank"):
        assert not balances({**good, name: good[name] + 1})


@given(inputs())
def test_no_small_count_is_printed_in_a_shareable_copy(each):
    accounts = each.document(True)["accounts"]
    outcomes = (accounts[name] for name in ("records", "repaired", "rejected", "blank"))
    printed = [*accounts["reasons"].values(), *outcomes]
    assert all(value == "<5" or (value >= LEAST and value % 5 == 0) for value in printed)
    assert accounts["accepted"] == "the rest"


@pytest.mark.parametrize("records", [6, 12, 23, 24, 25, 31])
def test_sums_do_not_give_small_counts_away(records):
    """All files of so many records, with three reasons: none printed alike tells nought to four apart."""
    codes = ("postcode_blank", "postcode_not_found", "duplicate_record")
    worlds = defaultdict(list)
    for counts in itertools.product(range(records + 1), repeat=3):
        if sum(counts) <= records:
            shown = shared_reasons(records, dict(zip(codes, counts, strict=True)))
            worlds[tuple(shown.items())].append(counts)
    for alike in worlds.values():
        for place in range(3):
            possible = {counts[place] for counts in alike}
            if possible & set(range(1, LEAST)):
                assert possible >= set(range(LEAST))


def test_the_attack_bites_where_accepted_records_are_printed():
    """Rounded to 5, with everything printed, a rejected count of 4 is sometimes the only one possible."""
    found = defaultdict(set)
    for accepted, rejected in itertools.product(range(80), range(5)):
        found[accepted + rejected, shared_count(accepted), shared_count(rejected)].add(rejected)
    assert any(len(possible) == 1 and possible & {1, 2, 3, 4} for possible in found.values())


def test_files_about_people_keep_their_fingerprint_to_the_own_copy():
    each = Input("pupils", "pupils.csv", 12_345, "ab" * 32, records=3, accepted=3)
    made = manifest(inputs=(each,), people={"unlocated": 7, "outside": 12})
    shared, own = made.to_bytes(), made.to_bytes(shareable=False)
    assert b"ab" * 32 not in shared and b"12345" not in shared
    assert b"ab" * 32 in own and b"12345" in own
    assert json.loads(shared)["people"] == {"outside": 10, "unlocated": "<10"}
    assert json.loads(own)["people"] == {"outside": 12, "unlocated": 7}
    assert not check(made) and not check(made, shareable=False)


# --- seals


def test_the_same_release_has_the_same_run_whenever_it_is_written():
    later = manifest(written="2027-01-01T00:00:00Z", chain=Chain().after(b"x"), ledger=3, gate={**GATE, "seconds": 9.0})
    assert later.run == manifest().run
    assert manifest(title="another").run != manifest().run
    one, other = manifest().document(), later.document()
    differing = {name for name in one if one[name] != other[name]} - {"seal"}
    assert differing == {name.partition(".")[0] for name in VOLATILE} - {"leaks"}


def test_every_change_of_one_byte_is_found():
    data = manifest().to_bytes()
    for i in range(len(data)):
        changed = data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
        try:
            document = json.loads(changed)
        except ValueError:
            continue
        assert check_document(document, changed), i


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"gate": {}}, "gate_failed"),
        ({"gate": {**GATE, "narrowest": 4}}, "gate_failed"),
        ({"gate": {**GATE, "offenders": 1}}, "gate_failed"),
        ({"leaks": {**LEAKS, "found": 1}}, "leaks_found"),
        ({"leaks": {}}, "leaks_found"),
        ({"read_back": {}}, "not_read_back"),
        ({"read_back": {"run": True, "different": 1}}, "not_read_back"),
        ({"outputs": (Output("a.csv", "csv", 1, "", protected=False),)}, "not_protected"),
        ({"outputs": (PAGE, PAGE)}, "names_wrong"),
        ({"audience": "internal"}, "reason_missing"),
        ({"inputs": (Input("pupils", "p.csv", unchanged=False),)}, "input_changed"),
        ({"chain": Chain(2)}, "chain_broken"),
    ],
)
def test_what_a_sealed_manifest_may_still_lack(changes, code):
    assert code in {each.code for each in check(manifest(**changes))}


def test_rubbish_is_a_finding_and_never_a_traceback():
    good = manifest().document()
    for name in good:
        for value in (None, [], {}, 3, "x", [3], {"a": 1}):
            document = {**good, name: value}
            assert document == good or check_document(document, to_bytes(document))
    assert check_document({}, b"{}")[0].file == FILE


def test_an_override_needs_a_reason():
    with pytest.raises(ValueError, match="reason"):
        Override("hide_below", 5, " ")

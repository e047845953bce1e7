"""Reason codes: one table, stable, and every code that the package uses is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import geoplan
from geoplan.reasons import REASONS, reason

OUTCOMES = {"accepted", "repaired", "rejected", "blank", "file"}


def test_every_reason_says_what_and_what_to_try():
    for code, entry in REASONS.items():
        assert re.fullmatch(r"[a-z][a-z_]+", code)
        assert entry.outcome in OUTCOMES
        assert entry.meaning
        assert entry.suggestion


def test_an_unknown_code_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        reason("no_such_code")


def test_codes_used_by_the_readers_are_in_the_table():
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((Path(geoplan.__file__).parent / "io").glob("*.py"))
    )
    used = set(
        re.findall(r'(?:refuse\(\s*[\w.()]+,\s*|Problem\(\s*[\w.]+,\s*|_at\(file, |add\(\s*)"([a-z]+_[a-z_]+)"', text)
    )
    assert len(used) > 20
    assert used <= set(REASONS)

"""Outputs: whole or not at all, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import os
import stat

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.errors import InputRefused
from geoplan.io import outputs
from geoplan.io.outputs import guard, write_bytes, write_csv, write_json, write_new

FORMULAS = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "\uff1d1", "%0A", "|calc"]


def cells(path):
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_text(tmp_path, text):
    frame = pd.DataFrame(
        {text: pd.Series([text], dtype="str"), "b": pd.Categorical([text]), "c": pd.Series([text], dtype=object)}
    )
    for row in cells(write_csv(tmp_path / "o.csv", frame)):
        assert all(cell.startswith("'") or cell in {"b", "c"} for cell in row)


def test_numbers_stay_numbers_and_missing_stays_empty(tmp_path):
    frame = pd.DataFrame(
        {
            "a": [-12, 5],
            "b": [-0.5, np.nan],
            "c": pd.Series([1, pd.NA], dtype="Int64"),
            "d": pd.Series(["x", None], dtype="str"),
        }
    )
    assert cells(write_csv(tmp_path / "o.csv", frame))[1:] == [["-12", "-0.5", "1", "x"], ["5", "", "", ""]]
    assert cells(write_csv(tmp_path / "o.csv", frame.iloc[:0])) == [["a", "b", "c", "d"]]


@given(st.text(max_size=12))
def test_guarded_text_reads_back(text):
    same = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    assert guard(text) in {same, "'" + same}
    assert not guard(text).startswith(("=", "+", "-", "@"))


def test_same_frame_same_bytes(tmp_path):
    frame = pd.DataFrame({"a": ["x", "y"], "b": pd.Categorical(["q", None])})
    assert write_csv(tmp_path / "1.csv", frame).read_bytes() == write_csv(tmp_path / "2.csv", frame).read_bytes()


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "o.csv"
    target.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(outputs.os, "fsync", fail)
    with pytest.raises(InputRefused):
        write_bytes(target, b"new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["o.csv"]  # noqa: PTH208


def test_where_nothing_can_be_written_it_says_so(tmp_path):
    with pytest.raises(InputRefused) as caught:
        write_json(tmp_path / "none" / "o.json", {})
    assert caught.value.problems[0].code == "output_unwritable"


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX")
def test_permissions(tmp_path):
    mask = os.umask(0o022)
    try:
        mode = lambda path: stat.S_IMODE(path.stat().st_mode)  # noqa: E731
        assert mode(write_bytes(tmp_path / "a", b"")) == 0o644
        assert mode(write_bytes(tmp_path / "b", b"", private=True)) == 0o600
        (tmp_path / "a").chmod(0o640)
        assert mode(write_bytes(tmp_path / "a", b"x")) == 0o640
    finally:
        os.umask(mask)


def test_json_of_numpy_values(tmp_path):
    path = write_json(tmp_path / "o.json", {"a": np.int64(3), "b": {"y", "x"}, "c": "é"})
    assert path.read_text(encoding="utf-8") == '{\n  "a": 3,\n  "b": [\n    "x",\n    "y"\n  ],\n  "c": "é"\n}\n'
    with pytest.raises(ValueError):
        write_json(tmp_path / "o.json", float("nan"))


def test_write_new_never_writes_over(tmp_path):
    assert write_new(tmp_path / "deep" / "a.txt", "1") is not None
    assert write_new(tmp_path / "deep" / "a.txt", "2") is None
    assert (tmp_path / "deep" / "a.txt").read_text() == "1"

"""Plans read and written as CSV."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.errors import InputRefused
from geoplan.io.plans import read_plan, write_plan

MEDWAY = Path(__file__).parents[2] / "boundaries" / "medway"


def text(folder: Path, content: str) -> Path:
    path = folder / "plan.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_the_demo_plans_are_read_and_differ():
    today, option = (read_plan(MEDWAY / f"catchments_{name}.csv") for name in ("today", "option_a"))
    assert today.kind == "lsoa11" and today.name == "catchments_today"
    assert 0 < len(option.moved_from(today)) < len(today)
    assert today.source.fingerprint != option.source.fingerprint


def test_written_and_read_again_it_is_the_same_plan(tmp_path):
    plan = read_plan(text(tmp_path, "LSOA21CD,Catchment\nE1,1\nE2,1\nE2,2\nE3,\n"))
    assert plan.table.to_dict() == {"E1": "1", "E2": "1+2", "E3": ""}
    assert read_plan(write_plan(tmp_path / "again.csv", plan)) == plan


def test_the_kind_must_be_said_and_the_columns_named(tmp_path):
    path = text(tmp_path, "zone,goes to\nE1,1\n")
    with pytest.raises(InputRefused, match="no column for school"):
        read_plan(path)
    with pytest.raises(InputRefused, match="which areas these are is not said"):
        read_plan(path, school="goes to")
    assert read_plan(path, "lsoa21", school="goes to").schools == ("1",)
    with pytest.raises(InputRefused, match="several columns of area codes"):
        read_plan(text(tmp_path, "lsoa11,lsoa21,school\nE1,E2,1\n"))


def test_rows_that_cannot_be_used_are_all_named(tmp_path):
    with pytest.raises(InputRefused) as refused:
        read_plan(text(tmp_path, "lsoa21,school\nE1,1\n,1\n,2\nE4,1,7\n"))
    assert {(p.code, p.record, p.more) for p in refused.value.problems} == {("code_blank", 2, 1), ("ragged_row", 4, 0)}

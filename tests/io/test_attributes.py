"""Numbers about schools from a published file: symbols are missing, anything else that is no number is refused."""

from __future__ import annotations

import numpy as np
import pytest

from geoplan.errors import InputRefused
from geoplan.io import read_attributes


def test_symbols_are_missing_and_never_zero(tmp_path):
    path = tmp_path / "spc.csv"
    path.write_text('URN,% FSM,Pupils\n100001,12.5%,"1,204"\n100002,c,z\n100003,low,\n100004,0,7\n', encoding="utf-8")
    table = read_attributes(path, ["% fsm", "pupils", "absent"])
    assert list(table) == ["% fsm", "pupils"]
    assert table.index.tolist() == ["100001", "100002", "100003", "100004"]
    np.testing.assert_array_equal(table["% fsm"], [12.5, np.nan, np.nan, 0])
    np.testing.assert_array_equal(table["pupils"], [1204, np.nan, np.nan, 7])


def test_every_problem_is_named_at_once(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("URN,roll\n100001,many\n100001,3\n,4\n100004,lots\n", encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        read_attributes(path, ["roll"])
    codes = {(problem.code, problem.record, problem.more) for problem in refused.value.problems}
    assert codes == {("code_blank", 3, 0), ("code_duplicated", 2, 0), ("number_malformed", 1, 1)}
    assert "many" not in str(refused.value)
    path.write_text("name,roll\nA,1\n", encoding="utf-8")
    with pytest.raises(InputRefused, match="URN"):
        read_attributes(path, ["roll"])

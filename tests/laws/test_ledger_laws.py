"""Laws of the ledger: whatever is said in whatever order, nothing is lost and what counts is what was said last."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from geoplan.evidence import PrintedTable
from geoplan.ledger import Ledger, append, append_internal, earlier, publish, verify, withdraw

STEPS = st.lists(
    st.tuples(st.sampled_from(["release", "inside", "withdraw", "publish"]), st.integers(1, 6)), max_size=14
)


def table(number: int) -> PrintedTable:
    return PrintedTable(f"t{number}", ("s",), (("a",), ("b",)), ("c", str(10 + 5 * number)), population="2026")


@given(STEPS)
def test_what_counts_is_what_a_slow_count_of_the_steps_says(steps):
    ledger, counted, published, entered = Ledger(), set(), set(), []
    for step, number in steps:
        before = ledger
        try:
            if step == "release":
                ledger = append(ledger, "day", "public", [table(number)], what=f"{number}.csv")
                if not any(entered[at - 1] == number for at in counted):  # otherwise it says nothing new
                    entered.append(number)
                    counted.add(len(entered))
            elif step == "inside":
                ledger = append_internal(ledger, "day", f"{number}.csv", "trying the numbers")
                entered.append(0)
            elif step == "withdraw":
                ledger = withdraw(ledger, [number], "never shown", "A", "day")
                assert number in counted and number not in published
                counted.discard(number)
            else:
                ledger = publish(ledger, [number], "B", "day")
                counted.add(number)
                published.add(number)
        except ValueError:
            assert ledger is before
            unknown = number > len(entered) or entered[number - 1] == 0
            assert unknown or number in published or (step == "withdraw" and number not in counted)
    assert {number for number, _ in ledger.standing()} == counted
    assert len(ledger) == len(entered)  # nothing is ever taken out
    held = {each.shown for each in earlier(ledger, ["2026"])[0]}
    assert held == {table(entered[number - 1]).shown for number in counted}
    assert verify(ledger) == [] and Ledger.from_dict(json.loads(json.dumps(ledger.to_dict()))) == ledger

"""The page of catchments as they are lived in, opened with the network shut: no fault for axe, a table by the map."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import make_boundaries
from test_intakes import DRAWN, place, plan, schools

from geoplan.intake_books import intake_book
from geoplan.intakes import protect_intakes

AXE = Path(__file__).parent / "assets" / "axe.min.js"


@pytest.mark.browser
def test_the_page_of_catchments_opens_quietly_and_axe_finds_nothing(show):
    intakes = protect_intakes(place([("C1", "900001")] * 4), schools(), plan())
    seen = show(intake_book(intakes, plan(), schools(), [DRAWN], make_boundaries()), bypass_csp=True)
    assert seen.requests == [] and seen.errors == []
    seen.page.add_script_tag(path=str(AXE))
    found = seen.page.evaluate("axe.run().then((answer) => answer.violations.map((each) => each.id))")
    assert found == []
    text = seen.page.locator("main").inner_text()
    assert "Who lives where, and attends what" in text
    assert "Take-up by area" in text

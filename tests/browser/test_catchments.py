"""The page of catchments as they are lived in, opened with the network shut: no fault for axe, a table by the map."""

from __future__ import annotations

import pytest
from browser.chromium import axe
from conftest import make_boundaries
from test_intakes import DRAWN, place, plan, schools

from geoplan.intake_books import intake_book
from geoplan.intakes import protect_intakes


@pytest.mark.browser
def test_the_page_of_catchments_opens_quietly_and_axe_finds_nothing(show):
    intakes = protect_intakes(place([("C1", "900001")] * 4), schools(), plan())
    seen = show(intake_book(intakes, plan(), schools(), [DRAWN], make_boundaries()), bypass_csp=True)
    assert seen.requests == [] and seen.errors == []
    assert axe(seen.page) == []
    text = seen.page.locator("main").inner_text()
    assert "Who lives where, and attends what" in text
    assert "Take-up by area" in text

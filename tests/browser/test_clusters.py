"""The page "How our segments were built": nothing fetched, no complaint, a narrow screen, a table by the picture."""

from __future__ import annotations

from built import recipe, town

from geoplan.clustergrams import clustergram, clusters_page
from geoplan.clusters import build_clusters
from geoplan.stability import try_counts


def test_the_page_opens_alone_and_is_read_on_a_narrow_screen(running, tmp_path):
    evidence = try_counts(town(), recipe(), [2, 3, 4], resamples=3)
    path = tmp_path / "town.html"
    path.write_text(clusters_page(build_clusters(town(), recipe()), evidence, "The drawn town"), encoding="utf-8")
    context = running.new_context(offline=True, viewport={"width": 1100, "height": 800})
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert said == []  # a style that the page's own policy refuses would be said here
    assert page.locator("h1").inner_text() == "How our segments were built: The drawn town"
    assert page.locator("svg[role=img]").get_attribute("aria-label").startswith("Clustergram of 30 areas")
    page.locator("summary").first.click()
    assert page.locator("details tbody tr").count() == len(clustergram(evidence)) == 9
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.locator("svg.clustergram").bounding_box()["width"] >= 640  # it pans in its own box, still legible
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()

"""Our layers on a folium map of one's own, with folium's own layer control."""

from __future__ import annotations

import folium
from maps import drawn

from geoplan import maps
from geoplan.maps.render import leaflet


def test_a_layer_works_on_a_plain_folium_map(show):
    own = folium.Map(tiles=None)
    own.default_js, own.default_css = [], []  # the test has no network; Leaflet is put in by hand below
    bad = "<img src=x onerror=\"window.ran='name'\"> {{ 7 * 7 }}"
    layer = maps.folium_layer(drawn.pupils_layer(title=bad))
    layer.add_to(own)
    maps.folium_layer(drawn.schools_layer()).add_to(own)
    folium.LayerControl(collapsed=False).add_to(own)
    own.fit_bounds(layer.get_bounds())
    script, style = leaflet()
    page = own.get_root().render().replace("<head>", f"<head><style>{style}</style><script>{script}</script>", 1)
    seen = show(page, wait=False)
    seen.page.wait_for_function("document.querySelectorAll('.leaflet-pane canvas').length === 2")
    seen.page.wait_for_timeout(300)
    labels = seen.page.locator(".leaflet-control-layers-overlays label").all_inner_texts()
    assert [text.strip() for text in labels] == [bad, "Schools"]
    box = seen.page.locator(".folium-map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    seen.page.mouse.click(x + 60, y + 60)
    assert "Square" in seen.text(".leaflet-popup-content")
    seen.page.locator(".leaflet-control-layers-overlays input").first.uncheck()
    assert seen.page.locator(".leaflet-pane canvas").count() == 1
    assert seen.requests == [] and seen.errors == [] and seen.page.evaluate("window.ran") is None

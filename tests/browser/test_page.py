"""What a reader of a saved page sees and can do, in Chromium with the network shut."""

from __future__ import annotations

import re

import pytest
from browser.chromium import AXE
from maps import drawn

from geoplan import maps

SEARCH, CARD = "#geoplan-search", "#geoplan-card"


def assert_quiet(seen):
    assert seen.requests == [] and seen.errors == []
    assert seen.page.evaluate("window.ran") is None


def centre_of_map(page):
    box = page.locator("#map_page").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pixel(page, dx, dy, pane="geoplan-areas"):
    """Colour on a layer's canvas, so many pixels from the centre of the map."""
    return page.evaluate(
        """([dx, dy, pane]) => {
            const canvas = document.querySelector('.leaflet-' + pane + '-pane canvas');
            const map = document.querySelector('#map_page').getBoundingClientRect();
            const at = canvas.getBoundingClientRect(), scale = canvas.width / at.width;
            const x = Math.round((map.left + map.width / 2 + dx - at.left) * scale);
            const y = Math.round((map.top + map.height / 2 + dy - at.top) * scale);
            return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];
        }""",
        [dx, dy, pane],
    )


def test_the_page_opens_without_the_network(show):
    seen = show(drawn.full_book())
    assert_quiet(seen)
    assert seen.page.evaluate("document.documentElement.dataset.geoplan") == "ready"
    assert seen.page.title() == "Élan Academy: who it serves"
    assert "Most pupils live in the north." in seen.text("header")
    assert "Invented data" in seen.text("header") and "OFFICIAL" in seen.text("header")
    assert pixel(seen.page, 60, 60)[3] == 255, "the areas are drawn"


def test_the_policy_stops_a_script_and_a_request_that_are_not_ours(show):
    page = drawn.full_book().to_html()
    planted = page.replace(
        "</body>", "<script>window.ran = 'planted'</script><img src='https://example.org/x.png'></body>"
    )
    seen = show(planted)
    assert seen.page.evaluate("window.ran") is None
    assert seen.requests == [] and len([e for e in seen.errors if "Content Security Policy" in e]) == 2
    blocked = seen.page.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'blocked')")
    assert blocked == "blocked" and seen.requests == []


@pytest.mark.parametrize("name", drawn.hostile())
def test_a_hostile_name_is_text_wherever_it_is_shown(show, name):
    areas, schools = [f"{name} {n}" for n in range(9)], [f"{name} school {n}" for n in range(5)]
    facts = drawn.schools_frame(schools)
    book = maps.MapBook(name, finding=name, notes=(name,), marking=name).add(
        drawn.pupils_layer(areas, title=name, legend=name, note=name, details={name: "all"}),
        drawn.share_layer(),
        maps.outline(drawn.squares(areas), title=name),
        drawn.schools_layer(schools, title=name, details={"900003": [name, drawn.bars_panel(title=name)]}),
        maps.table(name, public=facts, columns={"name": name}, sources=[drawn.DRAWN]),
    )
    seen = show(book)
    page = seen.page
    squeeze = " ".join(name.split())
    assert page.title() == squeeze
    assert page.locator("h1").evaluate("e => e.textContent") == name
    assert page.locator("#geoplan-map-title").evaluate("e => e.textContent") == name
    page.mouse.move(*(v + 60 for v in centre_of_map(page)))
    assert page.locator("#geoplan-hover").evaluate("e => e.textContent").startswith(name)
    page.mouse.click(*(v + 60 for v in centre_of_map(page)))
    assert page.locator(f"{CARD} h3").evaluate("e => e.textContent").startswith(name)
    assert page.locator(f"{CARD} dt").last.evaluate("e => e.textContent") == name
    page.fill(SEARCH, "school 2")
    assert page.locator("#geoplan-options li").first.evaluate("e => e.textContent").startswith(name)
    page.press(SEARCH, "Enter")
    assert page.locator(f"{CARD} h3").evaluate("e => e.textContent") == schools[2]
    assert page.locator(f"{CARD} h4").evaluate("e => e.textContent") == name
    assert page.locator(f"{CARD} > .card > p").last.evaluate("e => e.textContent") == name
    cells = page.locator("[data-table='0'] tbody td:nth-child(2)").evaluate_all("all => all.map(e => e.textContent)")
    assert cells == areas
    assert page.locator("img, b").count() == 0
    assert_quiet(seen)


def test_search_finds_a_school_with_the_keyboard_alone(show):
    seen = show(drawn.full_book())
    page = seen.page
    before = pixel(page, 0, 0, "geoplan-schools")
    page.focus(SEARCH)
    page.keyboard.type("elan")
    assert page.locator("#geoplan-options li").count() == 1, "accents need not be typed"
    assert page.get_attribute(SEARCH, "aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert page.get_attribute(SEARCH, "aria-activedescendant") == "geoplan-option-0"
    page.keyboard.press("Enter")
    assert "Élan Academy" in seen.text(CARD) and "URN 900003" in seen.text(CARD)
    assert "1,200" in seen.text(CARD) and "62%" in seen.text(CARD) and "A sentence." in seen.text(CARD)
    page.wait_for_timeout(500)
    assert pixel(page, 0, 0, "geoplan-schools")[3] == 255 != before[3] or before[3] == 255
    page.fill(SEARCH, "900001")
    page.press(SEARCH, "Enter")
    assert "Oak Infant School" in seen.text(CARD)
    page.fill(SEARCH, "nobody at all")
    assert seen.text("#geoplan-status") == "Nothing found" and page.locator("#geoplan-options").is_hidden()
    assert_quiet(seen)


def test_a_school_without_a_position_is_found_and_says_so(show):
    seen = show(drawn.full_book())
    seen.page.fill(SEARCH, "nowhere")
    seen.page.press(SEARCH, "Enter")
    assert "not on the map" in seen.text(CARD)
    assert "1 of 5 schools has no known position" in seen.text("main")


def test_an_area_is_found_by_name_and_shown(show):
    seen = show(drawn.full_book())
    seen.page.fill(SEARCH, "square b")
    seen.page.press(SEARCH, "Enter")
    assert "Square b" in seen.text(CARD) and "c hidden: a small number" in seen.text(CARD)
    seen.page.fill(SEARCH, "square i")
    seen.page.press(SEARCH, "Enter")
    assert "no data" in seen.text(CARD)


def test_a_tap_on_an_area_shows_its_card(show):
    seen = show(drawn.full_book(), width=390, height=844, has_touch=True)
    page = seen.page
    page.locator("#map_page").scroll_into_view_if_needed()
    x, y = centre_of_map(page)
    page.touchscreen.tap(x + 35, y + 35)
    page.locator(f"{CARD} h3").wait_for()
    assert re.search(r"Square [a-i]\n", seen.text(CARD)) and "Where pupils live" in seen.text(CARD)
    assert_quiet(seen)


def test_both_schools_of_one_site_can_be_chosen(show):
    seen = show(drawn.full_book())
    page = seen.page
    x, y = centre_of_map(page)
    page.mouse.click(x, y)
    assert "2 schools are here" in seen.text(CARD)
    page.locator(f"{CARD} button", has_text="Oak Junior School").click()
    assert "URN 900002" in seen.text(CARD)
    for dx, urn in ((12, "900001"), (-12, "900002")):
        page.mouse.click(x + dx, y)
        assert urn in seen.text(CARD), "they stand beside each other, each with its own mark"


def test_the_map_can_be_read_with_the_keyboard_alone(show):
    seen = show(drawn.full_book())
    page = seen.page
    page.focus("#map_page")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "map_page"
    assert page.locator(".crosshair").is_visible()
    page.keyboard.press("+")
    page.wait_for_timeout(500)
    for _ in range(2):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(500)
    assert seen.text("#geoplan-status").startswith("Square "), "the place at the centre is read out"
    page.keyboard.press("Enter")
    assert seen.text(CARD).startswith("Square ")


def test_every_control_is_reached_by_tab_and_big_enough(show):
    page = show(drawn.full_book()).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.dataset.move || document.activeElement.id || document.activeElement.name"
            )
        )
    assert {
        "in",
        "out",
        "left",
        "right",
        "up",
        "down",
        "whole",
        "map_page",
        "geoplan-search",
        "geoplan-areas",
    } <= reached
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, .choice, input[type=text]')].filter(e => e.offsetParent)
            .map(e => e.getBoundingClientRect()).filter(b => b.width < 24 || b.height < 24).length"""
    )
    assert small == 0


def test_buttons_move_and_zoom_without_dragging(show):
    page = show(drawn.full_book()).page

    def view():
        return page.evaluate("[map_page.getCenter().lat, map_page.getCenter().lng, map_page.getZoom()]")

    page.wait_for_timeout(100)
    home = view()
    for name, changes in (("in", 2), ("right", 1), ("up", 0)):
        before = view()
        page.click(f"[data-move={name}]")
        page.wait_for_timeout(500)
        assert view()[changes] > before[changes], name
    page.click("[data-move=whole]")
    page.wait_for_timeout(700)
    assert view() == pytest.approx(home, abs=1e-3)


def test_another_layer_changes_map_legend_title_and_card(show):
    seen = show(drawn.full_book())
    page = seen.page
    page.mouse.click(*(v + 60 for v in centre_of_map(page)))
    assert "Where pupils live" in seen.text(CARD)
    assert page.locator("[data-legend='0']").is_visible() and page.locator("[data-legend='1']").is_hidden()
    page.locator("input[name=geoplan-areas]").nth(1).check()
    assert page.locator("[data-legend='1']").is_visible() and page.locator("[data-legend='0']").is_hidden()
    assert seen.text("#geoplan-map-title") == "Share of pupils" and "Share of pupils" in seen.text(CARD)
    assert "%" in seen.text("[data-legend='1']")
    assert_quiet(seen)


def test_schools_and_outlines_can_be_put_away(show):
    page = show(drawn.full_book()).page
    for toggle, pane in (("schools-0", "geoplan-schools"), ("outlines-0", "geoplan-outlines")):
        assert page.locator(f".leaflet-{pane}-pane canvas").count() == 1
        page.locator(f"[data-toggle={toggle}]").uncheck()
        assert page.locator(f".leaflet-{pane}-pane canvas").count() == 0
    assert page.locator("[data-key=schools-0]").is_hidden()


def test_hidden_missing_and_least_differ_without_colour(show):
    """Hatched, dotted and plain: seen as texture, in grey as well."""
    page = show(maps.MapBook("T").add(drawn.pupils_layer(breaks=[25, 100]))).page
    side = page.locator("#map_page").bounding_box()["height"] / 3.4
    shades = {}
    for name, dx, dy in (("hidden", 0, side), ("missing", side, -side), ("plain", -side, side)):
        found = {tuple(pixel(page, dx + a, dy + b)) for a in range(-8, 9, 2) for b in range(-8, 9, 2)}
        shades[name] = found
    assert len(shades["plain"]) == 1 and len(shades["hidden"]) >= 2 and len(shades["missing"]) >= 2
    assert (255, 255, 255, 255) in shades["missing"] and (255, 255, 255, 255) not in shades["hidden"]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_its_window(show, width):
    page = show(drawn.full_book(), width=width, height=700).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#map_page").bounding_box()["width"] > 0.6 * min(width, 860)


def test_paper_has_the_map_the_legend_and_the_table_but_no_buttons(show):
    seen = show(drawn.full_book())
    page = seen.page
    page.emulate_media(media="print")
    page.locator("html.printing").wait_for()
    assert page.locator(".tools").is_hidden() and page.locator(".find").is_hidden()
    assert page.locator("[data-legend='0']").is_visible() and page.locator("[data-table='0'] table").is_visible()
    assert page.locator("[data-table='1'] table").is_hidden(), "only the table of the map that is printed"
    assert "Invented data" in seen.text("header")
    width = page.locator("#map_page").bounding_box()["width"]
    assert 170 < width / 96 * 25.4 < 182, "as wide as A4 allows, in millimetres"
    sheet = page.evaluate(
        """() => {
            const sheet = document.querySelector('.sheet');
            const { data } = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
            return data.filter((value, at) => at % 4 === 3 && value > 0).length / (data.length / 4);
        }"""
    )
    assert sheet > 0.3, "all layers are on the printed sheet"
    assert page.evaluate("getComputedStyle(document.querySelector('.swatch')).printColorAdjust") == "exact"
    page.emulate_media(media="screen")
    page.locator("html:not(.printing)").wait_for()
    assert page.locator(".sheet").count() == 0 and page.locator(".tools").is_visible()
    assert_quiet(seen)


def test_a_long_table_is_drawn_page_by_page(show, monkeypatch):
    monkeypatch.setattr("geoplan.maps.render.LONG_TABLE", 5)
    seen = show(drawn.full_book())
    page = seen.page
    rows = page.locator("#geoplan-long-0 tbody tr")
    assert rows.count() == 9 and "Rows 1 to 9 of 9" in seen.text("#geoplan-long-0")
    page.fill("#geoplan-long-0 input", "square c")
    assert rows.count() == 1 and rows.first.locator("td").all_inner_texts() == ["c", "Square c", "10", "1,300"]
    page.fill("#geoplan-long-0 input", "zzz")
    assert "No rows match" in seen.text("#geoplan-long-0")
    assert_quiet(seen)


def test_the_card_the_page_and_the_table_say_the_same(show):
    """Script and template print the same numbers."""
    seen = show(drawn.full_book())
    page = seen.page
    for code in "abcdefgh":
        page.fill(SEARCH, f"square {code}")
        page.press(SEARCH, "Enter")
        card = [text.replace(" hidden: a small number", "") for text in page.locator(f"{CARD} dd").all_inner_texts()]
        row = page.locator("[data-table='0'] tbody tr", has_text=f"Square {code}").locator("td").all_inner_texts()
        assert card == row[2:]
    page.fill(SEARCH, "elan")
    page.press(SEARCH, "Enter")
    both = [
        page.locator(f"{where} table.bars").evaluate("t => [...t.querySelectorAll('th, td')].map(e => e.textContent)")
        for where in (CARD, ".panel")
    ]
    assert both[0] == both[1]


def test_without_javascript_the_numbers_are_there(show):
    seen = show(drawn.full_book(), wait=False, java_script_enabled=False)
    assert "The map needs JavaScript" in seen.text("main")
    assert "Square a" in seen.text("[data-table='0']") and "62%" in seen.text(".panel >> nth=0")
    assert seen.requests == []


def test_an_old_browser_is_told_and_has_the_tables(show, monkeypatch):
    monkeypatch.setattr("geoplan.maps.shapes.PACK_ABOVE", 0)
    seen = show(drawn.full_book(), before="delete window.DecompressionStream")
    assert "too old to draw the map" in seen.text("#geoplan-failed")
    assert "Square a" in seen.text("[data-table='0']") and seen.errors == []


def test_packed_blocks_are_unpacked(show, monkeypatch):
    monkeypatch.setattr("geoplan.maps.shapes.PACK_ABOVE", 0)
    book = drawn.full_book()
    assert 'data-packing="gzip"' in book.to_html()
    seen = show(book)
    assert_quiet(seen)
    assert pixel(seen.page, 60, 60)[3] == 255


@pytest.mark.parametrize("state", ["desktop", "phone", "card", "phone card", "print"])
def test_axe_finds_nothing(show, state):
    seen = show(drawn.full_book(), width=390 if "phone" in state else 1280, bypass_csp=True)
    page = seen.page
    if "card" in state:
        page.fill(SEARCH, "e")
        page.press(SEARCH, "ArrowDown")
        page.fill(SEARCH, "elan")
        page.press(SEARCH, "Enter")
    if state == "print":
        page.emulate_media(media="print")
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == []
    assert seen.requests == []


CUT_WORDS = """() => {
    const cut = [], range = document.createRange();
    for (const cell of document.querySelectorAll('th, td')) {
        const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        for (let text = walk.nextNode(); text; text = walk.nextNode()) {
            for (const word of text.data.matchAll(/\\S+/g)) {
                range.setStart(text, word.index);
                range.setEnd(text, word.index + word[0].length);
                const tops = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
                if (tops.size > 1 && !cell.closest('thead')?.closest('.bars')) cut.push(word[0]);
            }
        }
    }
    return cut;
}"""
LYING_ON_ANOTHER = """() => [...document.querySelectorAll('.panel tr')].flatMap(row => {
    const boxes = [...row.cells].filter(cell => !cell.closest('.bars thead')).map(cell => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return range.getBoundingClientRect();
    });
    return boxes.filter((a, i) => boxes.some((b, j) => j > i && a.left < b.right - 1 && b.left < a.right - 1
        && a.top < b.bottom - 1 && b.top < a.bottom - 1)).map(() => row.textContent);
})"""


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_word_or_number_is_cut_and_none_lies_on_another(show, width):
    facts = drawn.schools_frame(["Fernhythe Primary School of Saint Bartholomew", *"2345"])
    columns = {"name": "School", "places": ("Kilometres from here", ""), "phase": "Phase", "easting": "Difference"}
    book = drawn.full_book().add(
        *drawn.profile_panels(835.0),
        maps.table("Alike", public=facts, columns=columns, index="URN", sources=[drawn.DRAWN]),
    )
    page = show(book, width=width, height=800).page
    page.fill(SEARCH, "elan")
    page.press(SEARCH, "Enter")
    assert page.evaluate(CUT_WORDS) == []
    assert page.evaluate(LYING_ON_ANOTHER) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """() => [...document.querySelectorAll('table')].filter(table => table.offsetParent && !table.closest('.bars')
            && table.getBoundingClientRect().right > innerWidth
            && !table.closest('[tabindex="0"][role=region]')).length"""
    )
    assert outside == 0, "a wide table scrolls in a region that the keyboard reaches"
    ranges = page.locator(".panel .range:visible").all_inner_texts()
    assert "29 to 36%" in ranges and "under 1%" in ranges


def test_on_a_phone_the_card_is_under_the_map_and_comes_into_view(show):
    seen = show(drawn.full_book(), width=390, height=700, reduced_motion="reduce")
    page = seen.page
    page.locator("#map_page").evaluate("map => scrollTo(0, map.getBoundingClientRect().top - 150)")
    page.mouse.click(*(v + 60 for v in centre_of_map(page)))
    assert "Square" in seen.text(CARD) and page.get_attribute(CARD, "aria-live") == "polite"
    card, tools = page.locator(CARD).bounding_box(), page.locator(".tools").bounding_box()
    credits, find = page.locator(".credits").bounding_box(), page.locator(".find").bounding_box()
    assert 0 <= card["y"] - (tools["y"] + tools["height"]) < 30, "directly under the map and its buttons"
    assert card["y"] + card["height"] <= credits["y"] < find["y"]
    assert card["y"] > 0 and card["y"] + card["height"] <= 700, "all of it is in view"
    page.fill(SEARCH, "elan")
    page.press(SEARCH, "Enter")
    assert 150 < page.locator(CARD).bounding_box()["y"] < 300, "a long one from its top, with some of the map above"
    assert_quiet(seen)


def test_on_a_wide_screen_nothing_moves_when_a_place_is_chosen(show):
    page = show(drawn.full_book()).page
    before = page.evaluate("scrollY")
    page.mouse.click(*(v + 60 for v in centre_of_map(page)))
    assert page.evaluate("scrollY") == before

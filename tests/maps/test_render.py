"""The page as text: self-contained, the same every time, with nothing in it that was not named."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from maps import drawn, pages

from geoplan import maps
from geoplan.disclosure import Protected, protect
from geoplan.maps import shapes
from geoplan.maps.render import ASSETS
from geoplan.sources import Source

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return drawn.full_book().to_html()


def test_nothing_is_loaded_from_elsewhere(page):
    loading = [
        (tag, name, value)
        for tag, name, value in pages.Reader(page).attributes
        if name in ("src", "href", "srcset", "action", "data", "poster") and not value.startswith(("#", "data:"))
    ]
    assert loading == []
    assert "sourceMappingURL" not in page and "@import" not in page


def test_the_policy_names_every_script_and_style_by_hash(page):
    policy = pages.policy_of(page)
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in str(policy) and policy["img-src"] == "data:"
    running = [text for kind, text in pages.Reader(page).scripts if "type" not in kind]
    assert len(running) == 3
    for text in running:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy["script-src"]


def test_tiles_only_when_asked_and_then_named():
    asked = maps.MapBook("T", basemap="osm").add(drawn.pupils_layer()).to_html()
    assert pages.policy_of(asked)["img-src"] == "data: https://tile.openstreetmap.org"
    assert "This page asks tile.openstreetmap.org" in asked
    assert "tile.openstreetmap.org" not in maps.MapBook("T").add(drawn.pupils_layer()).to_html()
    with pytest.raises(ValueError, match="osm"):
        maps.MapBook("T", basemap="google")


@pytest.mark.parametrize("value", drawn.PLANTED.values())
def test_planted_columns_are_nowhere_in_any_encoding(page, value):
    said = pages.everything(page)
    assert value not in said and "Élan Academy" in said
    for coded in (base64.b64encode(value.encode()).decode()[:-3], value.encode().hex()):
        assert coded not in said


def test_hidden_counts_leave_no_trace():
    """The page of 4 pupils is byte for byte the page of 7: what is hidden decides nothing."""

    def page_of(hidden: int) -> str:
        counts = pd.DataFrame({"pupils": [40, hidden, 60]}, index=list("abc"))
        layer = maps.areas(
            drawn.squares(), protect(counts, counts=["pupils"]), value="pupils", title="T", sources=[drawn.INVENTED]
        )
        return maps.MapBook("T").add(layer).to_html()

    assert page_of(4) == page_of(7)


def test_layers_over_the_same_shapes_share_one_block(page):
    ids = list(pages.data_blocks(page))
    assert len([name for name in ids if name.startswith("geoplan-shapes")]) == 2, "areas, and outlines with names"
    assert len([name for name in ids if name.startswith("geoplan-layer")]) == 2


def test_the_table_is_on_the_page_with_hidden_and_missing(page):
    said = pages.Reader(page).texts
    for text in ("c", "no data", "1,300", "Square b", "Sources and licences", "Squares drawn for the tests"):
        assert text in said or any(text in part for part in said), text
    assert any("counts from 1 to 9 are hidden" in part for part in said)
    assert any("Invented data" in part for part in said)


def test_real_data_has_no_banner():
    table = Protected(pd.DataFrame({"n": [10.0]}, index=["a"]), pd.DataFrame(index=["a"]))
    layer = maps.areas(drawn.squares(), table, value="n", title="T", sources=[drawn.DRAWN, drawn.DRAWN])
    assert "Invented data" not in maps.MapBook("T").add(layer).to_html()


@pytest.mark.parametrize("name", drawn.hostile())
def test_a_hostile_name_stays_inside_its_block(name):
    page = drawn.full_book(title=name, names=[name]).to_html()
    reader = pages.Reader(page)
    assert not [a for a in reader.attributes if a[1].startswith("on")], "no event handlers"
    assert len([kind for kind, _ in reader.scripts if "type" not in kind]) == 3, "no further script"
    block = next(b for key, b in pages.data_blocks(page).items() if key.startswith("geoplan-shapes"))
    assert block["names"][0] == name
    assert name in "".join(reader.texts)


def test_two_processes_with_other_hash_seeds_write_the_same_bytes():
    code = "import sys; from maps import drawn; sys.stdout.buffer.write(drawn.full_book().to_html().encode())"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        ).stdout
        for seed in ("1", "4242")
    ]  # fmt: skip
    assert runs[0] == runs[1] and len(runs[0]) > 100_000


def test_importing_maps_stays_light():
    code = (
        "import sys, geoplan.maps; print([m for m in ('folium', 'geopandas', 'shapely', 'jinja2') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env).stdout.strip() == "[]"


def test_saving_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path):
    target = tmp_path / "book.html"
    target.write_text("old")
    assert drawn.full_book().save(target) == target
    assert target.read_text(encoding="utf-8") == drawn.full_book().to_html()
    assert [path.name for path in tmp_path.iterdir()] == ["book.html"]


def test_a_notebook_frame_holds_the_page_as_text():
    framed = drawn.full_book(title='"><script>alert(1)</script>')._repr_html_()
    assert framed.count("<") == 2 and 'sandbox="allow-scripts"' in framed


OUR_OWN = (
    "page.html", "clusters.html", "geoplan.js", "geoplan.css", "forecast.html", "forecast.js", "forecast.css",
    "design.html", "opening.html", "assets.json",
)  # fmt: skip


@pytest.mark.parametrize("folder", [ASSETS, Path(__file__).parents[1] / "browser" / "assets"], ids=["page", "tests"])
def test_vendored_files_are_those_of_the_manifest(folder):
    manifest = json.loads((folder / "assets.json").read_text())
    listed = {name: digest for asset in manifest["assets"] for name, digest in asset["files"].items()}
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in OUR_OWN
    }
    assert found == listed
    assert all(asset["licence"] and asset["version"] and asset["from"] for asset in manifest["assets"])


def test_folium_own_lists_are_left_alone():
    import folium

    before = list(folium.Map.default_js), list(folium.Map.default_css)
    drawn.full_book().to_html()
    assert (folium.Map.default_js, folium.Map.default_css) == before and before[0]


@pytest.mark.parametrize("name", drawn.hostile())
def test_on_a_folium_map_of_ones_own_names_stay_data(name):
    import folium

    own = folium.Map(tiles=None)
    maps.folium_layer(drawn.pupils_layer(names=[name, *"bcdefghi"], title=name)).add_to(own)
    maps.folium_layer(drawn.schools_layer(names=[name, *"2345"])).add_to(own)
    folium.LayerControl().add_to(own)
    page = own.get_root().render()
    reader = pages.Reader(page)
    assert not [a for a in reader.attributes if a[1].startswith("on")]
    blocks = pages.data_blocks(page)
    assert {"names"} & set(next(b for key, b in blocks.items() if key.startswith("geoplan-shapes")))
    assert next(b for key, b in blocks.items() if key.startswith("geoplan-shapes"))["names"][0] == name
    code = "".join(text for kind, text in reader.scripts if "type" not in kind)
    assert "window.ran" not in code.replace("`", "").replace("&lt;", "") or name not in code
    assert "49" not in [part.strip() for part in reader.texts], "a name is not run as a template"


def test_shapes_come_back_from_their_block_within_the_tolerance():
    layer = drawn.squares()
    block = shapes.shapes_block(layer.frame)
    x = block["origin"][0] + block["step"] * np.cumsum(block["dx"])
    y = block["origin"][1] + block["step"] * np.cumsum(block["dy"])
    want = np.array(shapes.to_web(*np.array(layer.frame.geometry.iloc[0].exterior.coords).T)).T
    got = np.column_stack([x, y])[: block["lengths"][0]]
    assert max(np.abs(got[:, None] - want[None]).sum(axis=2).min(axis=1)) < 2 * block["step"]
    assert block["rings"] == [1] * 9


def test_neighbours_keep_their_common_edge():
    """Simplified and gridded, two squares still have the same corners: no gaps, no overlaps."""
    block = shapes.shapes_block(drawn.squares().frame)
    grid = np.column_stack([np.cumsum(block["dx"]), np.cumsum(block["dy"])])
    assert len(np.unique(grid, axis=0)) == 16, "four by four corners and no more"


@pytest.mark.parametrize("lines", [False, True])
def test_lines_and_holes_can_be_drawn(lines):
    import shapely

    from geoplan.areas import Boundaries

    place = shapely.Point(576_000, 166_000).buffer(900, quad_segs=2)
    place = place.difference(shapely.Point(576_000, 166_000).buffer(300, quad_segs=2))
    frame = drawn.squares().frame.iloc[:1].set_geometry([place.exterior if lines else place])
    block = shapes.shapes_block(Boundaries("roads", frame.set_crs(27700), drawn.DRAWN).frame)
    assert block["rings"] == [1 if lines else 2]


@pytest.mark.real
def test_the_page_of_kent_and_medway_is_small():
    import geopandas as gpd

    from geoplan.areas import Boundaries

    path = ROOT.parent / "shared" / "data" / "kent_medway" / "boundaries.gpkg"
    if not path.exists():
        pytest.skip("the Kent and Medway outlines are not beside this checkout")
    frame = gpd.read_file(path, layer="lsoa11").rename(columns={"LSOA11CD": "code", "LSOA11NM": "name"})
    frame = frame.set_index("code").sort_index()[["name", "geometry"]]
    people = pd.DataFrame({"pupils": np.arange(len(frame)) % 400, "all": 500}, index=frame.index)
    layer = maps.areas(
        Boundaries("lsoa11", frame, drawn.DRAWN), protect(people, counts=["pupils", "all"]), value="pupils",
        title="Pupils", details={"All pupils": "all"}, sources=[drawn.INVENTED],
    )  # fmt: skip
    page = maps.MapBook("Kent and Medway").add(layer, drawn.schools_layer()).to_html()
    assert len(frame) == 1_065 and len(page.encode()) < 800_000


def test_a_folder_that_is_not_there_is_named_as_the_user_gave_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder; make it first: 'out'") as raised:
        drawn.full_book().save(Path("out") / "book.html")
    assert raised.value.filename == "out" and list(tmp_path.iterdir()) == []


def test_a_page_is_on_the_disk_before_it_replaces_the_old_one(tmp_path, monkeypatch):
    done, replace = [], Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("synced"))
    monkeypatch.setattr(Path, "replace", lambda self, other: (done.append("replaced"), replace(self, other)))
    drawn.full_book().save(tmp_path / "book.html")
    assert done == ["synced", "replaced"]


def test_a_sentence_of_several_credits_is_under_the_map_once_and_in_the_list_each_time():
    os_data = "Contains OS data \u00a9 Crown copyright and database right 2025."
    sources = [Source(f"File {n}", attribution=f"Drawn by {n}. {os_data}") for n in range(3)]
    page = maps.MapBook("T").add(drawn.pupils_layer(sources=sources)).to_html()
    under, listed = page.split("<footer>")
    assert under.count(os_data) == 1 and listed.count(os_data) == 3
    assert all(f"Drawn by {n}." in under for n in range(3))

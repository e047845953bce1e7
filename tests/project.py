"""The three by three borough as a project folder that commands read: three schools, pupils by school and segment."""

from __future__ import annotations

from pathlib import Path

from conftest import CODES, LETTERS, make_boundaries, postcode, square

HOMES = {"Terraces": "A1", "Harbour": "D1", "Villages": "G1"}
COUNTS = {
    "900001": {"Terraces": 60, "Harbour": 3, "Villages": 62},
    "900002": {"Terraces": 60, "Harbour": 6, "Villages": 58},
    "900003": {"Terraces": 40, "Harbour": 45, "Villages": 35},
}
BOARD = """
[rules]
title = "Free meals"
[[indicator]]
name = "fsm"
title = "Free school meals"
category = "Need"
measure = "fsm_percent"
worse = "higher"
amber = ">= 20"
red = ">= 40"
numbers = "of pupils"
source = "our register"
"""  # an office's own rules, judged of its pupils file


def write_project(folder: Path, counts=COUNTS, about: str = "", rules: str = "") -> Path:
    """A project folder; ``about`` and ``rules`` are lines of the project file."""
    folder.mkdir(exist_ok=True)
    rows = ["pupil_id,postcode,school,year_group"]
    for school, parts in counts.items():
        for segment, count in parts.items():
            rows += [f"P{len(rows) + i},{postcode(HOMES[segment])},{school},3" for i in range(count)]
    (folder / "pupils.csv").write_text("\n".join(rows) + "\n")
    schools = "".join(f"{code},School {code},Primary,{580_500 + 1000 * i},160500\n" for i, code in enumerate(COUNTS))
    (folder / "schools.csv").write_text("urn,name,phase,easting,northing\n" + schools)
    places = [f"{postcode(f'{letter}{n}')},{square(letter)[0] + 300 * n},{square(letter)[1] + 300 * n}"
              for letter in LETTERS for n in (1, 2, 3)]  # fmt: skip
    (folder / "postcodes.csv").write_text("\n".join(["postcode,easting,northing", *places]) + "\n")
    (folder / "segments.csv").write_text(
        "lsoa21,segment\n" + "".join(f"{code},{i // 3 + 1}\n" for i, code in enumerate(CODES.values()))
    )
    if not (folder / "areas.gpkg").exists():
        make_boundaries().frame.reset_index().to_file(folder / "areas.gpkg", engine="pyogrio")
    (folder / "geoplan.toml").write_text(
        f'[project]\nname = "The borough"\ninvented = true\n{about}\n[files]\npupils = "pupils.csv"\n'
        'schools = "schools.csv"\npostcodes = "postcodes.csv"\nsegments = "segments.csv"\n'
        '[areas]\nlsoa21 = { file = "areas.gpkg", code = "lsoa21", name = "name" }\n'
        f'[segmentation]\nscheme = "Borough"\nversion = "2026"\nkeyed_by = "lsoa21"\n[rules]\n{rules}\n'
    )
    return folder / "geoplan.toml"

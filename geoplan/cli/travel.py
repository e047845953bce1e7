"""``geoplan travel``: how far it is to school, the nearest schools of an area, who is over a limit of free travel."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    recording,
    shown,
    steps,
)
from geoplan.cli.reach import rows
from geoplan.cli.ways import (
    LayerOption,
    MatrixOption,
    NetworkOption,
    PieceOption,
    PointsOption,
    RoundOption,
    WalkedOption,
    ways_of,
)

OF_SCHOOLS = "schools"


def command(
    screen: Annotated[bool, typer.Option("--screen", help="Judge the limits of free travel.")] = False,
    nearest: Annotated[
        int,
        typer.Option(
            "--nearest", min=0, help="Instead: the nearest so many schools of each area; -o writes .csv only."
        ),
    ] = 0,
    by: Annotated[
        str, typer.Option("--by", help="With --nearest: the kind of area to list, as in the directory (lsoa11).")
    ] = "",
    phase: Annotated[str, typer.Option(help="Only schools of this phase.")] = "",
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The law of this day; today's.")] = None,
    roads: Annotated[
        Path | None, typer.Option("--roads", help="Metres by road (a matrix), for the limits of 6 and 15 miles.")
    ] = None,
    religion: Annotated[
        str,
        typer.Option(
            "--religion",
            help="With --screen: judge the limit of 2 to 15 miles for a school preferred on grounds of religion or "
            "belief too. It touches children of low income aged 11 to 16 only. The header of the pupils' column that "
            "says who (yes, no), or: schools, to take everybody at a school with a religious character.",
        ),
    ] = "",
    network: NetworkOption = None,
    layer: LayerOption = "",
    main_piece: PieceOption = False,
    matrix: MatrixOption = None,
    walked: WalkedOption = False,
    round_to_m: RoundOption = 0.0,
    school_point: PointsOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """How far pupils go to school, by straight line, your own matrix, or on foot along a network.

    By itself: pupils by distance to the school attended and to the nearest suitable one. With --screen: who is over a
    limit of free travel; a straight line over it is certain, one under it needs a route, a network gives the answer.
    With --nearest: the nearest schools of every area, which is public; -o then writes a .csv.

    Example: geoplan travel --screen -o free_travel.html

    Example: geoplan travel --screen --religion schools --roads roads.csv -o free_travel.html

    Example: geoplan travel --nearest 3 --by lsoa11 -o nearest.csv
    """
    if religion and not screen:
        raise typer.BadParameter("it is a limit of free travel: say --screen too", param_hint="--religion")
    if nearest and screen:
        raise typer.BadParameter("give --screen or --nearest, not both", param_hint="--nearest")
    if out is not None:
        by_ending(out, *((".csv",) if nearest else (".html", ".xlsx", ".csv")))
    from geoplan.io.project import read_project

    folder = read_project(project)
    check_targets([out], inputs=[*project_inputs(folder), network, matrix, roads])
    how = {
        "network": network, "layer": layer, "main_piece": main_piece, "matrix": matrix, "walked": walked,
        "round_to_m": round_to_m, "school_point": school_point,
    }  # fmt: skip
    if nearest:
        _nearest(folder, nearest, by, phase, how, out, as_json)
        return
    people, register, _ = load_people(folder, keep=[] if religion in ("", OF_SCHOOLS) else [religion])
    schools = _of_phase(register.frame, phase)
    with (
        steps("measuring ways", "judging", "protecting the numbers", "writing") as step,
        recording(folder.folder, folder.rule(), writes=out is not None) as numbers,
    ):
        next(step)
        pupils = people.people
        pupils = pupils[pupils["school"].astype("str").isin(schools.index)] if phase else pupils
        travel, at = ways_of(pupils, schools, **how)
        next(step)
        work = _screened if screen else _distances
        table, title, said, notes, numbers, columns, book = work(
            numbers, pupils, at, travel, schools, day, roads, people, folder, religion
        )
        next(step)
        next(step)
        if out is not None and out.suffix == ".html":
            from geoplan.access_books import law_table

            numbers.write_page(out, book(), [law_table()] if screen else [])
        elif out is not None:
            from geoplan.cli.access import _write_one

            sources = (*people.sources, *([travel.source] if travel.source is not None else []))
            _write_one(numbers, out, table, title, said, sources)
    if as_json:
        answer = {"finding": said, "rule": table.rule.tag, "by": travel.by, "unit": travel.unit, "pupils": rows(table)}
        typer.echo(json.dumps(answer | {"notes": list(notes)}, indent=2))
    else:
        typer.echo(said)
        cells = table.table[[]].copy()
        cells.insert(0, "row", list(table.table.index))
        for name in columns:
            cells[name] = shown(table.table[name], table.is_hidden(name), "{:,.0f}")
        print_table(cells, [title, *columns])
        for note in notes:
            typer.echo(note)
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


# --- the parts ------------------------------------------------------------------------------------------


def _of_phase(frame, phase: str):
    if not phase:
        return frame
    found = frame[frame["phase"].astype("str").eq(phase)] if "phase" in frame else frame.iloc[:0]
    if not len(found):
        raise typer.BadParameter(f"no school of phase {phase!r}", param_hint="--phase")
    return found


def _chosen(pupils, schools, people, religion: str):
    """Who chose the school for religion or belief, how that is known, and whether it is known for all."""
    import numpy as np

    from geoplan.columns import RELIGION, check
    from geoplan.errors import InputRefused, Problem
    from geoplan.travel import religious_character

    if religion == OF_SCHOOLS:
        if "faith" not in schools:
            what = "the schools file has no column of religious character; name the pupils' column that says who"
            raise typer.BadParameter(what, param_hint="--religion")
        of_faith = schools.index[religious_character(schools) != ""]
        chosen = pupils["school"].astype("str").isin(of_faith.astype("str")).to_numpy()
        return chosen, "taken to be everybody at a school with a religious character"
    checked = check(pupils[[religion]].set_axis(["religion"], axis=1).astype("str").reset_index(drop=True), RELIGION)
    if len(checked.findings):
        rows = pupils["record"].to_numpy()[checked.findings["row"].to_numpy()]
        raise InputRefused(
            people.sources[0].file,
            [Problem(people.sources[0].file, "value_unknown", "neither yes nor no", "write yes, no, or leave it empty",
                     int(rows.min()), religion, more=len(rows) - 1)],
        )  # fmt: skip
    return np.asarray(checked.values["religion"] == "yes"), f"as the column {religion!r} of the pupils file says"


def _screened(numbers, pupils, at, travel, schools, day, roads, people, folder, religion):
    from datetime import UTC

    import pandas as pd

    from geoplan.access_books import entitlement_book, entitlement_finding
    from geoplan.access_tables import entitlement_marks, entitlement_population, protect_entitlement
    from geoplan.transport_rules import LOW_INCOME, NOT_BY_DISTANCE
    from geoplan.travel import (
        METRES,
        NOT_OF_AGE,
        by_matrix,
        entitlement,
        not_judged,
        same_character,
        sex_of,
        suitable,
    )

    if travel.unit != METRES:
        raise typer.BadParameter("the limits are distances; this matrix has minutes", param_hint="--matrix")
    when = (day or datetime.now(UTC)).date()
    frame = schools.loc[list(travel.schools)]
    years = pupils.get("year_group", pd.Series("", pupils.index)).astype("str")
    can = suitable(frame, years, sex=sex_of(pupils))
    chosen = {}
    if religion:
        who, how = _chosen(pupils, schools, people, religion)
        chosen = {"religion": who, "religion_words": how}
        chosen |= {"of_religion": same_character(frame, pupils["school"])} if "faith" in frame else {}
    by_road = None
    if roads is not None:
        from geoplan.io.travel import read_travel

        given, unit, kind, source = read_travel(roads)
        if unit != METRES or kind != "postcode":
            raise typer.BadParameter("metres by road from postcodes are needed", param_hint="--roads")
        first = pd.Series(pupils["postcode"].astype("str").str.replace(" ", "").to_numpy()[at >= 0], at[at >= 0])
        codes = first[~first.index.duplicated()].reindex(range(len(travel.places)))
        by_road = by_matrix(given, pd.Index(codes), travel.schools, unit, source)
    found = entitlement(pupils, at, travel, can, when, roads=by_road, **chosen)
    numbers = numbers.with_marks(entitlement_marks(found, people.noun, folder.as_at))
    known = {"noun": people.noun, "earlier": numbers.earlier()[0]}
    table = protect_entitlement(found, numbers.rule, data=folder.as_at, **known)
    table, told = _sex_told(
        table, frame, pupils, not_judged(frame, years, sex_of(pupils)),
        (found.pupils["status"] != NOT_OF_AGE).to_numpy(), entitlement_population(found, people.noun, folder.as_at),
        known, numbers.rule,
    )  # fmt: skip
    said = (*found.notes, *told)
    notes = (*said, NOT_BY_DISTANCE, LOW_INCOME)
    sources = (*people.sources, *([travel.source] if travel.source is not None else []))

    def book():
        return entitlement_book(table, sources, said, when.isoformat())

    columns = list(table.table.columns)
    return table, "limits of free travel", entitlement_finding(table), notes, numbers, columns, book


def _sex_told(table, schools, pupils, unsure, kept, population: str, known: dict, rule):
    """How single-sex schools were judged, in sentences, and the table with what they print."""
    from dataclasses import replace

    import pandas as pd

    from geoplan.access_tables import single_sex_words
    from geoplan.travel import sex_note, sex_of

    note = sex_note(schools, sex_of(pupils))
    if not note:
        return table, ()
    beside = {**known, "earlier": [*known["earlier"], *table.printed]}
    told, printed = single_sex_words(
        pd.Series(unsure, pupils.index)[kept], population, rule, how="who attend one", **beside
    )
    return replace(table, printed=(*table.printed, *printed)), (note, *told)


def _distances(numbers, pupils, at, travel, schools, day, roads, people, folder, religion):
    import numpy as np
    import pandas as pd

    from geoplan.access_books import distances_book, distances_finding
    from geoplan.access_tables import distance_marks, distance_population, protect_distances
    from geoplan.travel import not_judged, sex_of, to_school

    found = to_school(pupils, at, travel, schools)
    numbers = numbers.with_marks(distance_marks(found, travel, people.noun, folder.as_at))
    known = {"noun": people.noun, "earlier": numbers.earlier()[0]}
    table = protect_distances(found, travel, numbers.rule, data=folder.as_at, **known)
    frame = schools.loc[list(travel.schools)]
    years = pupils.get("year_group", pd.Series("unknown", pupils.index)).astype("str")
    table, told = _sex_told(
        table, frame, pupils, not_judged(frame, years, sex_of(pupils)), np.ones(len(pupils), dtype=bool),
        distance_population(travel, people.noun, folder.as_at), known, numbers.rule,
    )  # fmt: skip
    notes = (*travel.notes, *told)
    sources = (*people.sources, *([travel.source] if travel.source is not None else []))

    def book():
        return distances_book(table, sources, notes)

    return table, "way to school", distances_finding(table), notes, numbers, list(table.table.columns), book


def _nearest(folder, count: int, by: str, phase: str, how: dict, out: Path | None, as_json: bool) -> None:
    """The nearest schools of every area, from the mean point of its postcodes; nobody is counted."""
    import pandas as pd

    from geoplan.io.outputs import csv_bytes, write_bytes
    from geoplan.travel import nearest, suitable

    schools = _of_phase(folder.schools().frame, phase)
    directory = folder.postcodes()
    kinds = [kind for kind in directory.kinds if kind in directory.table]
    kind = by or next((kind for kind in folder.settings.areas if kind in kinds), kinds[0])
    if kind not in kinds:
        raise typer.BadParameter(f"{kind}: the postcode directory has {', '.join(kinds)}", param_hint="--by")
    points = directory.table.dropna(subset=["easting", "northing", kind])
    places = points.groupby(points[kind].astype("str"))[["easting", "northing"]].mean()
    if how["matrix"] is None:
        travel, _ = ways_of(places, schools, **how)
        places_at = pd.Index(places.index)
        order = _row_of(places)
        values = travel.values[order]
        from dataclasses import replace

        least = None if travel.at_least_m is None else travel.at_least_m[order]
        travel = replace(travel, values=values, places=places_at, at_least_m=least)
    else:
        travel, _ = ways_of(places.assign(**{kind: places.index.astype("category")}), schools, **how)
    can = suitable(schools.loc[list(travel.schools)], pd.Series("unknown", range(len(travel.places))))
    found = nearest(travel, count, can)
    unit = "metres" if travel.unit == "m" else "minutes"
    found["name"] = schools["name"].reindex(found["school"]).to_numpy()
    table = found.rename(columns={"place": kind, "value": unit}).round({unit: 0 if unit == "metres" else 1})
    table = table[[kind, "rank", "school", "name", unit]]
    if out is not None:
        write_bytes(out, csv_bytes(table))
    if as_json:
        typer.echo(
            json.dumps({"by": travel.by, "notes": list(travel.notes), "areas": table.to_dict("records")}, indent=2)
        )
    elif out is None:
        print_table(
            table.astype({"rank": "str"}).assign(**{unit: table[unit].map("{:,.0f}".format)}), list(table.columns)
        )
    else:
        typer.echo(f"{len(table):,} rows: the nearest {count} schools of {len(places):,} areas")
    for note in ("Areas are taken at the mean point of their postcodes.", *travel.notes):
        typer.echo(note, err=as_json or out is None)
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


def _row_of(places):
    """The row that each place has among the different points."""
    from geoplan.travel import points_of

    return points_of(places)[1]


command.__name__ = "travel"

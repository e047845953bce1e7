"""``geoplan housing``: homes to come, the pupils they bring, and the specification of the school they need."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    InternalOption,
    JsonOption,
    OutOption,
    by_ending,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    recording,
    ruled,
    steps,
)
from geoplan.cli.ways import in_unit


def command(
    homes: Annotated[Path, typer.Argument(help="Homes: site, year, completions, and tenure, type, bedrooms, status.")],
    yields: Annotated[Path, typer.Option("--yields", help="Your pupils for a home: phase, pupils, and kinds of home.")],
    school: Annotated[str, typer.Option("--new-school", help="Write the specification of a school on this site.")] = "",
    phase: Annotated[str, typer.Option(help="Of the new school: primary or secondary.")] = "primary",
    places: Annotated[int, typer.Option(min=1, help="Places of the new school.")] = 420,
    opens: Annotated[int, typer.Option("--opens", help="September it should open; when places run out if 0.")] = 0,
    spare: Annotated[
        int, typer.Option("--spare", help="Places free near the site; counted within --within if below 0.")
    ] = -1,
    forecast: Annotated[
        Path | None,
        typer.Option(
            "--forecast", help="What geoplan forecast wrote (.csv): places are free if so in every year of it."
        ),
    ] = None,
    within: Annotated[str, typer.Option("--within", help="Schools near the site.")] = "2 miles",
    ready: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First day to consult on; if not given, today, or the September by which need has to be identified.",
        ),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Kind of area that the catchment is drawn of.")] = "",
    late: Annotated[int, typer.Option(min=0, help="Years late, at the low end.")] = 1,
    for_forecast: Annotated[
        Path | None,
        typer.Option("--for-forecast", help="Also write the pupils by school, for geoplan forecast --extra (.csv)."),
    ] = None,
    plans: Annotated[
        list[str] | None,
        typer.Option("--plan", help="For --for-forecast: catchments in force, by name; one for each phase."),
    ] = None,
    project: Annotated[Path, typer.Option("--project", "-p", help="The project file; needed for --new-school.")] = Path(
        "geoplan.toml"
    ),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Pupils from new homes by year, with a range; with --new-school the specification sheet.

    With -o write the sheet (.html or .txt), or the pupils by site, phase and year (.csv, .xlsx).

    Example: geoplan housing homes.csv --yields yields.csv --new-school NORTH --places 420 -o specification.html
    """
    from geoplan.housing import by_phase, expected_pupils, year_words
    from geoplan.io.housing import read_housing, read_yields

    if out is not None:
        by_ending(out, ".html", ".txt", ".csv", ".xlsx")
        if out.suffix in (".html", ".txt") and not school:
            raise typer.BadParameter("name the site of the school: --new-school", param_hint="--out")
    if for_forecast is not None:
        by_ending(for_forecast, ".csv")
        if not plans:
            raise typer.BadParameter("say whose catchments the sites lie in: --plan today", param_hint="--for-forecast")
    if internal and not (school and (out is None or out.suffix == ".html")):
        raise typer.BadParameter(
            "only the page of a new school (.html, with --new-school) counts pupils", param_hint="--internal"
        )
    if internal and out is not None:
        from geoplan.io.internal import internal_path

        out = internal_path(out)
    check_targets([out, for_forecast], inputs=[homes, yields, forecast])
    trajectory, rates = _credited(project, read_housing(homes), read_yields(yields))
    expected = expected_pupils(trajectory, rates, late_years=late)
    table = by_phase(expected)
    notes = [
        *trajectory.notes,
        f"Yields are those of {rates.source.file or rates.source.title}; the low end takes homes {late} "
        f"year{'s' * (late != 1)} late.",
    ]
    if out is not None and out.suffix in (".csv", ".xlsx"):
        _write(out, expected, notes, (trajectory.source, rates.source))
    if for_forecast is not None:
        notes += _write_for_forecast(for_forecast, project, plans or [], trajectory, expected)
    if school:
        spec, out = _specify(
            trajectory, rates, expected, school, phase, places, opens, spare, forecast, within, ready, by, project,
            out, notes, internal, (homes, yields),
        )  # fmt: skip
        if as_json:
            typer.echo(json.dumps(_as_json(table, notes) | {"specification": spec.text.splitlines()}, indent=2))
        else:
            typer.echo(spec.text)
    elif as_json:
        typer.echo(json.dumps(_as_json(table, notes), indent=2))
    else:
        cells = table.round().map("{:,.0f}".format).reset_index()
        cells["year"] = cells["year"].map(year_words)
        print_table(cells, ["phase", "year", "homes", "low", "pupils", "high"])
        for note in notes:
            typer.echo(note)
    for path in (out, for_forecast):
        if path is not None:
            typer.echo(f"wrote {path}", err=True)


def _credited(project: Path, trajectory, rates):
    """Homes and yields with the credit of the project, if there is one: invented where that is."""
    from dataclasses import replace

    from geoplan.io.forecast_inputs import own_source
    from geoplan.io.project import read_project

    if not project.exists():
        return trajectory, rates
    folder = read_project(project)
    return (
        replace(trajectory, source=own_source(folder, trajectory.source, "Homes to come")),
        replace(rates, source=own_source(folder, rates.source, "Pupils for each home")),
    )


def _write_for_forecast(path: Path, project: Path, plans: list[str], trajectory, expected) -> list[str]:
    """Pupils by school, year and year group, for a forecast; what is not in it, in sentences."""
    import pandas as pd

    from geoplan.errors import UnknownCodeError
    from geoplan.housing import pupils_by_school
    from geoplan.io.outputs import csv_bytes, write_bytes
    from geoplan.io.project import read_project
    from geoplan.travel import YEARS, years_taught

    folder = read_project(project)
    check_targets([path], inputs=project_inputs(folder))
    sites = trajectory.sites
    lacking = [site for site in sites.index if not {"easting", "northing"} <= set(sites)
               or sites.loc[site, ["easting", "northing"]].isna().any()]  # fmt: skip
    if lacking:
        raise UnknownCodeError(
            f"site {lacking[0]} has no easting and northing ({len(lacking):,} in all): fill them, so that its "
            "catchment can be found"
        )
    schools = folder.schools()
    schools_of: dict[str, list[str]] = {site: [] for site in sites.index}
    for name in plans:
        plan = folder.catchments(name)
        areas = folder.area(plan.kind)
        at = areas.locate(sites["easting"].to_numpy(float), sites["northing"].to_numpy(float)).position
        for site, position in zip(sites.index, at, strict=True):
            code = plan.table.get(areas.codes[position], "") if position >= 0 else ""
            schools_of[site] += list(plan.members(code)) if code else []
    first, last = years_taught(schools.frame)
    reception = YEARS.index("R")
    taught = pd.DataFrame({"lowest": first - reception, "highest": last - reception}, index=schools.frame.index)
    table, left = pupils_by_school(expected, schools_of, taught)
    if table.empty:
        raise UnknownCodeError(
            f"none of the sites lies in a catchment of {' or '.join(plans)} whose school teaches these year groups"
        )
    write_bytes(path, csv_bytes(table.round({"pupils": 4})))
    notes = [f"{path.name}: pupils by school for geoplan forecast --extra, with --option low, expected or high."]
    notes.append(
        "Each pupil of new homes is taken to go to the school of the catchment that the site lies in "
        f"({'; '.join(f'{site}: {_schools(codes, schools)}' for site, codes in schools_of.items())})."
    )
    if len(left):
        most = left.groupby("academic_year")["pupils"].sum().max()
        groups = ", ".join(dict.fromkeys(left["year_group"]))
        notes.append(f"In no school of these plans, and not in the file: up to {most:,.1f} pupils a year ({groups}).")
    return notes


def _schools(codes: list[str], schools) -> str:
    return " and ".join(str(schools.frame["name"].get(code, code)) for code in codes) or "no catchment"


def _ready(today: date, opens: int, phase: str) -> date:
    """When to begin to consult on a school: today, or the September by which its need has to be identified, if later.

    Examples
    --------
    >>> _ready(date(2026, 11, 29), 2038, "primary"), _ready(date(2026, 11, 29), 2028, "primary")
    (datetime.date(2035, 9, 1), datetime.date(2026, 11, 29))
    """
    from geoplan.housing import LEAD_YEARS

    return max(today, date(opens - LEAD_YEARS[phase], 9, 1))


def _specify(
    trajectory, rates, expected, site, phase, places, opens, spare, forecast, within, ready, by, project, out, notes,
    internal, files,
):  # fmt: skip
    """The specification, written if it is wanted, with its area drawn and its neighbours counted; and where to."""
    from datetime import UTC

    import pandas as pd

    from geoplan.cli.sites import homes_of
    from geoplan.housing import (
        PHASES,
        by_phase,
        by_year_group,
        draw_catchment,
        from_site,
        need_for_places,
        pupils_in,
    )
    from geoplan.io.forecast_inputs import own_source
    from geoplan.io.housing import read_roll_forecast
    from geoplan.io.outputs import write_text
    from geoplan.io.project import read_project
    from geoplan.new_school_books import Specification, protect_neighbours, specification_book

    forecasts = []
    new = from_site(trajectory, site, phase, places)
    pupils_by_year = by_phase(expected)
    if phase not in pupils_by_year.index.get_level_values("phase"):
        raise typer.BadParameter(f"the yields have no {phase}", param_hint="--phase")
    folder = read_project(project)
    rule, out = ruled(folder, internal, out)
    inputs = [*project_inputs(folder), *files, forecast]
    check_targets([out], inputs=inputs)
    people, register, layers = load_people(folder)
    with (
        steps("counting places", "drawing the area", "protecting the numbers", "writing") as step,
        recording(folder.folder, rule, writes=out is not None and out.suffix == ".html", inputs=inputs) as numbers,
    ):
        next(step)
        _, schools, _ = homes_of(people, register.frame, phase)
        of_phase = pupils_by_year.loc[phase]
        notes = [*notes]
        if spare < 0:
            future, origin = (None, None) if forecast is None else read_roll_forecast(forecast)
            spare, words = _spare(people, schools, new, in_unit(within, "m"), within, future)
            forecasts = [] if origin is None else [origin]
            notes.append(words)
        need = need_for_places(of_phase, spare)
        opening = opens or need.expected or need.earliest or int(of_phase.index.max())
        next(step)
        kind = by or (layers[0].kind if layers else "")
        drawn = next((layer for layer in layers if layer.kind == kind), None)
        if by and drawn is None:
            drawn = folder.area(by)
        area, neighbours = (), None
        if drawn is not None:
            area = _area(people, drawn, new, schools, of_phase, draw_catchment)
            notes.append(
                f"The area is drawn of {kind} areas: those that would have the new school nearest, from "
                f"it outward in one piece, while their {phase} {people.noun} and those of the site have places."
            )
            next(step)
            raw = pupils_in(people.people, kind, area, PHASES[phase], people.noun, folder.as_at)
            numbers = numbers.with_marks(_marks(raw))
            neighbours = protect_neighbours(raw, register.frame["name"].to_dict(), numbers.rule, numbers.earlier()[0])
        spec = Specification(
            new, need, of_phase, by_year_group(expected, opening).reindex(list(PHASES[phase])).dropna(), opening,
            ready.date() if ready else _ready(datetime.now(UTC).date(), opening, phase), area, tuple(notes),
        )  # fmt: skip
        forecasts = [own_source(folder, each, "Forecast by school") for each in forecasts]
        sources = (trajectory.source, rates.source, *forecasts, *people.sources, register.source)
        if out is not None and out.suffix == ".html":
            book = specification_book(spec, sources, register, boundaries=drawn, neighbours=neighbours)
            facts = [pd.DataFrame({"n": [need.spare, round(need.most), float(opening), float(spec.identify_by)]})]
            numbers.write_page(out, book, facts)
        elif out is not None and out.suffix == ".txt":
            write_text(out, spec.text + "\n")
    return spec, out


def _spare(people, schools, new, within_m: float, within: str, future=None):
    """Places free at schools near the site, each school's own, never netted; to the nearest five.

    With a forecast a school's free places are those free in every year of it.
    """
    import numpy as np
    import pandas as pd

    roll = people.people["school"].astype("str").value_counts().reindex(schools.index, fill_value=0)
    near = np.hypot(schools["easting"] - new.easting, schools["northing"] - new.northing) <= within_m
    places = pd.to_numeric(schools["places"]).astype(float) if "places" in schools else pd.Series(np.nan, schools.index)
    less = "its roll"
    if future is not None:
        highest = future.groupby("school")["pupils"].max().reindex(schools.index)
        lacking = int((highest.isna() & near).sum())
        roll = highest.fillna(roll)
        less = f"its highest roll forecast for {min(future['year'])} to {max(future['year'])}"
        less += f" ({lacking:,} without a forecast: its roll now)" if lacking else ""
    free = (places - roll).clip(lower=0)[near].sum()
    free = int(5 * round(free / 5))
    return free, (
        f"About {free:,} places are free at the {int(near.sum()):,} schools of the phase within {within} of the site "
        f"by straight line: each school's own places less {less}, a full school never set against another."
    )


def _area(people, drawn, new, schools, of_phase, draw_catchment):
    import numpy as np
    import pandas as pd

    from geoplan.housing import PHASES

    pupils = people.people
    pupils = pupils[pupils["year_group"].astype("str").isin(PHASES[new.phase])]
    children = pupils[drawn.kind].astype("str").value_counts()
    middles = drawn.frame.geometry.representative_point()
    points = pd.DataFrame({"easting": middles.x, "northing": middles.y}, index=drawn.codes)
    at = drawn.locate(np.array([new.easting]), np.array([new.northing])).position[0]
    take = float(of_phase["pupils"].max())
    home = str(drawn.codes[at]) if at >= 0 else ""
    return draw_catchment(points, children, new, schools, drawn.neighbours(), take, home)


def _marks(raw) -> dict[str, str]:
    from geoplan.ledger import mark_of

    return {raw.population: mark_of(raw.counts.to_csv(header=False))}


def _write(out: Path, expected, notes: list[str], sources) -> None:
    from geoplan.io.outputs import csv_bytes, write_bytes
    from geoplan.io.workbook_out import workbook_bytes

    table = expected.round({"low": 1, "pupils": 1, "high": 1})
    data = csv_bytes(table) if out.suffix == ".csv" else workbook_bytes({"Pupils": table}, notes, sources, out.name)
    write_bytes(out, data)


def _as_json(table, notes: list[str]) -> dict:
    return {"pupils": table.round(1).reset_index().to_dict("records"), "notes": notes}


command.__name__ = "housing"

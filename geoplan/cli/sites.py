"""``geoplan sites``: sites for a new school, scored by the council's criteria and by what they could reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.access import _write_workbook
from geoplan.cli.common import (
    InternalOption,
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    recording,
    ruled,
    steps,
)
from geoplan.cli.reach import rows
from geoplan.cli.ways import in_unit


def command(
    sites: Annotated[Path, typer.Argument(help="Sites: site, easting and northing or postcode, and any criteria.")],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Criteria: criterion, weight, better, worst, best.")
    ] = None,
    phase: Annotated[str, typer.Option(help="primary or secondary.")] = "primary",
    within: Annotated[str, typer.Option("--within", help="What is within reach, by straight line.")] = "1 mile",
    places: Annotated[int, typer.Option(min=1, help="Places of the new school.")] = 420,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Compare sites for a new school: reach, effect on neighbours, the council's own criteria, how firm the order is.

    Without --weights the three criteria that are worked out count the same: reach, more placed, and (less is better)
    nearer for, which is what the site takes from its neighbours.

    Example: geoplan sites sites.csv --weights weights.csv --phase primary --places 420 -o sites.html
    """
    import pandas as pd

    from geoplan.io.forecast_inputs import own_source
    from geoplan.io.project import read_project
    from geoplan.io.sites import read_site_options, read_weights
    from geoplan.new_school_books import protect_sites, scored_values, site_marks, sites_book
    from geoplan.sites import MORE_PLACED, NEARER, REACH, Criterion, best_of, measure_sites, rank_sites

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    folder = read_project(project)
    rule, out = ruled(folder, internal, out)
    inputs = [*project_inputs(folder), sites, weights]
    check_targets([out], inputs=inputs)
    options, values, source = read_site_options(sites, folder.postcodes())
    source = own_source(folder, source, "Sites for a new school")
    criteria = (Criterion(REACH, 1), Criterion(MORE_PLACED, 1), Criterion(NEARER, 1, "less"))
    notes = ["No weights were given: the three criteria that are worked out count the same."]
    extra = []
    if weights is not None:
        criteria, weights_source = read_weights(weights)
        extra, notes = [own_source(folder, weights_source, "What the criteria count")], []
    people, register, layers = load_people(folder)
    with (
        steps("measuring sites", "protecting the numbers", "writing") as step,
        recording(folder.folder, rule, writes=out is not None, inputs=inputs) as numbers,
    ):
        next(step)
        homes, schools, base = homes_of(people, register.frame, phase)
        reach_m = in_unit(within, "m")
        measures, neighbours = measure_sites(options, homes, schools, reach_m, places)
        words = f"{base}, within {within}, {places:,} places, {sites.name}"
        next(step)
        numbers = numbers.with_marks(site_marks(measures, neighbours, words, folder.as_at))
        tables = protect_sites(
            measures, neighbours, words, numbers.rule, noun=people.noun, data=folder.as_at,
            earlier=numbers.earlier()[0],
        )  # fmt: skip
        scored = scored_values(values, tables)
        ranking = rank_sites(scored, criteria)
        evidence = []
        if len(options) > 2:
            if not numbers.rule.exact:
                numbers, homes, evidence, how = _homes_as_shown(
                    numbers, folder, people, layers, phase, options, tables, reach_m
                )
            if homes is not None:
                two = best_of(options, homes, reach_m, 2)
                named = " and ".join(options["name"].get(each, each) for each in two.sites)
                notes.append(f"The two sites that together reach most {people.noun}: {named}.")
                notes += [] if numbers.rule.exact else [how]
        next(step)
        sources = (*people.sources, source, *extra)
        if out is not None and out.suffix == ".html":
            book = sites_book(
                options, scored, criteria, ranking, tables, register, sources, within=within,
                boundaries=layers[0] if layers else None, notes=notes,
            )  # fmt: skip
            shares = pd.DataFrame({"share": [*ranking.first["varied"], *ranking.first["any"]]})
            numbers.write_page(out, book, [ranking.scores, shares], evidence=evidence)
        elif out is not None:
            _write(numbers, out, ranking, tables, scored, sources)
    if as_json:
        answer = {
            "finding": ranking.sentence,
            "scores": ranking.scores.round(4).reset_index(names="site").to_dict("records"),
            "first": ranking.first.reset_index(names="site").to_dict("records"),
            "reach": rows(tables.measures),
            "neighbours": rows(tables.neighbours),
            "notes": [*ranking.notes, *notes],
        }
        typer.echo(json.dumps(answer, indent=2))
    else:
        typer.echo(ranking.in_words(options["name"].to_dict()))
        cells = ranking.scores.map("{:.2f}".format)
        cells.insert(0, "site", ranking.scores.index)
        cells["first"] = (100 * ranking.first["varied"]).map("{:.0f}%".format)
        print_table(cells, ["site", *ranking.scores.columns, "first"])
        for note in (*ranking.notes, *notes):
            typer.echo(note)
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


def homes_of(people, frame, phase: str):
    """Homes of the pupils of a phase with how many live there, the schools of the phase, and the base in words."""
    import pandas as pd

    from geoplan.housing import PHASES
    from geoplan.travel import suitable

    if phase not in ("primary", "secondary"):
        raise typer.BadParameter(f"{phase!r}: it is primary or secondary", param_hint="--phase")
    years = PHASES[phase]
    if "year_group" not in people.people:
        raise typer.BadParameter("the pupils have no year groups", param_hint="--phase")
    pupils = people.where(year_group=list(years)).people.dropna(subset=["easting"])
    homes = pupils.groupby(["easting", "northing"]).size().rename("children").reset_index()
    can = suitable(frame, pd.Series([years[0], years[-1]]))
    schools = frame[can.any(axis=0)]
    return homes, schools, f"{phase} {people.noun} on roll"


def _homes_as_shown(numbers, folder, people, layers, phase: str, options, tables, within_m: float):
    """Homes as a choice that is shown may be made from them: children by area, protected, spread over postcodes.

    Brought to what is printed of each site, so that the choice agrees with it. Nothing where there are no areas.
    """
    from geoplan.choices import addresses, agreed, area_kind, chosen_words, filled, spread
    from geoplan.design_tables import protect_areas
    from geoplan.distances import straight_line_table_m
    from geoplan.housing import PHASES
    from geoplan.service_reach import dim_words
    from geoplan.sites import REACH

    places = addresses(folder.postcodes(), layers)
    children = people.where(year_group=list(PHASES[phase]))
    kind = area_kind(places, people.kinds, numbers.rule.round_to * round(children.count / numbers.rule.round_to),
                     numbers.rule)  # fmt: skip
    if not kind:
        return numbers, None, [], ""
    codes = places[kind].dropna().unique()
    counts = children.counts(by=kind).reindex(sorted(codes)).fillna(0.0)
    earlier, nested = numbers.earlier()
    shown, evidence, marks = protect_areas(
        counts, kind, numbers.rule, noun=people.noun, base_name=f"{phase} {people.noun} on roll", data=folder.as_at,
        earlier=earlier, earlier_nested=nested,
    )  # fmt: skip
    homes = spread(shown.rename_axis(kind), places)
    near = straight_line_table_m(homes["easting"], homes["northing"], options["easting"], options["northing"])
    reach = filled(tables.measures, REACH).reindex(options.index)
    homes["children"] = agreed(homes["base"], [(near[:, at] <= within_m, total) for at, total in enumerate(reach)])
    how = chosen_words(people.noun, dim_words(kind), numbers.rule)
    return numbers.with_marks(marks), homes, [evidence], how


def _write(numbers, out: Path, ranking, tables, scored, sources) -> None:
    from geoplan.io.outputs import table_csv

    scores = ranking.scores.round(4)
    if out.suffix == ".csv":
        numbers.write(out, table_csv(scores.rename_axis("site")), [tables.measures], [scores])
        return
    sheets = {"Reach": tables.measures, "Neighbours": tables.neighbours}
    _write_workbook(numbers, out, sheets, [ranking.sentence], sources, {"Scores": scores.reset_index(names="site")})


command.__name__ = "sites"

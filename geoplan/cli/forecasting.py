"""What ``geoplan forecast`` and ``backtest`` share: their options, and the data made ready and protected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import check_targets, project_inputs, recording, ruled

RollsArgument = Annotated[
    list[str], typer.Argument(help="Rolls: files, or names in the project; earlier years may be in files of their own.")
]
LevelOption = Annotated[
    str,
    typer.Option("--level", help='A column of the schools file that groups them; "none" for the whole place alone.'),
]
RegisterOption = Annotated[str, typer.Option("--register", help="Children registered by area and age; a file or name.")]
PopulationOption = Annotated[
    list[str] | None,
    typer.Option(
        "--population",
        help="In place of a register: people by small area and single year of age (ONS), as MID-YEAR=FILE; again for "
        "each year.",
    ),
]
BirthsOption = Annotated[Path | None, typer.Option("--births", help="Births by area and year; adds up to the place.")]
LinksOption = Annotated[Path | None, typer.Option("--links", help="Links between schools (GIAS), for academies.")]
PlanOption = Annotated[
    str, typer.Option("--plan", help="Catchments in force, by name: whose register each school has.")
]
PublishedOption = Annotated[
    str, typer.Option("--published", help="Where the rolls are published: then they are shown exactly.")
]
HiddenAsOption = Annotated[float | None, typer.Option("--hidden-as", min=0.0, help="What a hidden count stands for.")]
AudienceOption = Annotated[str, typer.Option("--audience", help="public, or internal for exact numbers.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why exact numbers are needed.")]
YearsOption = Annotated[int, typer.Option("--years", min=1, max=7, help="How many years ahead.")]
FeedersOption = Annotated[
    Path | None, typer.Option("--feeders", help="Schools that each school takes its transfer intake from.")
]
FlowsOption = Annotated[
    Path | None, typer.Option("--flows", help="Pupils over the border and to independent schools: home, school_in.")
]
AuthorityOption = Annotated[
    str, typer.Option("--authority", help="What --flows and --totals call us.", show_default="the project's name")
]
TotalsOption = Annotated[
    Path | None, typer.Option("--totals", help="Official children by age (or band) and year: the register is fitted.")
]
AreaTotalsOption = Annotated[
    Path | None, typer.Option("--area-totals", help="Official children by small area: the register is fitted to both.")
]
MovingOption = Annotated[
    str, typer.Option("--moving", help='Families who move: "registers", or a chart by age scaled by the registers.')
]


def given_of(
    rolls, level, register, births, links, plan, published, hidden_as, feeders, flows, authority, totals, area_totals,
    moving, population=None,
):  # fmt: skip
    """What a forecast is made from, as the options say it.

    Raises
    ------
    typer.BadParameter
        If an option needs another that is not given.
    """
    from geoplan.io.forecast_inputs import Given

    lists = {"--flows": flows, "--totals": totals, "--area-totals": area_totals, "--moving": moving}
    for name, value in lists.items():
        if value and not (register or population):
            raise typer.BadParameter("it needs --register: the children who live here", param_hint=name)
    if register and population:
        raise typer.BadParameter("give the register or the population, not both", param_hint="--population")
    return Given(
        tuple(rolls), level, register, births, links, plan, published, hidden_as, feeders, flows, authority, totals,
        area_totals, moving, tuple(_population(each) for each in population or ()),
    )  # fmt: skip


def _population(text: str) -> tuple[int, Path]:
    """A mid-year and its file.

    Examples
    --------
    >>> year, path = _population("2020=people.csv")
    >>> year, path.name
    (2020, 'people.csv')
    """
    year, sign, path = text.partition("=")
    if not sign or not year.strip().isdigit() or len(year.strip()) != 4 or not path.strip():
        raise typer.BadParameter(
            f"{text!r}: write the mid-year and the file, 2020=people.csv", param_hint="--population"
        )
    return int(year), Path(path.strip())


@contextmanager
def prepared(
    folder, given, outs: Iterable[Path | None], others: Iterable[Path | None], rule, step: Iterator[str]
) -> Iterator[tuple]:
    """The ledger open, and the data read and protected: ``numbers, material, ready``."""
    from geoplan.io.forecast_inputs import input_files, protected_material, read_material
    from geoplan.roll_tables import roll_marks

    outs, inputs = list(outs), [*project_inputs(folder), *input_files(folder, given), *others]
    check_targets(outs, inputs=inputs)
    with recording(folder.folder, rule, writes=any(path is not None for path in outs), inputs=inputs) as numbers:
        next(step)
        material = read_material(folder, given)
        require_level(material.schools.frame, given.level)
        numbers = numbers.with_marks(roll_marks(material.rolls, folder.as_at))
        next(step)
        yield numbers, material, protected_material(folder, material, given, numbers.rule, numbers.earlier()[0])


def groundwork(past, ready, years: int, rule) -> tuple:
    """What was done to the data, as a table and in sentences.

    Children by catchment and age are told inside only: under one plan after another they would say who lives between.
    """
    from geoplan.groundwork import groundwork_of

    names = {level: called for level, called in ready.names.items() if rule.exact or level != "catchment"}
    return groundwork_of(past, names, years, rule.round_to, ready.groundwork)


def with_groundwork(made, ready, rule):
    """A forecast with what was done to its data."""
    table, said = groundwork(made.past, ready, len(made.years), rule)
    return replace(made, groundwork=table, notes=(*made.notes, *said))


def account_rows(account, step: int):
    """Adjustments as they are printed: numbers of people rounded, years in words."""
    from geoplan.forecast_grids import rounded

    table = rounded(account, step)
    table["year"] = table.get("when", "")
    return table.drop(columns="when", errors="ignore")


def plain_rows(table) -> list[dict]:
    """A table as plain values for JSON, missing ones as null."""
    return table.astype("object").where(table.notna(), None).to_dict(orient="records")


def rule_of(folder, audience: str, reason: str, internal: str, out: Path | None):
    """The rule of the audience (the project's own for the public), and the output by the name that it will have."""
    if audience not in ("public", "internal"):
        raise typer.BadParameter(f"{audience!r}: public or internal", param_hint="--audience")
    if audience == "internal" and not internal:
        internal = reason or "?"  # too short: it is said what is lacking
    try:
        return ruled(folder, internal, out)
    except typer.BadParameter as error:
        raise typer.BadParameter(
            error.message, param_hint="--reason" if reason or internal == "?" else "--internal"
        ) from None


def require_level(schools, level: str) -> None:
    """Refuse a level that the schools have no column of; without clusters, the place is all there is."""
    if level not in ("", "none", "cluster", *schools):
        raise typer.BadParameter(
            f"the schools have no column {level!r}; there are {', '.join(map(str, schools))}", param_hint="--level"
        )


def write_sheets(numbers, out: Path, book) -> None:
    """A page's tables as a workbook; its sentences are texts that may stand in it."""
    import pandas as pd

    from geoplan.io.workbook_out import about_lines

    sheets, about = book.sheets, [*book.findings, *book.notes, book.protection]
    texts = pd.DataFrame({"text": [str(cell) for line in about_lines(sheets, about, book.sources) for cell in line]})
    data = numbers.workbook(sheets, about, book.sources, out.name, percents=book.percents)
    numbers.write(out, data, book.tables, (*book.worked_out, texts))

"""The page of catchments as they are lived in: who stays, where the others go, who comes from outside, and how far.

Everything is taken from protected tables; this module decides only what stands on a page and in what words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from geoplan import maps
from geoplan.areas import Boundaries
from geoplan.catchments import CatchmentPlan
from geoplan.disclosure import Protected
from geoplan.errors import UnknownCodeError
from geoplan.intakes import ELSEWHERE, Intakes, leakage
from geoplan.schools import Schools
from geoplan.sources import Source

#: A matrix with more catchments than this is in the workbook alone.
MOST_COLUMNS = 24
OUTSIDE = "no catchment"
CATCHMENTS = {
    "name": ("Catchment of", ""),
    "residents": ("Pupils who live in it", ""),
    "own": ("Attend its school", ""),
    "other": ("Attend another", ""),
    "take_up": ("Take-up", "share"),
    "leakage": ("Leakage", "share"),
    "mostly": ("Others go mostly to", ""),
}
SCHOOLS = {
    "name": ("School", ""),
    "in_all": ("Pupils", ""),
    "inside": ("From its catchment", ""),
    "outside": ("From outside it", ""),
    "inflow": ("Inflow", "share"),
}


def intake_sheets(intakes: Intakes, plan: CatchmentPlan, names: Mapping[str, str]) -> dict[str, Protected]:
    """The catchment view as tables for a page or a workbook, with the names of schools.

    Parameters
    ----------
    intakes
        From :func:`geoplan.intakes.protect_intakes`, with the plan.
    plan
        The catchments.
    names
        School code to name.

    Returns
    -------
    dict of str to Protected
        ``Catchments``, ``Schools``, ``Who lives where`` (schools attended by catchment of home), ``Distances`` and
        ``Areas``.
    """
    called = {code: catchment_name(code, plan, names) for code in intakes.matrix.table.index}
    catchments = _named(intakes.catchments, called)
    mostly = [_mostly(intakes, plan, code, names) for code in catchments.table.index]
    catchments = replace(catchments, table=catchments.table.assign(mostly=mostly))
    across = intakes.matrix
    turned = replace(across, table=across.table.T.rename_axis("school"), hidden=across.hidden.T.rename_axis("school"))
    return {
        "Catchments": catchments,
        "Schools": _named(_as_sums(intakes.schools), names),
        "Who lives where": _named(_renamed(turned, called), names),
        "Distances": _named(intakes.bands, names),
        "Areas": intakes.areas,
    }


def intake_book(
    intakes: Intakes,
    plan: CatchmentPlan,
    schools: Schools,
    sources: Iterable[Source],
    boundaries: Boundaries | None = None,
) -> maps.MapBook:
    """The page of the catchment view.

    Parameters
    ----------
    intakes
        From :func:`geoplan.intakes.protect_intakes`, with the plan.
    plan, schools
        The catchments, and the schools to draw.
    sources
        What it was made from.
    boundaries
        Areas of the plan's kind, to colour by take-up.
    """
    sources = tuple(sources)
    names = schools.frame["name"].astype("str").to_dict()
    sheets = intake_sheets(intakes, plan, names)
    layers: list[maps.Layer] = []
    if boundaries is not None:
        layers.append(_areas_layer(intakes.areas, boundaries, sources))
    frame = schools.frame.loc[schools.frame.index.isin(intakes.schools.table.index)].copy()
    has = intakes.schools.table["inflow"].notna() | intakes.schools.is_hidden("inflow")
    frame["role"] = ["school with a catchment" if has.get(code, False) else "other school" for code in frame.index]
    facts = {label: column for label, column in (("Phase", "phase"), ("Places", "places")) if column in frame}
    if {"easting", "northing"} <= set(frame):
        layers.append(maps.schools(frame, sources=[schools.source], facts=facts, mark_by="role", title="Schools"))
    panels = [
        maps.table("Who stays, and where the others go", sheets["Catchments"], CATCHMENTS, sources=sources,
                   note=f"Counted are {intakes.who}. Only schools whose number may be printed are named."),
        maps.table("Who comes from outside", sheets["Schools"], SCHOOLS, sources=sources,
                   note="Inflow is given for schools that have a catchment."),
    ]  # fmt: skip
    matrix = sheets["Who lives where"]
    if len(matrix.table.columns) - 1 <= MOST_COLUMNS:
        columns = {name: (name if name != "name" else "School attended", "") for name in matrix.table.columns}
        panels.append(
            maps.table("Who lives where, and attends what", matrix, columns, sources=sources,
                       note="A column for the catchment that pupils live in, a row for the school they attend.")
        )  # fmt: skip
    far = sheets["Distances"]
    bands = {name: (str(name).capitalize() if name != "name" else "School", "") for name in far.table.columns}
    panels.append(maps.table("How far pupils live from their school", far, bands, sources=sources))
    return maps.MapBook(
        "Catchments as they are lived in",
        finding=intake_finding(intakes, plan, names),
        layers=tuple(layers),
        panels=tuple(panels),
        notes=intakes.notes,
        marking=intakes.rule.marking,
    )


def intake_finding(intakes: Intakes, plan: CatchmentPlan, names: Mapping[str, str]) -> str:
    """How many stay in their catchment, and where most and fewest do, from printed numbers."""
    rows = intakes.catchments.table
    rows = rows[rows["take_up"].notna()]
    if not len(rows):
        return "Too few pupils live in any catchment to print how many stay."
    residents, share = rows["residents"].sum(), finding_shares(intakes)["share"].iloc[0]
    where = "in a catchment" if len(rows) == len(intakes.catchments.table) else "in a catchment that can be printed"
    said = f"Of about {residents:,.0f} {intakes.who} who live {where}, {share:.0%} attend its school."
    if len(rows) < 2:
        return said
    most, least = rows["take_up"].idxmax(), rows["take_up"].idxmin()
    ends = (f"{catchment_name(code, plan, names)} ({rows.at[code, 'take_up']:.0%})" for code in (most, least))
    return f"{said} Take-up is highest at {next(ends)} and lowest at {next(ends)}."


def finding_shares(intakes: Intakes) -> pd.DataFrame:
    """The shares that the finding names: take-up in all catchments printed together, then in each; column ``share``."""
    rows = intakes.catchments.table
    rows = rows[rows["take_up"].notna()]
    overall = rows["own"].sum() / rows["residents"].sum() if len(rows) else float("nan")
    return pd.DataFrame({"share": [overall, *rows["take_up"]]})


def school_sentences(intakes: Intakes, plan: CatchmentPlan, school: str, names: Mapping[str, str]) -> list[str]:
    """What the catchment view says of one school and its catchment, from printed numbers.

    Raises
    ------
    UnknownCodeError
        If none of those counted attends the school and it has no catchment.
    """
    code = next((each for each in plan.schools if school in plan.members(each)), "")
    if not code and school not in intakes.schools.table.index:
        raise UnknownCodeError(f"none of the {intakes.who} goes to school {school}, and it has no catchment")
    said = []
    if code in intakes.catchments.table.index:
        row = intakes.catchments.table.loc[code]
        if pd.isna(row["take_up"]):
            said.append("How many who live in its catchment attend is not shown: small numbers.")
        else:
            said.append(
                f"About {row['residents']:,.0f} {intakes.who} live in its catchment: {row['take_up']:.0%} attend "
                f"{'it' if len(plan.members(code)) == 1 else 'its schools'}, {row['leakage']:.0%} another school."
            )
        if mostly := _mostly(intakes, plan, code, names):
            said.append(f"The others go mostly to {mostly}.")
    else:
        said.append("It has no catchment in this plan.")
    if school in intakes.schools.table.index:
        row = intakes.schools.table.loc[school]
        if pd.notna(row["inflow"]):
            said.append(f"{row['inflow']:.0%} of its {row['pupils']:,.0f} come from outside its catchment.")
        bands, hidden = intakes.bands.table.loc[school], intakes.bands.hidden.loc[school]
        near = [f"{band} {'c' if hidden[band] else format(bands[band], ',.0f')}" for band in bands.index
                if hidden[band] or bands[band] > 0]  # fmt: skip
        said.append(f"By distance from school: {', '.join(near)}.")
    return said


def catchment_name(code: str, plan: CatchmentPlan, names: Mapping[str, str]) -> str:
    """The school's name; those of all its schools where a catchment is shared.

    Examples
    --------
    >>> import pandas as pd
    >>> from geoplan.catchments import plan_from_pairs
    >>> plan = plan_from_pairs(pd.DataFrame({"area": ["E01000001"], "school": ["1"]}), "lsoa21")
    >>> catchment_name("1", plan, {"1": "West School"})
    'West School'
    """
    if code == ELSEWHERE:
        return OUTSIDE
    return " and ".join(names.get(school, school) for school in plan.members(code))


# --- the parts ------------------------------------------------------------------------------------------


def _mostly(intakes: Intakes, plan: CatchmentPlan, code: str, names: Mapping[str, str], most: int = 2) -> str:
    if code not in intakes.matrix.table.index:
        return ""
    away = leakage(intakes, code).drop(index=list(plan.members(code)), errors="ignore").head(most)
    return ", ".join(f"{names.get(school, school)} ({row['pupils']:,.0f})" for school, row in away.iterrows())


def _named(table: Protected, names: Mapping[str, str]) -> Protected:
    frame = table.table.copy()
    frame.insert(0, "name", [names.get(code, code) for code in frame.index])
    return replace(table, table=frame)


def _as_sums(table: Protected) -> Protected:
    """All pupils of a school under a name that says they are the sum of those printed from inside and outside."""
    names = {"pupils": "in_all"}
    units = {names.get(column, column): unit for column, unit in table.units.items()}
    frames = {part: getattr(table, part).rename(columns=names) for part in ("table", "hidden")}
    return replace(table, units=units, **frames)


def _renamed(table: Protected, names: Mapping[str, str]) -> Protected:
    """Columns by name; by code too where two have the same name."""
    titles = [names[code] for code in table.table.columns]
    titles = [f"{name} ({code})" if titles.count(name) > 1 else name
              for name, code in zip(titles, table.table.columns, strict=True)]  # fmt: skip
    return replace(table, table=table.table.set_axis(titles, axis=1), hidden=table.hidden.set_axis(titles, axis=1))


def _areas_layer(areas: Protected, boundaries: Boundaries, sources: tuple[Source, ...]) -> maps.AreaLayer:
    there = [code for code in areas.table.index if code in set(boundaries.codes)]
    shown = replace(areas, table=areas.table.loc[there], hidden=areas.hidden.loc[there])
    return maps.areas(
        boundaries,
        shown,
        value="take_up",
        unit="share",
        title="Take-up by area",
        legend="Attend the school of their catchment",
        details={"Pupils who live here": "residents", "Attend its school": "own", "Attend another": "other"},
        breaks=[0.2, 0.4, 0.6, 0.8],
        sources=sources,
        focus=there,
    )

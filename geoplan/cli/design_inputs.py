"""What ``geoplan design`` is asked for, and what it is made from: options, briefs and files into a problem."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from geoplan.cli.common import load_people, recording, steps

if TYPE_CHECKING:
    import pandas as pd

    from geoplan.briefs import DesignProblem, Limits
    from geoplan.io.briefs import Brief
    from geoplan.sources import Source


# --- what is asked for ----------------------------------------------------------------------------------


def is_file(text: str) -> bool:
    """Whether an option's text names a file."""
    return Path(text).suffix.lower() in {".csv", ".gz", ".xlsx", ".zip", ".tsv", ".txt"}


def _priced(texts: list[str], what: str) -> dict[str, float]:
    """``travel`` and ``moved=0.01`` as prices."""
    found = {}
    for text in texts:
        for part in text.split(","):
            key, equals, value = part.strip().partition("=")
            try:
                found[key.strip()] = float(value) if equals else 1.0
            except ValueError:
                raise typer.BadParameter(
                    f"{part!r}: write a measure and a number: moved=200", param_hint=what
                ) from None
    measures_known(list(found), what)
    return found


def measures_known(names: list[str], what: str) -> None:
    """Refuse measures that there are none of."""
    from geoplan.briefs import MEASURES

    for each in names:
        if each not in MEASURES:
            raise typer.BadParameter(f"no measure {each!r}; there are {', '.join(MEASURES)}", param_hint=what)


def asked_of(file, objective, then, within, full_at_most, full_at_least, max_travel, nearest, at_most, split) -> Brief:
    """The brief: the file's, changed by the options."""
    from geoplan.io.briefs import Brief, read_brief

    asked = read_brief(file) if file is not None else Brief()
    limits = asked.limits
    if objective:
        asked = replace(asked, objective=_priced(objective, "--objective"))
    if then:
        measures_known([then], "--then")
        asked = replace(asked, then=then)
    for key, value, part in (
        ("places_within", within, 100), ("full_at_most", full_at_most, 100), ("full_at_least", full_at_least, 100),
        ("max_travel", max_travel, 1), ("nearest", nearest, 1),
    ):  # fmt: skip
        if value is not None:
            limits = replace(limits, **{key: value / part if part > 1 else value})
    if at_most:
        limits = replace(limits, at_most={**limits.at_most, **_priced(at_most, "--at-most")})
    if split:
        limits = replace(limits, one_piece=False)
    return replace(asked, limits=limits)


def bridges_of(asked: Brief, texts: list[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of areas that count as neighbours: the brief's and the options'."""
    pairs = [tuple(part.strip() for part in text.split("-")) for text in texts]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise typer.BadParameter("write two area codes: E01016016-E01016017", param_hint="--bridge")
    return (*asked.bridges, *pairs)


def with_files(limits: Limits, fixed: Path | None, together: Path | None) -> Limits:
    """Limits with the areas settled or kept together by files."""
    from geoplan.io.plans import read_plan

    if fixed is not None:
        plan = read_plan(fixed, kind="area")
        settled = {area: code for area, code in plan.table.items() if code}
        limits = replace(limits, fixed={**limits.fixed, **settled})
    if together is not None:
        plan = read_plan(together, kind="area", school=_group_header(together))
        groups = plan.table[plan.table != ""].groupby(plan.table).groups
        limits = replace(limits, together=(*limits.together, *(tuple(group) for group in groups.values())))
    return limits


def _group_header(path: Path) -> str:
    """The header of groups: the file's second column whatever it is called, if none is called group."""
    from geoplan.io.files import table_bytes
    from geoplan.io.tables import table_from

    heads: list[str] = []

    def choose(headers):
        heads[:] = list(headers)
        return set()

    table_from(table_bytes(path), {"group", "area"}, choose)
    named = [head for head in heads if head.strip().casefold() in ("group", "cluster", "ward", "parish", "village")]
    return (named or heads[1:] or ["group"])[0]


# --- the ground: children, places, journeys ---------------------------------------------------------------


@dataclass(frozen=True)
class Ground:
    """What a design is made from, with what is said of it."""

    problem: DesignProblem
    boundaries: object
    sites: pd.DataFrame
    names: dict[str, str]
    noun: str
    base_name: str
    data: str
    notes: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    evidence: object = None  # children by area as protected, where all numbers are worked out from those
    mixed: object = None  # the mix by area as protected, from which segregation is worked out
    travellers: object = None  # children by area as protected, from which the mean journey is worked out
    marks: dict[str, str] = field(default_factory=dict)
    earlier: tuple = ()

    @property
    def beside(self) -> tuple:
        """Protected tables beside which those of catchments are protected."""
        return tuple(each for each in (self.travellers, self.mixed) if each is not None)


def ground_of(folder, asked, today, schools, children, places, mix, travel, areas, *, with_mix, published,
              rule, moves_traded=False, forecast=None) -> Ground:  # fmt: skip
    """Read the project's files into a design problem.

    Unless ``rule`` shows exact numbers or all were published, segregation is worked out from the mix by area as it may
    be shown; and all numbers from children by area as they may be shown if ``moves_traded``: designs are then listed
    with the children who move, and those who live between two designs are few.
    """
    import pandas as pd

    from geoplan.briefs import DesignProblem
    from geoplan.cli.reach import base_words, conditions_of
    from geoplan.errors import UnknownCodeError

    plan = None
    if today != "none":
        if not folder.has(today) and not is_file(today):
            raise typer.BadParameter(
                f"no plan {today!r} under [plans]; name one, a CSV, or --today none", param_hint="--today"
            )
        plan = _plan(folder, today, areas)
    counted_by = conditions_of(children or "all")
    by_file = isinstance(counted_by, Path)
    if published and not by_file:
        raise typer.BadParameter("only a CSV of children by area can be published", param_hint="--published")
    kind = plan.kind if plan is not None else areas or next(iter(folder.settings.areas), "")
    if not kind:
        raise typer.BadParameter("the project names no areas; add them under [areas]", param_hint="--project")
    boundaries = folder.area(kind)
    notes: list[str] = [folder.invented] if folder.invented else []
    people = None
    if by_file and not (with_mix and not is_file(mix)):
        with steps("reading postcodes", "reading schools", "reading children") as step:
            next(step)
            directory = folder.postcodes()
            next(step)
            file = folder.schools()
            next(step)
    else:
        people, file, _ = load_people(folder)
        directory = folder.postcodes()
        if kind not in people.kinds:
            raise typer.BadParameter(
                f"the pupils have no {kind} areas; they have {', '.join(people.kinds)}", param_hint="--areas"
            )
    codes = _school_codes(schools, plan, file)
    if not children:
        counted_by = _years_of(file, _members(codes, plan))
    if by_file:
        table, source, base_name, noun, data = _from_file(counted_by, kind, boundaries, notes)
        sources = [source, file.source, boundaries.source]
    else:
        eligible = people.where(**counted_by) if counted_by else people
        table, noun, data = _from_people(eligible, kind, boundaries, folder), people.noun, folder.as_at
        base_name = base_words(people.noun, counted_by) if children else _taught_words(people.noun, counted_by)
        sources = [*people.sources, boundaries.source]
        notes.append(f"Counted: {base_name} who live in these areas; those who live elsewhere are in no catchment.")
    grown: dict = {}
    if forecast is not None:
        table, grown = _grown(folder, table, plan, codes, counted_by, forecast, noun, base_name, data, notes, sources)
    elif moves_traded and not published and not rule.exact:
        table, grown = _as_shown(folder, table, kind, rule, noun, base_name, data, notes)
    journeys = None
    if not grown and not published and not rule.exact:
        shown, held = _as_shown(folder, table, kind, rule, noun, base_name, data, notes, _JOURNEYS)
        journeys = shown.mean(axis=1)
        grown = {"travellers": held.pop("evidence")} | held
    room = _places(file, codes, plan, places, counted_by, asked, notes)
    lengths, unit = _travel(travel, directory, boundaries, file, codes, plan, notes, kind)
    spread = None
    if with_mix:
        notes.append(f"Mix: {mix if not is_file(mix) else Path(mix).name}, by area.")
        counts, values = _mix(mix, people, counted_by, kind)
        if rule.exact or published:
            group = counts[counts.index.get_level_values(1).isin(values)].groupby(level=0).sum()
            total = counts.groupby(level=0).sum()
            spread = pd.DataFrame({"group": group.reindex(total.index).fillna(0.0), "counted": total})
        else:
            beside = next((grown[key].printed for key in ("evidence", "travellers") if key in grown), ())
            spread, held = _mix_as_shown(folder, counts, values, rule, noun, base_name, data, notes, beside)
            grown = grown | held | {"marks": {**grown.get("marks", {}), **held["marks"]}}
    neighbours = boundaries.neighbours()[["a", "b"]]
    strange = [code for pair in asked.bridges for code in pair if code not in boundaries.codes]
    if strange:
        raise UnknownCodeError(f"bridge: no area {strange[0]!r} in {kind}")
    if asked.bridges:
        neighbours = pd.concat([neighbours, pd.DataFrame(asked.bridges, columns=["a", "b"])], ignore_index=True)
        pairs = "; ".join(f"{boundaries.names[a]} and {boundaries.names[b]}" for a, b in asked.bridges)
        notes.append(f"Counted as neighbours across water or open land: {pairs}.")
    problem = DesignProblem(
        children=table, places=room, travel=lengths, neighbours=neighbours, kind=kind, unit=unit, mix=spread,
        today=plan, journeys=journeys,
    )  # fmt: skip
    names = {code: _name(code, plan, file) for code in codes}
    sites = file.frame.loc[[c for c in _members(codes, plan) if c in file.frame.index], ["easting", "northing"]]
    return Ground(problem, boundaries, sites.dropna(), names, noun, base_name, data, notes, sources, **grown)


_JOURNEYS = (
    "The mean journey is worked out from children by area hidden below {hide} (taken as half of that) and rounded to "
    "{step}: one of exact numbers would tell, of two plans, how many live between them."
)


def _as_shown(folder, table, kind, rule, noun, base_name, data, notes, why=""):
    """Children by area as they may be shown, and the evidence; ``why`` in place of the note on all numbers."""
    from geoplan.design_tables import protect_areas

    children = table if len(table.columns) > 1 else table.iloc[:, 0]
    with recording(folder.folder, rule, writes=False) as numbers:
        earlier = numbers.earlier()
        shown, evidence, marks = protect_areas(
            children, kind, rule, noun=noun, base_name=base_name, data=data, earlier=earlier[0],
            earlier_nested=earlier[1],
        )  # fmt: skip
    notes.append(
        why.format(hide=rule.hide_below, step=rule.round_to) if why
        else f"{_worked_out(rule)} Exact numbers of those who move would say who lives between two designs."
    )  # fmt: skip
    shown = shown if len(table.columns) > 1 else shown.to_frame(table.columns[0])
    return shown.rename_axis(None), {"evidence": evidence, "marks": marks, "earlier": earlier}


def _mix_as_shown(folder, counts, values, rule, noun, base_name, data, notes, beside):
    """The mix by area as it may be shown ``beside`` tables of the same children, and the evidence."""
    from geoplan.design_tables import protect_mix

    with recording(folder.folder, rule, writes=False) as numbers:
        earlier = numbers.earlier()
        spread, mixed, marks = protect_mix(
            counts, values, rule, noun=noun, base_name=base_name, data=data, earlier=(*earlier[0], *beside),
            earlier_nested=earlier[1],
        )  # fmt: skip
    notes.append(
        f"Segregation is worked out from the mix of each area, counts hidden below {rule.hide_below} (taken as half of "
        f"that) and rounded to {rule.round_to}: a measure of exact ones would tell how many of the group live between "
        "two plans."
    )
    return spread, {"mixed": mixed, "marks": marks, "earlier": earlier}


def _worked_out(rule) -> str:
    return (
        f"All numbers are worked out from children by area hidden below {rule.hide_below} (taken as half of that) and "
        f"rounded to {rule.round_to}, so that nothing here says more than those."
    )


def _grown(folder, table, plan, codes, counted_by, forecast, noun, base_name, data, notes, sources):
    """Children by area now and in the years forecast, worked out from protected counts by area; the evidence."""
    import pandas as pd

    from geoplan.design_tables import protect_areas
    from geoplan.io.forecast_inputs import own_source
    from geoplan.io.housing import read_school_growth
    from geoplan.spare_places import catchment_growth, grown_areas

    rolls, source = read_school_growth(forecast, _rolls_of(counted_by))
    growth, without = catchment_growth(rolls, {code: plan.members(code) for code in codes})
    rule = folder.rule()
    with recording(folder.folder, rule, writes=False) as numbers:
        earlier = numbers.earlier()
        now, evidence, marks = protect_areas(
            table.iloc[:, 0], plan.kind, rule, noun=noun, base_name=base_name, data=data, earlier=earlier[0],
            earlier_nested=earlier[1],
        )  # fmt: skip
    ahead = grown_areas(now, plan.table, growth)
    sources.append(own_source(folder, source, "Forecast by school"))
    notes.append(
        f"Years to come ({ahead.columns[0]} to {ahead.columns[-1]}): the children of each area grow or fall as the "
        f"rolls of its catchment of today are forecast to ({forecast.name}: {', '.join(_rolls_of(counted_by))}). Where "
        "in a catchment they will live is not known; a new estate is spread over all of its areas."
    )
    if without:
        notes.append(f"{len(without):,} catchments have no forecast of their own, and grow as all schools together.")
    notes.append(_worked_out(rule))
    return pd.concat([now.rename(table.columns[0]), ahead], axis=1), {
        "evidence": evidence, "marks": marks, "earlier": earlier,
    }  # fmt: skip


def _rolls_of(counted_by) -> list[str]:
    """The rolls of a forecast that are of the year groups counted."""
    years = set(counted_by.get("year_group", [])) if isinstance(counted_by, dict) else set()
    if years in ({"7"}, {"R"}):
        return ["Year 7"] if years == {"7"} else ["Reception"]
    of = {"primary": {"R", *map(str, range(1, 7))}, "secondary": set(map(str, range(7, 12))),
          "sixth form": {"12", "13", "14"}}  # fmt: skip
    return [name for name, groups in of.items() if not years or years & groups]


def _plan(folder, today: str, areas: str):
    from geoplan.io.plans import read_plan

    if folder.has(today):
        return folder.catchments(today, areas or None)
    return read_plan(today, areas or None, name="Today")


def _from_file(path: Path, kind: str, boundaries, notes: list[str]):
    from geoplan.errors import UnknownCodeError
    from geoplan.io.briefs import read_area_numbers

    of, table, source = read_area_numbers(path)
    if of not in ("", "zone", kind):
        raise typer.BadParameter(f"{path.name} counts by {of}; the plan is by {kind}", param_hint="--children")
    strange = table.index.difference(boundaries.codes)
    if len(strange):
        raise UnknownCodeError(f"{path.name}: {len(strange):,} areas are not in the layer (the first is {strange[0]})")
    missing = boundaries.codes.difference(table.index)
    if len(missing):
        notes.append(f"{len(missing):,} areas are not in {path.name}: counted as without children.")
    table = table.reindex(boundaries.codes).fillna(0.0)
    return table, source, f"children of {path.stem.replace('_', ' ')}", "children", path.stem


def _from_people(eligible, kind: str, boundaries, folder):
    counts = eligible.counts(by=kind)
    column = folder.as_at or "now"
    return counts.reindex(boundaries.codes).fillna(0.0).astype(float).to_frame(column).rename_axis(None)


def _years_of(file, members: list[str]) -> dict[str, list[str]]:
    """The year groups that the schools teach, as conditions; none where the file does not say."""
    from geoplan.travel import YEARS, years_taught

    first, last = years_taught(file.frame.loc[members])
    if (first < 0).any() or (last < 0).any():
        return {}
    return {"year_group": list(YEARS[first.min() : last.max() + 1])}


def _taught_words(noun: str, counted_by: dict[str, list[str]]) -> str:
    years = counted_by.get("year_group", [])
    return f"{noun} in years {years[0]} to {years[-1]}" if len(years) > 1 else f"all {noun}"


def _members(codes, plan) -> list[str]:
    return [member for code in codes for member in (plan.members(code) if plan is not None else (code,))]


def _school_codes(schools: list[str], plan, file) -> list[str]:
    from geoplan.errors import UnknownCodeError

    codes = [code.strip() for text in schools for code in text.split(",") if code.strip()]
    if not codes and plan is not None:
        codes = list(plan.schools)
    if not codes:
        raise typer.BadParameter("which schools? name each, or a plan with --today", param_hint="--school")
    strange = [code for code in _members(codes, plan) if code not in file.frame.index]
    if strange:
        raise UnknownCodeError(f"school {strange[0]} is not in the schools file ({len(strange):,} in all)")
    return codes


def _places(file, codes, plan, column: str, counted_by, asked, notes: list[str]):
    """Places by catchment: those of its schools together, changed by the brief."""
    import pandas as pd

    years = counted_by.get("year_group", []) if isinstance(counted_by, dict) else []
    if not column:
        column = "pan" if len(years) == 1 and "pan" in file.frame else "places"
    if column not in file.frame:
        raise typer.BadParameter(f"the schools file has no column {column}", param_hint="--places")
    own = pd.to_numeric(file.frame[column], errors="coerce").astype(float)
    found = {}
    for code in codes:
        members = plan.members(code) if plan is not None else (code,)
        found[code] = asked.places.get(code, sum(asked.places.get(each, own.get(each)) for each in members))
    room = pd.Series(found, dtype=float)
    if room.isna().any():
        raise typer.BadParameter(
            f"no {column} in the schools file for {room.index[room.isna()][0]} ({room.isna().sum():,} in all); "
            "fill it, or write it under [places] in the brief",
            param_hint="--places",
        )
    notes.append(f"Places: {'published admission numbers' if column == 'pan' else column} of the schools file"
                 + (f", but for {len(asked.places):,} in the brief." if asked.places else "."))  # fmt: skip
    return room


def _travel(path, directory, boundaries, file, codes, plan, notes: list[str], kind: str):
    """Areas x catchments: the journey to the nearest of a catchment's schools, and its unit."""
    import numpy as np
    import pandas as pd

    from geoplan.travel import by_matrix, by_straight_line

    members = list(dict.fromkeys(_members(codes, plan)))
    if path is not None:
        from geoplan.io.travel import read_travel

        matrix, unit, of, source = read_travel(path)
        if of not in ("", kind):
            raise typer.BadParameter(f"{path.name} is by {of}; the plan is by {kind}", param_hint="--travel")
        found = by_matrix(matrix, boundaries.codes, pd.Index(members), unit, source)
    else:
        points = _middles(directory, boundaries, kind, notes)
        found = by_straight_line(points, file.frame.loc[members], points=("the area's middle", "the school"))
        lost = sorted(set(members) - set(found.schools))
        if lost:
            raise typer.BadParameter(
                f"school {lost[0]} has no position in the file ({len(lost):,} in all); fill it or give --travel",
                param_hint="--travel",
            )
    notes.extend(found.notes)
    values = pd.DataFrame(found.values, index=found.places, columns=found.schools)
    if found.unit == "m":
        values = values / 1000.0
    table = {}
    for code in codes:
        own = [each for each in (plan.members(code) if plan is not None else (code,)) if each in values]
        table[code] = values[own].min(axis=1) if own else np.nan
    return pd.DataFrame(table, index=boundaries.codes), "km" if found.unit == "m" else "minutes"


def _middles(directory, boundaries, kind: str, notes: list[str]):
    """Where an area's homes are, from public data: the mean of its postcodes, or a point inside it."""
    import pandas as pd

    inside = boundaries.frame.geometry.representative_point()
    points = pd.DataFrame({"easting": inside.x, "northing": inside.y})
    if kind in directory.kinds:
        table = directory.table
        known = table[[kind, "easting", "northing"]].dropna()
        mean = known.groupby(known[kind].astype("str"))[["easting", "northing"]].mean()
        points.update(mean)
        notes.append("The middle of an area is the mean of its postcodes.")
    else:
        notes.append("The middle of an area is a point inside it.")
    return points


def _mix(mix: str, people, counted_by, kind: str):
    """Children by area and category, and the categories of the group."""
    import pandas as pd

    from geoplan.effects import ATTRIBUTES
    from geoplan.plan_grounds import with_others

    if is_file(mix):
        from geoplan.io.briefs import read_area_numbers

        _, table, _ = read_area_numbers(mix, needed=("group", "counted"))
        both = pd.DataFrame({"in the group": table["group"], "others": table["counted"] - table["group"]})
        return both.stack().rename_axis([kind, f"group of {Path(mix).stem}"]), ["in the group"]
    column, equals, values = mix.partition("=")
    if not equals:
        raise typer.BadParameter(f"{mix!r}: write a column and its values, fsm=yes, or a CSV", param_hint="--mix")
    eligible = people.where(**counted_by) if counted_by and isinstance(counted_by, dict) else people
    wanted = [value.strip() for value in values.split(",")]
    frame = eligible.frame[eligible.frame[kind].notna()]
    text = frame[column].astype("str").where(frame[column].notna(), "unknown").replace("", "unknown")
    if not text.isin(wanted).any():
        raise typer.BadParameter(f"nobody has {mix}", param_hint="--mix")
    codes, labels = pd.factorize(text, sort=True)
    if column in ATTRIBUTES:  # as plan compare prints them
        codes, labels = with_others(column, codes, pd.Index(labels))
        text = pd.Series(pd.Index(labels).to_numpy()[codes], index=text.index)
    known = text != "unknown"
    counts = text[known].groupby([frame[kind].astype("str")[known].rename(kind), text[known].rename(column)]).size()
    return counts.unstack(fill_value=0).stack().astype(float), wanted


def _name(code: str, plan, file) -> str:
    members = plan.members(code) if plan is not None else (code,)
    return " and ".join(str(file.frame["name"].get(each, each)) for each in members)

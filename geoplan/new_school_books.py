"""The pages about a new school: sites side by side, and the specification that promoters are given.

Counts of children come protected; what is worked out from homes to come is about nobody yet, and is public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from geoplan import maps
from geoplan.areas import Boundaries
from geoplan.calendars import admissions_calendar, first_entry_year, organisation_calendar
from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.evidence import PrintedTable
from geoplan.housing import LEAD_YEARS, PHASES, Need, NewSchool, year_words
from geoplan.ledger import mark_of
from geoplan.maps import palette
from geoplan.schools import Schools
from geoplan.sites import NEARER, WORKED_OUT, Criterion, Ranking
from geoplan.sources import Source
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import RawTable, population_name

LEAD = (
    "Allow three years between identification of need and the opening of a primary school, and longer for a secondary "
    "(Learning from experience, 2008)."
)
AREA_FIRST = (
    "Any change of catchment area is consulted on and determined before proposals are invited; the area is part of the "
    "specification (the same)."
)
JUDGEMENTS = (
    "Criteria without an explanation here are the council's own judgements, as given in its file. Weights are a "
    "choice: the table of how often each site stays first says how much hangs on them."
)
NO_AUTHORITY = "999"  # sites are drawn with numbers of an authority that does not exist, so that no school has them
_AREAS = {"outside": palette.SEQUENTIAL[0], "the new school's area": palette.CATEGORICAL[0]}  # as drawn
NOT_DEMAND = "Living near is not choosing: families prefer other schools too. Distances are straight lines."


# --- sites ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class SiteTables:
    """Sites as they may be shown.

    Parameters
    ----------
    measures
        By site, the counts worked out (:data:`geoplan.sites.WORKED_OUT`).
    neighbours
        By school now nearest, a column for each site: children who would have it nearer.
    noun
        What the children are called.
    """

    measures: Protected
    neighbours: Protected
    noun: str

    def __repr__(self) -> str:
        return f"<SiteTables: {len(self.measures):,} sites, {self.measures.rule.tag}>"


def protect_sites(
    measures: pd.DataFrame,
    neighbours: pd.DataFrame,
    words: str,
    rule: Rule = PUBLIC,
    *,
    noun: str = "pupils",
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> SiteTables:
    """Protect what sites could reach.

    Parameters
    ----------
    measures, neighbours
        From :func:`geoplan.sites.measure_sites`.
    words
        Who is counted and what is within reach, in words ("primary pupils, within 1 mile").
    rule, noun, data, earlier
        As for other protected tables.
    """
    raw = []
    for name in measures:
        population = site_population(name, words, data)
        raw.append(RawTable(WORKED_OUT[name], measures[name], noun, population, complete=False))
    flows = neighbours.stack()
    shown_flows = None
    if len(flows):
        population = site_population(NEARER, f"{words}, by school", data)
        raw.append(RawTable("Nearer, by school now nearest", flows, noun, population, attributes=("school",)))
    before = [table for table in earlier if table.population in {each.population for each in raw}]
    shown = protect_tables(raw, rule, earlier=before)
    shown_flows = shown[-1] if len(flows) else None
    parts = dict(zip(measures, shown, strict=False))
    table = pd.DataFrame({name: part.shown for name, part in parts.items()}).reindex(measures.index)
    hidden = pd.DataFrame({name: part.hidden for name, part in parts.items()}).reindex(measures.index)
    evidence = tuple(part.printed for part in parts.values())
    return SiteTables(
        Protected(table, hidden, rule, noun, dict.fromkeys(table, noun), evidence),
        _flows(shown_flows, measures.index, rule, noun),
        noun,
    )


def site_population(name: str, words: str, data: str = "") -> str:
    """The name of the population of one measure of sites."""
    return population_name(f"{WORKED_OUT.get(name, name)}, {words}", data)


def site_marks(measures: pd.DataFrame, neighbours: pd.DataFrame, words: str, data: str = "") -> dict[str, str]:
    """Marks of what sites could reach, for the ledger: of sites of the same names at the same places."""
    text = measures.to_csv() + neighbours.to_csv()
    return {site_population(NEARER, f"{words}, by school", data): mark_of(text)}


def sites_book(
    sites: pd.DataFrame,
    values: pd.DataFrame,
    criteria: Sequence[Criterion],
    ranking: Ranking,
    tables: SiteTables,
    schools: Schools,
    sources: Iterable[Source],
    *,
    within: str,
    boundaries: Boundaries | None = None,
    notes: Iterable[str] = (),
) -> maps.MapBook:
    """The page of sites side by side.

    Parameters
    ----------
    sites, values, criteria
        The options, what was scored, and how.
    ranking
        From :func:`geoplan.sites.rank_sites`.
    tables
        From :func:`protect_sites`.
    schools, boundaries
        To draw.
    sources
        What it was made from.
    within
        What is within reach, in words.
    notes
        What else decides the figures.
    """
    sources = tuple(sources)
    names = sites["name"].to_dict()
    own = [each.name for each in criteria if each.name not in WORKED_OUT]
    scores = ranking.scores.round(2).assign(site=[names[code] for code in ranking.scores.index])
    firm = ranking.first[["varied", "any"]].round(2)
    firm = firm.assign(
        site=[names[code] for code in firm.index],
        dominated=ranking.first["dominated"].map(
            {True: "yes: another is as good by all and better by one", False: "no"}
        ),
    )
    panels = [
        maps.table(
            "Scores, 0 to 1", public=scores, sources=sources, index="Site",
            columns={"site": ("Name", ""), "score": ("Score", ""),
                     **{each.name: (_heading(each.name), "") for each in criteria}},
            note="The weighted mean of the criteria, the best first.",
        ),
        maps.table(
            "How firm the ranking is", public=firm, sources=sources, index="Site",
            columns={"site": ("Name", ""), "varied": ("First with each weight varied by up to half", "share"),
                     "any": ("First with any weights whatever", "share"), "dominated": ("Can never be first", "")},
        ),
        maps.table("What the criteria count", public=_weights(criteria, ranking, names), sources=sources,
                   columns={name: (heading, "") for name, heading in (
                       ("criterion", "Criterion"), ("share", "Weight, of 100"), ("better", "Better"),
                       ("worst", "Scores 0"), ("best", "Scores 1"), ("switch", "First place changes at"),
                       ("then", "To"))}),
        maps.table(
            f"What each site could reach, {tables.noun}", tables.measures,
            {REACH_: (heading.capitalize(), "") for REACH_, heading in WORKED_OUT.items()},
            sources=sources, index="Site", note=f"Within reach is {within} by straight line. {NOT_DEMAND}",
        ),
    ]  # fmt: skip
    if own:
        panels.append(maps.table(
            "The council's own values", public=values[own], sources=sources, index="Site",
            columns={name: (_heading(name), "") for name in own}, note=JUDGEMENTS,
        ))  # fmt: skip
    if len(tables.neighbours):
        school_names = schools.frame["name"].reindex(tables.neighbours.table.index).fillna("").astype(str)
        shown = Protected(
            tables.neighbours.table.assign(name=school_names), tables.neighbours.hidden, tables.neighbours.rule,
            tables.noun, tables.neighbours.units, tables.neighbours.printed,
        )  # fmt: skip
        columns = {"name": ("School now nearest", ""), **{code: (str(names[code]), "") for code in sites.index}}
        panels.append(maps.table(
            f"Effect on neighbours: {tables.noun} who would have the site nearer", shown, columns, sources=sources,
            index="School",
        ))  # fmt: skip
    layers = [maps.outline(boundaries, names=False)] if boundaries is not None else []
    layers.append(_sites_layer(sites, schools, sources))
    return maps.MapBook(
        "Sites for a new school, side by side",
        finding=ranking.in_words(names),
        layers=tuple(layers),
        panels=tuple(panels),
        notes=(*([] if own else [JUDGEMENTS]), *ranking.notes, *notes),
        marking=tables.measures.rule.marking,
    )


def scored_values(values: pd.DataFrame, tables: SiteTables) -> pd.DataFrame:
    """The values to be scored: the council's own, and counts as printed (a hidden one as none)."""
    return values.assign(**{name: tables.measures.table[name].fillna(0.0) for name in tables.measures.table})


def _flows(table: ProtectedTable | None, sites: pd.Index, rule: Rule, noun: str) -> Protected:
    if table is None:
        empty = pd.DataFrame(columns=list(sites), dtype=float)
        return Protected(empty, empty.astype(bool), rule, noun)
    wide = table.unstack("site")
    used = (wide.table.fillna(1) > 0).any(axis=1)
    columns = [code for code in sites if code in wide.table]
    return Protected(
        wide.table.loc[used, columns], wide.hidden.loc[used, columns], rule, noun, dict.fromkeys(columns, noun),
        wide.printed,
    )  # fmt: skip


def _weights(criteria: Sequence[Criterion], ranking: Ranking, names: Mapping[str, str]) -> pd.DataFrame:
    rows = []
    for each in criteria:
        switch = ranking.switches.loc[each.name]
        rows.append(
            {
                "criterion": each.name + (f": {WORKED_OUT[each.name]}" if each.name in WORKED_OUT else ""),
                "share": round(100 * switch["share"]),
                "better": each.better,
                "worst": "worst of the sites" if each.worst is None else f"{each.worst:g} stated",
                "best": "best of the sites" if each.best is None else f"{each.best:g} stated",
                "switch": "no weight" if switch["at"] != switch["at"] else f"weight {100 * switch['at']:.0f} of 100",
                "then": names.get(switch["then"], "nobody") if switch["then"] else "stays first",
            }
        )
    return pd.DataFrame(rows)


def _sites_layer(sites: pd.DataFrame, schools: Schools, sources) -> maps.PointLayer:
    """Sites and schools in one layer; a site has a number that no school has."""
    frame = schools.frame[["name", "easting", "northing"]].assign(role="school")
    codes = {code: f"{NO_AUTHORITY}{number:04d}" for number, code in enumerate(sites.index, 1)}
    extra = sites[["name", "easting", "northing"]].assign(role="site")
    extra["name"] = [f"Site {code}: {name}" if name != code else f"Site {code}" for code, name in extra["name"].items()]
    extra.index = [codes[code] for code in sites.index]
    both = pd.concat([extra, frame])
    return maps.schools(
        both,
        sources=sources,
        mark_by="role",
        highlight=list(extra.index),
        title="Sites and schools",
        code_name="Number",
    )


# --- the specification of a new school ------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Specification:
    """What promoters and the public are told of a new school, as plain tables.

    Parameters
    ----------
    school
        The school.
    need
        When places run out.
    expected
        By year: ``homes``, ``low``, ``pupils``, ``high``, of the phase.
    year_groups
        By year group in the year of opening.
    opens
        The September it should open, and the first calendar year in which need should have been identified.
    ready
        The day on which consultation could begin.
    area
        The areas it would serve.
    notes
        What decides the figures.
    """

    school: NewSchool
    need: Need
    expected: pd.DataFrame
    year_groups: pd.DataFrame
    opens: int
    ready: date
    area: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Specification of {self.school.name}: opens {self.opens}>"

    @property
    def first_entry(self) -> int:
        """The first September that new admission arrangements can affect, if consultation begins when ready."""
        return max(self.opens, first_entry_year(self.ready))

    @property
    def identify_by(self) -> int:
        """The year by which the need has to be identified, by the guide's lead time."""
        return self.opens - LEAD_YEARS[self.school.phase]

    @property
    def facts(self) -> pd.DataFrame:
        """The school in short: what and how much."""
        school = self.school
        rows = [
            ("Name", school.name),
            ("Phase", school.phase),
            ("Year groups", f"{PHASES[school.phase][0]} to {PHASES[school.phase][-1]}"),
            ("Places", f"{school.places:,} places, {school.forms:g} form{'s' if school.forms != 1 else ''} of entry"),
            ("Area to be served", _areas_words(self.area)),
            ("Opens", f"September {self.opens}"),
            ("Need to be identified by", f"the year {self.identify_by}"),
            ("First entry under determined arrangements", f"September {self.first_entry}"),
        ]
        return pd.DataFrame(rows, columns=["what", "specified"])

    @property
    def calendar(self) -> pd.DataFrame:
        """The statutory steps: of admissions for the first entry, and of proposals from the day ready."""
        admissions = admissions_calendar(self.first_entry, self.school.phase).assign(
            part="Admissions and catchment area"
        )
        proposals = organisation_calendar(self.ready).assign(part="Proposals (maintained schools)")
        both = pd.concat([proposals, admissions], ignore_index=True)
        words = [step + (f" ({note})" if note else "") for step, note in zip(both["step"], both["note"], strict=True)]
        return both.assign(step=words)[["part", "step", "date", "source"]]

    @property
    def finding(self) -> str:
        """The specification in plain sentences."""
        late = self.first_entry > self.opens
        should = "should open" if self.need.expected else "is specified as if it opened"
        said = f"{self.need.sentence} The school {should} in September {self.opens}"
        if self.identify_by < self.ready.year:
            said += f"; with the guide's lead time its need had to be identified by {self.identify_by}"
        said += "."
        if late:
            said += f" Admission arrangements consulted on from now first bite for September {self.first_entry}."
        return said

    @property
    def text(self) -> str:
        """The sheet as plain text."""
        lines = [self.school.name, self.finding, ""]
        lines += [f"{what}: {specified}" for what, specified in self.facts.itertuples(index=False)]
        lines += ["", f"Area: {', '.join(self.area)}"] if self.area else []
        lines += ["", "Pupils from new homes (low, expected, high)"]
        for year, row in self.expected.iterrows():
            lines.append(
                f"{year_words(int(year))}: {row['homes']:,.0f} homes, {row['low']:,.0f} {row['pupils']:,.0f} "
                f"{row['high']:,.0f}"
            )
        lines += ["", "Calendar"]
        lines += [f"{row['date']}  {row['step']}" for _, row in self.calendar.iterrows()]
        return "\n".join([*lines, "", LEAD, AREA_FIRST, *self.notes])


def _areas_words(area: Sequence[str]) -> str:
    return f"{len(area):,} area{'' if len(area) == 1 else 's'}, listed below" if area else "not drawn"


def specification_book(
    spec: Specification,
    sources: Iterable[Source],
    schools: Schools,
    *,
    boundaries: Boundaries | None = None,
    neighbours: Protected | None = None,
) -> maps.MapBook:
    """The specification sheet of a new school, with its area drawn and its effect on neighbours.

    Parameters
    ----------
    spec
        The specification.
    sources
        What it was made from.
    schools
        To draw.
    boundaries
        Areas of the kind of ``spec.area``.
    neighbours
        By school: pupils on roll, and those living in the new area (:func:`protect_neighbours`).
    """
    sources = tuple(sources)
    expected = spec.expected.round().rename(index=lambda year: year_words(int(year)))
    columns = {"homes": ("Homes finished", ""), "low": ("Low", ""), "pupils": ("Expected", ""), "high": ("High", "")}
    groups = {name: columns[name] for name in ("low", "pupils", "high")}
    panels = [
        maps.table("The school", public=spec.facts, sources=sources,
                   columns={"what": ("What", ""), "specified": ("Specified", "")}),
        maps.table(f"{spec.school.phase.capitalize()} pupils from new homes", public=expected, columns=columns,
                   sources=sources, index="Year", note="Low: sure homes only, a year late, at the low yield. High: "
                   "all homes, on time, at the high yield."),
        maps.table(f"By year group in {year_words(spec.opens)}", public=spec.year_groups.round(1), columns=groups,
                   sources=sources, index="Year group"),
        maps.table("The statutory calendar", public=spec.calendar, sources=sources,
                   columns={name: (name.capitalize(), "") for name in ("part", "step", "date")},
                   note="Check the dates of the year; academies and free schools are proposed to the Department."),
    ]  # fmt: skip
    layers = []
    if spec.area:
        listed = pd.DataFrame({"area": list(spec.area)})
        panels.append(maps.table("The areas, listed", public=listed, sources=sources,
                                 columns={"area": ("Area, the nearest first", "")}))  # fmt: skip
    if spec.area and boundaries is not None:
        outside, within = _AREAS
        inside = pd.Series(outside, boundaries.codes).mask(boundaries.codes.isin(spec.area), within)
        table = pd.DataFrame({"area": inside.to_numpy()}, index=boundaries.codes)
        drawn = Protected(table, pd.DataFrame(index=table.index), base="areas")
        layers.append(
            maps.areas(boundaries, drawn, value="area", title="The area to be served", scale="categories",
                       legend="Area", sources=sources, focus=spec.area, colours=_AREAS)
        )  # fmt: skip
    if neighbours is not None:
        panels.insert(3, maps.table(
            "Effect on neighbours", neighbours,
            {"name": ("School", ""), "on roll": (f"{neighbours.base.capitalize()} of the phase", ""),
             "lives there": ("Live in the new area", "")},
            sources=sources, index="Number",
            note="As many as live there could change; how many would is for families to say.",
        ))  # fmt: skip
    frame = schools.frame[["name", "easting", "northing"]].assign(role="school")
    new = pd.DataFrame(
        {"name": [spec.school.name], "easting": [spec.school.easting], "northing": [spec.school.northing],
         "role": ["new school"]}, index=[f"{NO_AUTHORITY}0001"],
    )  # fmt: skip
    layers.append(
        maps.schools(
            pd.concat([new, frame]),
            sources=sources,
            mark_by="role",
            highlight=f"{NO_AUTHORITY}0001",
            title="Schools",
            code_name="Number",
        )
    )
    return maps.MapBook(
        f"Specification: {spec.school.name}",
        finding=spec.finding,
        layers=tuple(layers),
        panels=tuple(panels),
        notes=(LEAD, AREA_FIRST, *spec.notes),
        marking=neighbours.rule.marking if neighbours is not None else "",
    )


def protect_neighbours(
    raw: RawTable, names: Mapping[str, str], rule: Rule = PUBLIC, earlier: Sequence[PrintedTable] = ()
) -> Protected:
    """Each school's pupils who live in a new school's area (:func:`geoplan.housing.pupils_in`), the most first.

    Returns
    -------
    Protected
        By school with any: ``name``, ``on roll`` (both parts, where both are printed), ``lives there``.
    """
    before = [table for table in earlier if table.population == raw.population]
    wide = protect_tables([raw], rule, earlier=before)[0].unstack("lives there")
    parts = wide.table.reindex(columns=["yes", "no"], fill_value=0.0)
    gone = wide.hidden.reindex(columns=["yes", "no"], fill_value=False).fillna(False).astype(bool)
    table = pd.DataFrame(
        {
            "name": [str(names.get(code, code)) for code in parts.index],
            "on roll": parts.sum(axis=1).mask(gone.any(axis=1)),
            "lives there": parts["yes"].mask(gone["yes"]),
        },
        index=parts.index,
    )
    hidden = pd.DataFrame({"on roll": gone.any(axis=1), "lives there": gone["yes"]}, index=parts.index)
    keep = (parts["yes"] > 0) | gone["yes"]
    order = table.loc[keep, "lives there"].fillna(0).sort_values(ascending=False, kind="stable").index
    return Protected(table.loc[order], hidden.loc[order], rule, raw.noun, dict.fromkeys(hidden, raw.noun), wide.printed)


def _heading(criterion: str) -> str:
    """A criterion of the council's file as a heading: ``safe_walking`` is Safe walking."""
    return criterion.replace("_", " ").capitalize()

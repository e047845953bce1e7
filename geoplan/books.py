"""The standard pages: which layers and panels the book of a place or of a school has.

Everything is taken from protected tables; this module decides only what stands on a page and in what words.
"""

from __future__ import annotations

import pandas as pd

from geoplan import maps
from geoplan.areas import Boundaries
from geoplan.assignment import NOT_PLACED, Assignment
from geoplan.comparison import compare
from geoplan.disclosure import PUBLIC, Protected, Rule, protect, protect_counts
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.profiles import compare_schools, profile, protect_schools
from geoplan.schools import Schools
from geoplan.similarity import similar_schools

READ_WITH_CARE = "Read with local knowledge: a segment describes a neighbourhood, not a family."
SCHOOL_FACTS = {"Phase": "phase", "Type": "type", "Cluster": "cluster", "Places": "places", "PAN": "pan"}
_SIMILAR = {"name": "School", "distance": ("Difference in mix (0 to 1)", ""), "km": ("Kilometres away", "")}


def place_book(
    people: Assignment, schools: Schools, boundaries: Boundaries, title: str = "", rule: Rule = PUBLIC
) -> maps.MapBook:
    """The book of a place: where pupils live, each segment's share, and every school's profile on its card.

    Parameters
    ----------
    people
        Pupils assigned to segments and to the boundaries' kind.
    schools
        The schools.
    boundaries
        The areas to colour.
    title
        The page's heading.
    rule
        The small-number rule.

    Returns
    -------
    MapBook
    """
    counts = _area_counts(people, boundaries)
    layers = [_pupils_layer(people, counts.sum(axis=1), boundaries, "All pupils by where they live", rule)]
    if people.segmentation is None:
        return maps.MapBook(
            title or f"Where {people.noun} live",
            finding=f"{_about(people.count, rule).capitalize()} {people.noun} at {len(schools.frame):,} schools.",
            layers=(*layers, maps.schools(schools.frame, sources=[schools.source], facts=_facts(schools))),
            notes=("No segmentation is named, so there are no profiles.",),
        )
    layers += _segment_layers(people, counts, boundaries, rule)
    finding = (
        f"{_about(people.count, rule).capitalize()} {people.noun} at {len(schools.frame):,} schools; "
        f"choose a segment to see where its families live, or a school to see who it serves."
    )
    return maps.MapBook(
        title or f"Where {people.noun} live and which communities schools serve",
        finding=finding,
        layers=(*layers, _schools_layer(people, schools, rule)),
        notes=(READ_WITH_CARE, *_trust(people, rule)),
    )


def community_book(
    people: Assignment, schools: Schools, boundaries: Boundaries, school: str, rule: Rule = PUBLIC
) -> maps.MapBook:
    """The book of one school: who comes, from where, and which schools serve people like ours.

    Parameters
    ----------
    people
        Pupils assigned to segments and to the boundaries' kind.
    schools
        The schools; ``school`` must be one of them.
    boundaries
        The areas to colour.
    school
        The school's code.
    rule
        The small-number rule.

    Returns
    -------
    MapBook
    """
    if school not in schools.frame.index:
        raise UnknownCodeError(f"school {school} is not in the schools file")
    ours = people.where(school=school)
    shown = profile(people, school).protect(rule)
    alike = similar_schools(people, school, schools=schools.frame, rule=rule)
    name = str(schools.frame.loc[school, "name"])
    counts = _area_counts(ours, boundaries).sum(axis=1)
    sources = (*people.sources, schools.source)
    role = pd.Series("other school", index=schools.frame.index).mask(
        schools.frame.index.isin(alike["similar"]), "school like it"
    )
    layers = [
        _pupils_layer(ours, counts, boundaries, f"Where pupils of {name} live", rule, near=True),
        maps.schools(
            schools.frame.assign(role=role),
            sources=[schools.source],
            facts=_facts(schools),
            mark_by="role",
            highlight=school,
            title="Schools",
        ),
    ]
    panels = [
        _bars(f"Who comes to {name}", shown, sources, name),
        maps.table(
            "The same in numbers",
            shown,
            _profile_columns(),
            sources=sources,
            index="Segment",
            note="Index 100 is the same share as the base; an interval that contains 100 may be chance.",
        ),
        maps.table(
            "Schools that serve people like ours, near or far",
            columns=_SIMILAR,
            public=alike.set_index("similar").round({"distance": 2, "km": 1}),
            sources=sources,
            index="URN",
            note="Alike in the mix of segments their pupils come from; results play no part.",
        ),
    ]
    return maps.MapBook(
        f"{name}: who comes, and from where",
        finding=_finding(shown),
        layers=tuple(layers),
        panels=tuple(panels),
        notes=(READ_WITH_CARE, *_outside(counts, ours, rule), *_trust(ours, rule)),
    )


# --- the parts ------------------------------------------------------------------------------------------


def _area_counts(people: Assignment, boundaries: Boundaries) -> pd.DataFrame:
    """People by area of the boundaries (every area) and segment, those not placed in a segment included."""
    if boundaries.kind not in people.kinds:
        raise VintageError(
            f"these people have no {boundaries.kind} codes, only {', '.join(people.kinds)}; "
            "give assign() the same boundaries"
        )
    if people.segmentation is None:
        counts = people.counts(by=boundaries.kind).to_frame(NOT_PLACED)
    else:
        counts = people.counts(by=[boundaries.kind, "segment"]).unstack(fill_value=0)
    return counts.reindex(boundaries.codes, fill_value=0)


def _pupils_layer(
    people: Assignment, counts: pd.Series, boundaries: Boundaries, title: str, rule: Rule, near: bool = False
) -> maps.AreaLayer:
    """Pupils by area; ``near`` opens the page on the areas where a number is shown."""
    table = protect(counts.to_frame("pupils"), counts=["pupils"], rule=rule, base=people.noun)
    return maps.areas(
        boundaries,
        table,
        value="pupils",
        title=title,
        unit=people.noun,
        legend=f"{people.noun.capitalize()} living there",
        sources=people.sources,
        focus=table.table.index[table.table["pupils"] > 0] if near else (),
    )


def _segment_layers(people: Assignment, counts: pd.DataFrame, boundaries: Boundaries, rule: Rule) -> list:
    placed = counts.drop(columns=NOT_PLACED, errors="ignore")
    shown = compare(placed, placed.sum(), f"all {people.noun} in these areas").protect(rule)
    layers = []
    for segment in placed.columns:
        rows = shown.table.index.get_level_values(-1) == segment
        table = shown.table[rows].droplevel(-1)[["share", "count"]]
        hidden = shown.hidden[rows].droplevel(-1)[["share", "count"]]
        units = {"share": "share", "count": people.noun}
        name = people.segmentation.name(segment)
        layers.append(
            maps.areas(
                boundaries,
                Protected(table, hidden, rule, shown.base, units),
                value="share",
                title=f"Segment: {name}",
                legend=f"Share of {people.noun} in {name}",
                details={f"{people.noun.capitalize()} in {name}": "count"},
                breaks=(0.1, 0.2, 0.4, 0.6),
                sources=people.sources,
            )
        )
    return layers


def _schools_layer(people: Assignment, schools: Schools, rule: Rule) -> maps.PointLayer:
    protected = protect_schools(people, compare_schools(people), rule)
    alike = similar_schools(people, schools=schools.frame, n=5, rule=rule)
    near = dict(list(alike.groupby("school")))
    sources = (*people.sources, schools.source)
    details = {}
    for school, table in protected.items():
        if school not in schools.frame.index:
            continue
        blocks = [_finding(table), _bars("Who comes", table, sources, "This school")]
        if school in near:
            rows = near[school].set_index("similar").round({"distance": 2, "km": 1})
            blocks.append(maps.table("Schools most like it", public=rows, columns=_SIMILAR, sources=sources))
        details[school] = tuple(blocks)
    return maps.schools(
        schools.frame, sources=[schools.source], facts=_facts(schools), details=details, title="Schools"
    )


def _facts(schools: Schools) -> dict[str, str]:
    return {label: column for label, column in SCHOOL_FACTS.items() if column in schools.frame}


def _bars(title: str, shown: Protected, sources, group: str) -> maps.BarPanel:
    return maps.bars(
        title,
        shown,
        sources=sources,
        low="share_low",
        high="share_high",
        label="name",
        group=group,
        base=shown.base,
    )


def _profile_columns() -> dict[str, tuple[str, str]]:
    return {
        "name": ("Name", ""),
        "count": ("Pupils", "pupils"),
        "share": ("Share", "share"),
        "base_share": ("Share of the base", "share"),
        "index": ("Index", "index"),
        "index_low": ("Index, low", "index"),
        "index_high": ("Index, high", "index"),
    }


def _finding(shown: Protected, most: int = 2) -> str:
    """One plain sentence: the segments clearly over and under the base, the widest gaps first."""
    table = shown.table.assign(gap=100 * (shown.table["share"] - shown.table["base_share"]))
    more = table[table["index_low"] > 100].sort_values("gap", ascending=False).head(most)
    fewer = table[table["index_high"] < 100].sort_values("gap").head(most)
    if not len(more) and not len(fewer):
        return f"No segment stands out beyond chance, compared with {shown.base}."
    parts = []
    if len(more):
        parts.append(f"More come from {_with_shares(more)}")
    if len(fewer):
        parts.append(f"{'fewer' if parts else 'Fewer come'} from {_with_shares(fewer)}")
    return f"{'; '.join(parts)}. Compared with {shown.base}."


def _with_shares(rows: pd.DataFrame) -> str:
    named = [
        f"{row['name']} ({100 * row['share']:.0f}% against {100 * row['base_share']:.0f}%)"
        for _, row in rows.iterrows()
    ]
    return " and ".join(named)


def _about(count: int, rule: Rule) -> str:
    shown, hidden = protect_counts(pd.Series([count]), rule)
    return f"fewer than {rule.hide_below}" if hidden[0] else f"about {shown[0]:,.0f}"


def _trust(people: Assignment, rule: Rule) -> list[str]:
    """How far to trust the page: who could not be placed."""
    missing = int(people.people["segment"].isna().sum())
    if not missing:
        return []
    return [
        f"{_about(missing, rule).capitalize()} of {_about(people.count, rule)} {people.noun} could not be placed "
        "in a segment (no postcode, or one that no directory has); shares are of those placed."
    ]


def _outside(counts: pd.Series, people: Assignment, rule: Rule) -> list[str]:
    outside = people.count - int(counts.sum())
    if not outside:
        return []
    return [f"{_about(outside, rule).capitalize()} {people.noun} live outside the areas drawn, or could not be placed."]

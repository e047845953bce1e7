"""The standard pages: which layers and panels the book of a place or of a school has.

Everything is taken from protected tables; this module decides only what stands on a page and in what words.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from geoplan import maps
from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import UnknownCodeError
from geoplan.protection import ELSEWHERE, PUPILS, PlaceTables, protect_areas, protect_place
from geoplan.schools import Schools
from geoplan.similarity import printed_totals, similar_shown

READ_WITH_CARE = "Read with local knowledge: a segment describes a neighbourhood, not a family."
SCHOOL_FACTS = {"Phase": "phase", "Type": "type", "Cluster": "cluster", "Places": "places", "PAN": "pan"}
_SIMILAR = {"name": "School", "distance": ("Difference in mix (0 to 1)", ""), "km": ("Kilometres away", "")}


def place_book(
    people: Assignment,
    schools: Schools,
    boundaries: Boundaries,
    title: str = "",
    rule: Rule = PUBLIC,
    tables: PlaceTables | None = None,
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
    tables
        The protected tables to use, where several pages are made from the same ones.

    Returns
    -------
    MapBook
    """
    about = f"{_about(people.count, rule).capitalize()} {people.noun} at {len(schools.frame):,} schools"
    if people.segmentation is None:
        areas = protect_areas(people, boundaries, rule)
        return maps.MapBook(
            title or f"Where {people.noun} live",
            finding=f"{about}.",
            layers=(
                _pupils_layer(people, areas, boundaries, "All pupils by where they live"),
                maps.schools(schools.frame, sources=[schools.source], facts=_facts(schools)),
            ),
            notes=("No segmentation is named, so there are no profiles.",),
            marking=rule.marking,
        )
    tables = tables or protect_place(people, boundaries, rule)
    layers = [_pupils_layer(people, tables.areas, boundaries, "All pupils by where they live")]
    layers += _segment_layers(people, tables, boundaries)
    return maps.MapBook(
        title or f"Where {people.noun} live and which communities schools serve",
        finding=f"{about}; choose a segment to see where its families live, or a school to see who it serves.",
        layers=(*layers, _schools_layer(people, schools, tables)),
        notes=(READ_WITH_CARE, *_trust(people, rule)),
        marking=rule.marking,
    )


def community_book(
    people: Assignment,
    schools: Schools,
    boundaries: Boundaries,
    school: str,
    rule: Rule = PUBLIC,
    tables: PlaceTables | None = None,
    cautions: Sequence[str] = (),
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
    tables
        The protected tables to use, with the ``homes`` of this school, where several pages are made from them.
    cautions
        How far to trust it, in sentences (:func:`geoplan.cautions.cautions`), in place of how many could not be placed.

    Returns
    -------
    MapBook
    """
    if school not in schools.frame.index:
        raise UnknownCodeError(f"school {school} is not in the schools file")
    tables = tables or protect_place(people, boundaries, rule, homes=[school])
    if school not in tables.profiles:
        raise UnknownCodeError(f"school {school} has no pupils placed in a segment")
    shown, homes = tables.profiles[school], tables.homes[school]
    alike = similar_shown(tables.by_school, school, schools=schools.frame, totals=printed_totals(tables.profiles))
    name = str(schools.frame.loc[school, "name"])
    sources = (*people.sources, schools.source)
    role = pd.Series("other school", index=schools.frame.index).mask(
        schools.frame.index.isin(alike["similar"]), "school like it"
    )
    layers = [
        _pupils_layer(people, homes, boundaries, f"Where pupils of {name} live", near=True),
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
            note="Index 100 is the same share as the base. The sentence above names only what is beyond chance, "
            "all schools and segments of the place taken together.",
        ),
        maps.table(
            "Schools that serve people like ours, near or far",
            columns=_SIMILAR,
            public=alike.set_index("similar").round({"distance": 2, "km": 1}),
            sources=sources,
            index="URN",
            note="Alike in the mix of segments their pupils come from; results play no part. These are the nearest "
            "there are: those far down may be alike only loosely.",
        ),
    ]
    return maps.MapBook(
        f"{name}: who comes, and from where",
        finding=_finding(shown),
        layers=tuple(layers),
        panels=tuple(panels),
        notes=(
            READ_WITH_CARE,
            *_outside(homes, people),
            *(cautions or _trust(people.where(school=school), rule)),
        ),
        marking=rule.marking,
    )


# --- the parts ------------------------------------------------------------------------------------------


def _pupils_layer(
    people: Assignment, shown: Protected, boundaries: Boundaries, title: str, near: bool = False
) -> maps.AreaLayer:
    """Pupils by area; ``near`` opens the page on the areas where a number is shown."""
    table = shown.table.reindex(boundaries.codes, fill_value=0.0)
    hidden = shown.hidden.reindex(boundaries.codes, fill_value=False)
    return maps.areas(
        boundaries,
        Protected(table, hidden, shown.rule, people.noun, printed=shown.printed),
        value=PUPILS,
        title=title,
        unit=people.noun,
        legend=f"{people.noun.capitalize()} living there",
        sources=people.sources,
        focus=table.index[table[PUPILS] > 0] if near else (),
    )


def _segment_layers(people: Assignment, tables: PlaceTables, boundaries: Boundaries) -> list:
    layers = []
    for segment, table in tables.area_shares.items():
        name = people.segmentation.name(segment)
        layers.append(
            maps.areas(
                boundaries,
                table,
                value="share",
                title=f"Segment: {name}",
                legend=f"Share of {people.noun} in {name}",
                details={f"{people.noun.capitalize()} in {name}": "count"},
                breaks=(0.1, 0.2, 0.4, 0.6),
                sources=people.sources,
            )
        )
    return layers


def _schools_layer(people: Assignment, schools: Schools, tables: PlaceTables) -> maps.PointLayer:
    alike = similar_shown(tables.by_school, schools=schools.frame, n=5, totals=printed_totals(tables.profiles))
    near = dict(list(alike.groupby("school")))
    sources = (*people.sources, schools.source)
    details = {}
    for school, table in tables.profiles.items():
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
    table = shown.table[shown.table["notable"]]
    more = table[table["gap_points"] > 0].sort_values("gap_points", ascending=False).head(most)
    fewer = table[table["gap_points"] < 0].sort_values("gap_points").head(most)
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


def _outside(homes: Protected, people: Assignment) -> list[str]:
    if ELSEWHERE not in homes.table.index:
        return []
    count = homes.table.loc[ELSEWHERE, PUPILS]
    shown = f"fewer than {homes.rule.hide_below}" if homes.hidden.loc[ELSEWHERE, PUPILS] else f"about {count:,.0f}"
    return [f"{shown.capitalize()} {people.noun} live outside the areas drawn."]

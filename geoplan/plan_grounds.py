"""The ground of an option set: small areas, what each plan makes of them, and the desk that protects tables in turn.

Every option is set against the first plan (today's) on one base: everybody who has an area of the plans' kind. Those
who live outside every plan stay in the tables as ``elsewhere``, so that nothing depends on which areas an option has.
The catchments of all plans are made of the same small areas; the gate is told so, and attacks the options together
with each other and with the options of earlier releases. A plan that was changed is another plan to it.

The counts of the ground are exact; :mod:`geoplan.plan_tables` shows what may be shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from geoplan.catchments import NONE, CatchmentPlan
from geoplan.disclosure import Rule
from geoplan.distances import METRES_PER_MILE
from geoplan.effects import EFFECTS, NO_CLUSTER, Change, Residents, clusters_of
from geoplan.errors import DisclosureRefused
from geoplan.evidence import Nesting, PrintedTable
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import NO, YES, RawTable, population_name

ELSEWHERE, NO_SCHOOL = "elsewhere", "no school"
STAY, MOVES_TO = "stay", "moves to "
TO = " > "
ATTENDS = "attends the catchment school"
MOST_TOGETHER = 180  # counts by piece and category that releases of option sets may come to: proving more takes minutes
WAYS_ON = (
    'What helps: say which earlier files were drafts that never left the office ("geoplan ledger list", then "geoplan '
    'ledger withdraw NUMBER"); try options with exact numbers that stay inside (--internal REASON, on the screen or '
    "with -o); put all options of a paper into one plan compare, which counts as one release"
)
BANDS = ("up to 2 miles", "2 to 3 miles", "over 3 miles")
MIXED = {"fsm": YES, "idaci": "1"}  # whose spread between catchments is measured: the value of each attribute
NONE_OF = {"fsm": NO, "sen": "N", "eal": NO}
NOT_KNOWN, ANOTHER_SCHOOL = "unknown", "another school"


# --- the ground: areas, and what each plan makes of them -------------------------------------------------


def population_words(residents: Residents, base_name: str, data: str) -> str:
    """Who is counted, in words: with the kind of area and what the data are called."""
    who = residents.noun if base_name == residents.noun else f"{residents.noun}: {base_name}"
    return population_name(f"{who}, with a code of {residents.kind}", data)


class Ground:
    """The small areas, and for each plan and option which group each is in."""

    def __init__(self, plans: dict[str, CatchmentPlan], residents: Residents, base_name: str, data: str, clusters=None):
        self.plans, self.residents = plans, residents
        self.population = population_words(residents, base_name, data)
        self.areas = residents.areas
        covered = pd.Index(sorted(set().union(*(plan.areas for plan in plans.values()))))
        inside = self.areas.isin(covered)
        self.inside = inside[residents.area]
        self.lookup = {title: _schools_of(plan) for title, plan in plans.items()}
        self.of_plan = {title: table.reindex(self.areas).fillna(ELSEWHERE) for title, table in self.lookup.items()}
        first = next(iter(plans))
        self.flow_lookup = {title: flow_of_areas(plans[first], plans[title]) for title in list(plans)[1:]}
        self.flow = {title: table.reindex(self.areas).fillna(STAY) for title, table in self.flow_lookup.items()}
        self.dims = {title: f"{_word(title)} [{plan_fingerprint(plan)}]" for title, plan in plans.items()}
        today = plan_fingerprint(plans[first])
        self.flow_dims = {
            title: f"{MOVES_TO}{_word(title)} [{today} {plan_fingerprint(plans[title])}]" for title in list(plans)[1:]
        }
        self._group_clusters(clusters)

    def _group_clusters(self, clusters: pd.Series | None) -> None:
        """The cluster that each area is in under each plan; nothing where no school has one."""
        self.catchment_clusters = {} if clusters is None else {
            title: clusters_of(plan, clusters).to_dict() for title, plan in self.plans.items()
        }  # fmt: skip
        self.has_clusters = any(set(each.values()) - {NO_CLUSTER} for each in self.catchment_clusters.values())
        self.school_cluster = {} if clusters is None else clusters.fillna("").astype("str").to_dict()
        self.cluster_flow_lookup, self.cluster_flow_dims = {}, {}
        if not self.has_clusters:
            return
        named = {title: {NO_SCHOOL: NO_SCHOOL, **names} for title, names in self.catchment_clusters.items()}
        lookup = {title: table.map(named[title]).astype("str") for title, table in self.lookup.items()}
        mark = {title: _mark_of(table.to_csv(header=False)) for title, table in lookup.items()}
        first, *options = self.plans
        for title in options:
            self.cluster_flow_lookup[title] = _flow(lookup[first], lookup[title])
            self.cluster_flow_dims[title] = f"{MOVES_TO}cluster of {_word(title)} [{mark[first]} {mark[title]}]"

    @property
    def nested(self) -> tuple[Nesting, ...]:
        """Catchments and moves are made of areas: by the plans alone, whoever lives there."""
        parts = {self.dims[title]: table for title, table in self.lookup.items()}
        parts |= {self.flow_dims[title]: table for title, table in self.flow_lookup.items()}
        parts |= {self.cluster_flow_dims[title]: table for title, table in self.cluster_flow_lookup.items()}
        return tuple(Nesting(self.residents.kind, dim, table.to_dict()) for dim, table in parts.items())

    def raw(self, name: str, attributes: Sequence[str] = (), kept=None, complete: bool = True, **dims) -> RawTable:
        """People counted by dimensions, each the codes of persons and what they stand for."""
        counted = pd.DataFrame({dim: labels.to_numpy()[codes] for dim, (codes, labels) in dims.items()})
        if kept is not None:
            counted = counted[kept]
        counts = counted.groupby(list(dims), observed=True).size()
        if len(dims) > 1:
            counts = counts.unstack(fill_value=0).stack().astype("int64")
        geography = self.residents.kind if self.residents.kind in dims else None
        return RawTable(
            name, counts, self.residents.noun, self.population, geography, tuple(attributes), complete=complete
        )

    def catchment_of(self, title: str) -> tuple[np.ndarray, pd.Index]:
        """The catchment of each person under a plan, as a dimension."""
        codes, labels = pd.factorize(self.of_plan[title], sort=True)
        return codes[self.residents.area], pd.Index(labels)

    def flow_of(self, title: str) -> tuple[np.ndarray, pd.Index]:
        codes, labels = pd.factorize(self.flow[title], sort=True)
        return codes[self.residents.area], pd.Index(labels)

    def by_cluster_flow(self, title: str) -> RawTable:
        """People by the clusters that they leave and come to; those who keep theirs in one row."""
        codes, labels = pd.factorize(self.cluster_flow_lookup[title].reindex(self.areas).fillna(STAY), sort=True)
        name = f"{self.residents.noun} who change cluster, {title}"
        return self.raw(name, **{self.cluster_flow_dims[title]: (codes[self.residents.area], pd.Index(labels))})

    def by_catchment(self, title: str) -> RawTable:
        """People by catchment, zeros written out."""
        raw = self.raw(f"{self.residents.noun} by catchment, {title}", **{self.dims[title]: self.catchment_of(title)})
        codes = sorted(set(self.of_plan[title]))
        counts = raw.counts.reindex(pd.Index(codes, name=self.dims[title]), fill_value=0)
        return RawTable(raw.name, counts, raw.noun, raw.population)

    def by_flow(self, title: str) -> RawTable:
        """People by the catchments that they leave and come to; those who stay in one row."""
        return self.raw(f"{self.residents.noun} who move, {title}", **{self.flow_dims[title]: self.flow_of(title)})

    def moving(self, title: str) -> pd.Index:
        """The areas that move."""
        table = self.flow_lookup[title]
        return table.index[(table != STAY).to_numpy()]


def _word(title: str) -> str:
    """A title as part of a dimension's name, which the gate's words for unprinted sums must not run into."""
    return " ".join(title.replace(",", " ").replace(" by ", " ").split())


def _schools_of(plan: CatchmentPlan) -> pd.Series:
    return plan.table.replace(NONE, NO_SCHOOL).astype("str")


def flow_of_areas(first: CatchmentPlan, option: CatchmentPlan) -> pd.Series:
    """From which catchment to which each area of two plans goes; one that stays says so.

    Examples
    --------
    >>> today = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "101", "E2": "102"}))
    >>> flow_of_areas(today, today.move(["E2"], to="101")).to_dict()
    {'E1': 'stay', 'E2': '102 > 101'}
    """
    return _flow(_schools_of(first), _schools_of(option))


def _flow(before: pd.Series, after: pd.Series) -> pd.Series:
    areas = before.index.union(after.index)
    one, other = (table.reindex(areas).fillna(ELSEWHERE) for table in (before, after))
    return (one + TO + other).where(one != other, STAY)


def plan_fingerprint(plan: CatchmentPlan) -> str:
    """A mark of a plan's areas and shared catchments: another for every other plan."""
    return _mark_of(plan.table.to_csv(header=False) + repr(sorted(plan.shared.items())))


def _mark_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


# --- the desk --------------------------------------------------------------------------------------------


class Desk:
    """Tables protected in turn, each beside all before it.

    The catchments of all plans, of this and of earlier releases, are made of the pieces that they cut; where people by
    area are shown, the areas shown are pieces by themselves. Tables that cross catchments with an attribute are
    attacked beside all tables of catchments and moves and all of the same attribute; not across two attributes.
    """

    def __init__(self, ground: Ground, rule: Rule, earlier: tuple, earlier_nested: tuple, areas: Iterable[str] = ()):
        self.rule, self.kind = rule, ground.residents.kind
        self.attributes = set(ground.residents.columns)
        self.printed = [table for table in earlier if table.population == ground.population]
        self.released = bool(self.printed)
        used = {dim for table in self.printed for dim in table.dims}
        mine = {nesting.coarse for nesting in ground.nested}
        older = [each for each in earlier_nested if each.coarse in used and each.coarse not in mine]
        nested = (*ground.nested, *(each for each in older if each.fine == self.kind))
        single = {*areas, *(cell[0] for table in self.printed if table.dims == (self.kind,) for cell in table.cells)}
        self.piece, self.by_area = _pieces(nested, ground.areas.union(sorted(single)), self.kind, single)
        self.by_piece = pieces_of(nested, ground.areas)

    def check_size(self, ground: Ground) -> None:
        """Refuse, before anything is worked out, what would take minutes to prove safe beside earlier releases."""
        names = [name for name in ("year_group", *MIXED) if name in self.attributes]
        if self.rule.exact or not self.printed or not names:
            return
        pieces = len(self.by_piece[0].lookup)
        alone = len(pieces_of(ground.nested, ground.areas)[0].lookup)
        widest = max(names, key=lambda name: len(ground.residents.columns[name][1]))
        count = pieces * len(ground.residents.columns[widest][1])
        if count > MOST_TOGETHER and pieces > 1.5 * alone:
            raise DisclosureRefused(
                f"too many different options were released of these {ground.residents.noun}: all plans so far and "
                f"these cut the areas into {pieces:,} pieces, {count:,} counts by {widest.replace('_', ' ')}, and no "
                f"more than {MOST_TOGETHER:,} can be proven safe together in good time. {WAYS_ON}. What was released "
                "before may be compared again",
                (),
            )

    def _attributes_of(self, table: PrintedTable) -> set[str]:
        """The dimensions of a table that describe people, not where they live."""
        return {dim for dim in table.dims if dim in self.attributes or dim.startswith((ATTENDS, "feeder of "))}

    def protect(
        self, tables: Sequence[RawTable], by_area: bool = False, patience: int = 0, nested: tuple[Nesting, ...] = ()
    ) -> list[ProtectedTable]:
        populations = {table.population for table in tables}
        before = [table for table in self.printed if table.population in populations]
        if not by_area:
            here = {dim for table in tables for dim in table.dims}
            before = [
                table for table in before if self.kind not in table.dims and not self._attributes_of(table) - here
            ]
        else:
            before = [table for table in before if not self._attributes_of(table)]
        try:
            made = protect_tables(
                list(tables), self.rule, earlier=[] if self.rule.exact else before,
                nested=(*(self.by_area if by_area else self.by_piece), *nested), totals="rounded", patience=patience,
            )  # fmt: skip
        except DisclosureRefused as error:
            if not self.released:
                raise
            count = len(error.offenders)
            words = f"{count:,} small number{'s' * (count != 1)}" if count else "small numbers"
            what = f"{words} could be worked out of these options and those released before. {WAYS_ON}"
            raise DisclosureRefused(what, error.offenders) from error
        self.printed += [table.printed for table in made]
        return list(made)


def pieces_of(nested: Sequence[Nesting], areas: Iterable[str]) -> tuple[Nesting, ...]:
    """The pieces that several plans cut, and which catchment of each plan they lie in.

    Parameters
    ----------
    nested
        How catchments and moves are made of areas (:attr:`OptionTables.nested`).
    areas
        The areas that people live in; those that a plan lacks are elsewhere, and stay.
    """
    return _pieces(nested, areas)[1]


def _pieces(
    nested: Sequence[Nesting], areas: Iterable[str], kind: str = "", single: Iterable[str] = ()
) -> tuple[pd.Series, tuple[Nesting, ...]]:
    """The piece that each area is in, and what pieces lie in; ``single`` areas are pieces by their own codes."""
    areas = pd.Index(areas)
    table = pd.DataFrame(
        {
            each.coarse: pd.Series(each.lookup, dtype="object")
            .reindex(areas)
            .fillna(STAY if each.coarse.startswith(MOVES_TO) else ELSEWHERE)
            for each in nested
        }
    ).astype("str")
    order = table.drop_duplicates().sort_values(list(table.columns))
    number = pd.Series([f"piece {at}" for at in range(len(order))], index=pd.MultiIndex.from_frame(order))
    piece = pd.Series(number.reindex(pd.MultiIndex.from_frame(table)).to_numpy(), index=areas)
    alone = areas.isin(sorted(single))
    piece = piece.where(~alone, areas.to_series())
    fine = kind if alone.any() else "pieces of " + "; ".join(table.columns)
    table = table[~piece.duplicated().to_numpy()].set_axis(piece[~piece.duplicated()])
    return piece, tuple(Nesting(fine, name, table[name].to_dict()) for name in table.columns)


# --- exact counts ----------------------------------------------------------------------------------------


def effect_dim(ground: Ground, option: str) -> str:
    """What the dimension of effects is called, by the plans compared and the way measured."""
    return f"what becomes of them: {ground.flow_dims[option]}{ground.way}"


def effect_counts(ground: Ground, change: Change, option: str, name: str = "") -> RawTable:
    """What becomes of those in the plans, by an attribute if one is named."""
    dims = {effect_dim(ground, option): _effect_of(ground, change, option)}
    title = f"what becomes of {ground.residents.noun}"
    if not name:
        return ground.raw(f"{title}, {option}", kept=ground.inside, complete=False, **dims)
    dims = {name: with_others(name, *ground.residents.columns[name]), **dims}
    return ground.raw(f"{title} by {name}, {option}", (name,), kept=ground.inside, complete=False, **dims)


def with_others(name: str, codes: np.ndarray, labels: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """An attribute with those of whom it is not known among those who have it not, where there is such a value.

    Parameters
    ----------
    name
        The attribute.
    codes, labels
        Of each person.

    Examples
    --------
    >>> with_others("fsm", np.array([0, 1, 2]), pd.Index(["no", "unknown", "yes"]))[1].to_list()
    ['no or not known', 'unknown', 'yes']
    """
    none = NONE_OF.get(name)
    if none not in labels or NOT_KNOWN not in labels:
        return codes, labels
    codes = np.where(codes == labels.get_loc(NOT_KNOWN), labels.get_loc(none), codes)
    return codes, labels.where(labels != none, f"{none} or not known")


def _effect_of(ground: Ground, change: Change, option: str) -> tuple[np.ndarray, pd.Index]:
    """The effect on everybody of the ground; those outside both plans stay."""
    codes = np.zeros(len(ground.residents), dtype=np.int64)
    first = ground.plans[next(iter(ground.plans))]
    kept = ground.areas.isin(_with_school(first)) | ground.areas.isin(_with_school(ground.plans[option]))
    codes[kept[ground.residents.area]] = change.effects[0]
    return codes, pd.Index(EFFECTS)


def _with_school(plan: CatchmentPlan) -> pd.Index:
    return plan.areas[(plan.table != NONE).to_numpy()]


def mixed_counts(ground: Ground, name: str, plans) -> list[RawTable]:
    """People by catchment and an attribute, for each plan."""
    codes, labels = with_others(name, *ground.residents.columns[name])
    return [
        ground.raw(
            f"{ground.residents.noun} by catchment and {name}, {title}", (name,),
            **{ground.dims[title]: ground.catchment_of(title), name: (codes, labels)},
        )
        for title in plans
    ]  # fmt: skip


def band_counts(ground: Ground, change: Change, title: str) -> RawTable | None:
    """People by band of distance to their school under a plan; None where no distance is known."""
    metres = change.metres_after
    known = np.isfinite(metres)
    if not known.any():
        return None
    band = np.digitize(metres[known], [2 * METRES_PER_MILE, 3 * METRES_PER_MILE], right=True)
    counts = pd.Series(np.bincount(band, minlength=3), index=pd.Index(BANDS, name=f"distance: {_word(title)}"))
    noun = change.residents.noun
    name = f"{noun} by distance, {title}"
    return RawTable(
        name, counts, noun, f"{ground.population}, by distance to the school of {ground.dims[title]}{ground.way}"
    )

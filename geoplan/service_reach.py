"""Who uses a service, against who could: by segment, ward of residence and school, and their crossings.

The *users* of a service (families who called, members, respondents) are set beside a *base* (all pupils, the
eligible year groups, resident children), counted by the same dimensions. Contacts and users are kept apart: a family
that called four times is one user and four contacts. Nobody is dropped: users whose postcode no directory has, who
live outside the area or name no school are counted in :class:`ReachAccounts`, and are the row ``elsewhere`` where
they have a place that the base does not.

Figures here are exact counts of people, in types that show nothing; :mod:`geoplan.reach_tables` is the way out.

References: *Learning from experience* (2008), "Implementing fair access to school places": the clients of Kent's
choice advisers "compared to the profile for all children attending schools in Kent".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import NOT_PLACED, WORKINGS, Assignment
from geoplan.comparison import Base, Comparison, compare
from geoplan.errors import NotProtected, UnknownCodeError, VintageError
from geoplan.segments import require_same
from geoplan.sources import Source, unique_sources

ELSEWHERE = "elsewhere"
SEGMENT, SCHOOL = "segment", "school"


@dataclass(frozen=True, repr=False)
class ReachAccounts:
    """What became of every record of the users; exact, so not for showing.

    Parameters
    ----------
    contacts
        Records that say something: copies of a user included, blank records not.
    users
        Users counted once each.
    placed
        For each dimension, users with a code of it; the others are "not placed".
    outside
        For each dimension, users placed where the base has nobody (row ``elsewhere``).
    base
        People of the base, and of those the ones placed, by dimension.
    """

    contacts: int
    users: int
    placed: Mapping[str, int]
    outside: Mapping[str, int]
    base: Mapping[str, int]

    def __repr__(self) -> str:
        return f"<ReachAccounts by {', '.join(self.placed)}; exact counts>"


@dataclass(frozen=True, repr=False)
class ServiceReach:
    """Users and base counted by the same dimensions.

    Parameters
    ----------
    service
        What the service is called, with the year ("choice advisers 2025").
    users, base, contacts
        Exact counts indexed by ``dims``; a person without a code of a dimension has ``not placed`` there.
    dims
        The dimensions, ``segment`` first where there is one.
    accounts
        What became of every record.
    base_name
        The base in words. Never empty.
    noun, base_noun
        What users and base are called.
    names
        For each dimension, code to name.
    inside
        True where the users are known to be people of the base (respondents of a survey, children of the roll), so
        that those who are not users can be counted; False for a list of its own, such as callers.
    published
        True where the counts by the finest area are published already, so that their sums give nobody away.
    sources
        Everything this was made from.
    users_data, base_data
        What the two files are known by, whatever the service is called: the same people in two outputs are protected
        together by these names (the service's, unless said).
    """

    service: str
    users: pd.Series
    base: pd.Series
    contacts: pd.Series
    dims: tuple[str, ...]
    accounts: ReachAccounts
    base_name: str
    noun: str = "users"
    base_noun: str = "pupils"
    names: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    inside: bool = False
    published: bool = False
    sources: tuple[Source, ...] = ()
    users_data: str = ""
    base_data: str = ""

    def __post_init__(self):
        if not self.base_name:
            raise ValueError("name the base: say in words whom the service could reach")
        if not self.service:
            raise ValueError("name the service")

    def __repr__(self) -> str:
        return f"<ServiceReach of {self.service} against {self.base_name}, by {', '.join(self.dims)}; exact counts>"

    def __reduce_ex__(self, protocol):
        raise NotProtected("a reach holds exact counts of people and is not pickled or copied; see protect_reach()")

    def _repr_html_(self) -> str:
        return repr(self).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def name(self, dim: str, code: str) -> str:
        """The name of a code, or the code."""
        return str(self.names.get(dim, {}).get(code, code))

    def counts(self, dims: str | Sequence[str], who: str = "users") -> pd.Series:
        """Exact counts by one or more dimensions, those not placed in one of them left out.

        Parameters
        ----------
        dims
            One dimension or several.
        who
            ``users``, ``base`` or ``contacts``.
        """
        wanted = self._require(dims)
        cells: pd.Series = getattr(self, who)
        for dim in wanted:
            cells = cells[cells.index.get_level_values(dim) != NOT_PLACED]
        return cells.groupby(level=wanted, observed=True).sum().sort_index()

    def without(self, dims: str | Sequence[str]) -> ServiceReach:
        """The same reach by fewer dimensions; at least one must be left.

        Parameters
        ----------
        dims
            The dimensions to leave out.
        """
        gone = self._require(dims)
        kept = tuple(dim for dim in self.dims if dim not in gone)
        if not kept:
            raise UnknownCodeError("no dimension would be left")
        counts = {who: getattr(self, who).groupby(level=list(kept), observed=True).sum()
                  for who in ("users", "base", "contacts")}  # fmt: skip
        return replace(self, dims=kept, **counts)

    def by(self, dims: str | Sequence[str]) -> Comparison:
        """Users against base by one dimension or a crossing; exact, so not for showing.

        Returns
        -------
        Comparison
            One group, named after the service. The categories of a crossing are codes joined by `` | ``. Where every
            count of users fits into the base's, they are taken as people of it; otherwise as other people.
        """
        users, base = (_joined(self.comparable(dims, who)) for who in ("users", "base"))
        base = base.reindex(base.index.union(users.index), fill_value=0)
        users = users.reindex(base.index, fill_value=0)
        groups = users.to_frame().T.set_axis([self.service]).rename_axis(columns=base.index.name)
        inside = bool((users <= base).all())
        return compare(groups, Base(self.base_name, base, contains_group=inside), finite=inside)

    def base_elsewhere(self, dims: str | Sequence[str]) -> bool:
        """Whether people of the base are elsewhere too, in any of the dimensions."""
        base = self.counts(dims, "base")
        return any(
            base[base.index.get_level_values(level) == ELSEWHERE].sum() > 0 for level in range(base.index.nlevels)
        )

    def comparable(self, dims: str | Sequence[str], who: str = "users") -> pd.Series:
        """Exact counts without those elsewhere, where the base has nobody there: they could not be reached."""
        counts = self.counts(dims, who)
        if self.base_elsewhere(dims):
            return counts
        for level in range(counts.index.nlevels):
            counts = counts[counts.index.get_level_values(level) != ELSEWHERE]
        return counts

    def _require(self, dims: str | Sequence[str]) -> list[str]:
        wanted = [dims] if isinstance(dims, str) else list(dims)
        unknown = [dim for dim in wanted if dim not in self.dims]
        if unknown or not wanted:
            raise UnknownCodeError(f"no dimension {', '.join(unknown)}; this reach is by {', '.join(self.dims)}")
        return wanted


def reach(
    users: Assignment,
    base: Assignment,
    service: str,
    base_name: str,
    by: Sequence[str] = (SEGMENT, SCHOOL),
    *,
    areas: Boundaries | Iterable[Boundaries] = (),
    names: Mapping[str, Mapping[str, str]] | None = None,
    noun: str = "",
    inside: bool = False,
    among: Assignment | None = None,
    users_data: str = "",
    base_data: str = "",
) -> ServiceReach:
    """Count the users of a service and the people it could reach by the same dimensions.

    Parameters
    ----------
    users
        Users assigned to areas and segments. Read with ``id_column=`` the key of a family, each family counts once
        and its other records are contacts.
    base
        Whom the service could reach, assigned with the same directory and segmentation:
        ``pupils.where(year_group=["5", "6"])``.
    service, base_name
        In words; printed with every figure.
    by
        ``segment``, ``school``, any kind of area that both have, or another column of both (``fsm``).
    areas
        Boundaries of the kinds in ``by``: homes outside them count as ``elsewhere``, and they give names.
    names
        Further names of codes, by dimension.
    noun
        What users are called; the users' own noun unless said.
    inside
        Whether the users are people of the base (see :class:`ServiceReach`).
    among
        All people whose schools and areas count as ours, where the base is a part of them (two year groups): a school
        without anybody of the base is then a row of its own, and not ``elsewhere``. The base unless said.
    users_data, base_data
        What the two files are known by (see :class:`ServiceReach`).

    Returns
    -------
    ServiceReach

    Raises
    ------
    VintageError
        If the two have different segmentations, or one lacks a kind of area.
    UnknownCodeError
        If a dimension is a column of neither.
    """
    layers = {layer.kind: layer for layer in ([areas] if isinstance(areas, Boundaries) else areas)}
    if SEGMENT in by:
        if users.segmentation is None or base.segmentation is None:
            raise UnknownCodeError(
                "these people have no segments: name a segmentation (in geoplan.toml, or segments= of assign)"
            )
        require_same(users.segmentation, base.segmentation)
    for dim in by:
        _require_dim(dim, users, base)
    known = (among or base).people
    cells = {
        "users": _cells(users.people, known, by, layers),
        "base": _cells(base.people, known, by, layers),
        "contacts": _cells(_contacts(users), known, by, layers),
    }
    counted = {who: _count(frame, by) for who, frame in cells.items()}
    given = {dim: dict(layer.names) for dim, layer in layers.items()}
    if SEGMENT in by:
        given[SEGMENT] = {code: base.segmentation.name(code) for code in base.segmentation.segments}
    return ServiceReach(
        service=service,
        **counted,
        dims=tuple(by),
        accounts=_accounts(cells, by),
        base_name=base_name,
        noun=noun or users.noun,
        base_noun=base.noun,
        names=MappingProxyType(given | {dim: dict(more) for dim, more in (names or {}).items()}),
        inside=inside,
        sources=unique_sources([*users.sources, *base.sources, *(layer.source for layer in layers.values())]),
        users_data=users_data,
        base_data=base_data,
    )


def reach_of_areas(
    users: pd.Series,
    base: pd.Series,
    areas: pd.DataFrame,
    service: str,
    base_name: str,
    *,
    names: Mapping[str, Mapping[str, str]] | None = None,
    noun: str = "users",
    base_noun: str = "people",
    inside: bool = False,
    published: bool = True,
    sources: Iterable[Source] = (),
    users_data: str = "",
    base_data: str = "",
) -> ServiceReach:
    """The reach of a service whose users were published as counts by small area (members by LSOA).

    Parameters
    ----------
    users, base
        Counts by the code of a small area.
    areas
        Indexed by that code: for each dimension (segment, ward, decile ...) the code of each small area. Users of an
        area that is not listed count as ``elsewhere``; a missing code counts as not placed.
    published
        Whether the counts by area are published already; say False where they were counted from a list of people.
    users_data, base_data
        What the two files are known by (see :class:`ServiceReach`).

    Raises
    ------
    VintageError
        If no area of the users is one of the areas listed (another kind or year).

    Examples
    --------
    >>> areas = pd.DataFrame({"segment": ["1", "2"]}, index=["a", "b"])
    >>> found = reach_of_areas(pd.Series({"a": 30, "b": 10, "z": 5}), pd.Series({"a": 100, "b": 100}), areas,
    ...     "library", "all residents")
    >>> found.counts("segment").to_dict(), found.accounts.outside["segment"]
    ({'1': 30, '2': 10, 'elsewhere': 5}, 5)
    """
    users, base = (counts.rename(index=str).groupby(level=0).sum() for counts in (users, base))
    areas = areas.rename(index=str)
    if len(users) and not users.index.isin(areas.index).any():
        raise VintageError(
            f"none of the {len(users):,} areas of the users is listed: are they of another kind or year?"
        )
    dims = tuple(map(str, areas.columns))
    lookup = areas.astype("object").where(areas.notna(), NOT_PLACED).astype("str")

    def count(counts: pd.Series, strangers: str) -> pd.Series:
        keys = lookup.reindex(counts.index).astype("object").fillna(strangers)
        return counts.astype("int64").groupby([keys[dim] for dim in dims]).sum().rename("count").rename_axis(list(dims))

    counted = count(users, ELSEWHERE)
    people = count(base, NOT_PLACED)
    accounts = ReachAccounts(
        contacts=int(users.sum()),
        users=int(users.sum()),
        placed={dim: _sum_where(counted, dim, (NOT_PLACED,), False) for dim in dims},
        outside={dim: _sum_where(counted, dim, (ELSEWHERE,), True) for dim in dims},
        base={"": int(base.sum())} | {dim: _sum_where(people, dim, (NOT_PLACED,), False) for dim in dims},
    )
    return ServiceReach(
        service, counted, people, counted, dims, accounts, base_name, noun, base_noun,
        MappingProxyType({dim: dict(more) for dim, more in (names or {}).items()}), inside, published,
        unique_sources(sources), users_data, base_data,
    )  # fmt: skip


def dim_words(dim: str) -> str:
    """A dimension as a reader knows it; the year of areas stays with them.

    Examples
    --------
    >>> dim_words("msoa11"), dim_words("ward25"), dim_words("fsm"), dim_words("imd_tenth")
    ('MSOA (2011)', 'ward (2025)', 'free school meals', 'imd tenth')
    """
    if found := re.fullmatch(r"([a-z]+)(\d\d)", dim):
        kind, year = found.groups()
        return f"{kind.upper() if kind in ('oa', 'lsoa', 'msoa', 'lad') else kind} (20{year})"
    return {"fsm": "free school meals", "first": "school named first"}.get(dim, dim.replace("_", " "))


# --- the parts ------------------------------------------------------------------------------------------


def _require_dim(dim: str, users: Assignment, base: Assignment) -> None:
    for people, who in ((users, "users"), (base, "base")):
        if dim not in people.frame:
            kinds = ", ".join(people.kinds) or "no areas"
            if dim in users.kinds or dim in base.kinds:
                raise VintageError(
                    f"the {who} have no {dim} codes, only {kinds}; assign both with the same directory and areas"
                )
            usual = [str(name) for name in people.frame.columns if name not in WORKINGS]
            raise UnknownCodeError(
                f"the {who} have no {dim!r}; there are {', '.join(usual)}. If their file has it under another header, "
                f'write {dim} = "your header" under [columns] in geoplan.toml'
            )


def _contacts(users: Assignment) -> pd.DataFrame:
    """All records that say something: those counted, and the further records of the same users."""
    frame = users.frame
    return frame[frame["counted"] | (frame["person"] >= 0)]


def _cells(people: pd.DataFrame, base: pd.DataFrame, by: Sequence[str], layers: Mapping) -> pd.DataFrame:
    """The code of each person by dimension: ``not placed`` where there is none, ``elsewhere`` where not the base's."""
    return pd.DataFrame({dim: _codes(people[dim], base[dim], dim, layers.get(dim)) for dim in by}, index=people.index)


def _codes(codes: pd.Series, base: pd.Series, dim: str, layer: Boundaries | None) -> pd.Series:
    """Codes as a categorical; only the distinct values are looked at."""
    if not isinstance(codes.dtype, pd.CategoricalDtype):
        codes = codes.astype("category")
    if dim == SEGMENT:
        known = None
    elif layer is not None:
        known = set(layer.codes)
    else:
        known = {str(code) for code in base.dropna().unique()}
    new = []
    for code in codes.cat.categories:
        text = str(code).strip()
        new.append(NOT_PLACED if not text else text if known is None or text in known else ELSEWHERE)
    new.append(NOT_PLACED)  # where no code is, its position is -1
    names = sorted(set(new))
    position = np.array([names.index(text) for text in new])[codes.cat.codes.to_numpy()]
    placed = pd.Categorical.from_codes(position, pd.Index(names, dtype="object"))
    return pd.Series(placed.remove_unused_categories(), index=codes.index, name=codes.name)


def _count(cells: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    if not len(cells):
        index = pd.MultiIndex.from_arrays([[] for _ in by], names=list(by)) if len(by) > 1 else pd.Index([], name=by[0])
        return pd.Series([], index=index, dtype="int64", name="count")
    counts = cells.groupby(list(by), observed=True).size().rename("count").astype("int64")
    if isinstance(counts.index, pd.MultiIndex):
        levels = [level.astype("object") for level in counts.index.levels]
        return counts.set_axis(counts.index.set_levels(levels))
    return counts.set_axis(pd.Index(counts.index.astype("object"), name=by[0]))


def _accounts(cells: Mapping[str, pd.DataFrame], by: Sequence[str]) -> ReachAccounts:
    users, base = cells["users"], cells["base"]
    return ReachAccounts(
        contacts=len(cells["contacts"]),
        users=len(users),
        placed={dim: int((users[dim] != NOT_PLACED).sum()) for dim in by},
        outside={dim: int((users[dim] == ELSEWHERE).sum()) for dim in by},
        base={"": len(base)} | {dim: int((base[dim] != NOT_PLACED).sum()) for dim in by},
    )


def _sum_where(counts: pd.Series, dim: str, codes: tuple[str, ...], inside: bool) -> int:
    found = counts.index.get_level_values(dim).isin(codes)
    return int(counts[found == inside].sum())


def _joined(counts: pd.Series) -> pd.Series:
    """Codes of a crossing joined to one."""
    if counts.index.nlevels == 1:
        return counts
    codes = counts.index.map(" | ".join)
    return counts.set_axis(pd.Index(codes, name=" | ".join(map(str, counts.index.names))))

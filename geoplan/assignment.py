"""People to areas and segments, with a report of how well they matched.

The code of an area comes from the postcode directory where the directory has that kind of area, and from
the postcode's point otherwise. Nobody is lost: a person whose postcode cannot be placed stays in every
total as "not placed", and accepted + repaired + rejected + blank is the number of records read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from geoplan import areas as _areas
from geoplan import findings as _findings
from geoplan import postcodes as _postcodes
from geoplan.areas import Boundaries
from geoplan.errors import NotProtected, Problem, UnknownCodeError, VintageError
from geoplan.people import People
from geoplan.postcodes import FLAG_BIT, PostcodeDirectory
from geoplan.segments import Segmentation, require_kind
from geoplan.sources import Source, unique_sources
from geoplan.tables import RawTable
from geoplan.vintages import require_vintage

NOT_PLACED = "not placed"
CORRECTED = "corrected"  # the column of those whose segment was put right by hand
FEW = 20  # with fewer distinct postcodes, all of them outside a layer is no sign that the layer is wrong
METHODS = ("", "code", "point", "code and point")
#: Columns of every assignment that say how people were placed, not who they are.
WORKINGS = (
    "record", "person", "postcode", "counted", "status", "easting", "northing", "introduced", "method", "flags",
    "outcome",
)  # fmt: skip


@dataclass(frozen=True)
class AssignmentReport:
    """How the records read were placed; every total adds up to ``records``.

    Parameters
    ----------
    noun
        What the people are called.
    records, accepted, repaired, rejected, blank
        Records read, and what became of them.
    counted
        People counted: copies and records not on roll left out.
    by_status, by_flag
        Records by postcode status (they add up to ``records``) and by flag (a record may carry several).
    by_school
        Records by school and outcome.
    placed
        For each area kind, people counted who have a code; ``segment`` likewise.
    findings
        One row per thing noticed, never a value.
    notes
        What a reader should know: which kinds came from codes and which from points.
    repairs
        Outlines that had to be mended when their layer was read, with areas before and after.
    corrected
        People counted whose segment was put right by hand; see :mod:`geoplan.corrections`.
    """

    noun: str
    records: int
    accepted: int
    repaired: int
    rejected: int
    blank: int
    counted: int
    by_status: dict[str, int]
    by_flag: dict[str, int]
    by_school: pd.DataFrame = field(repr=False)
    placed: dict[str, int]
    findings: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()
    repairs: tuple[Problem, ...] = ()
    corrected: int = 0

    def __str__(self) -> str:
        share = f"{100 * self.counted_share:.1f}%"
        status = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in self.by_status.items() if count)
        flags = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in self.by_flag.items())
        lines = [
            f"{self.records:,} records: {self.accepted:,} accepted, {self.repaired:,} repaired, "
            f"{self.rejected:,} rejected, {self.blank:,} blank; {self.counted:,} {self.noun} counted ({share})",
            f"postcodes: {status}",
        ]
        if flags:
            lines.append(f"flags: {flags}")
        for kind, count in self.placed.items():
            lines.append(f"{kind}: {count:,} of {self.counted:,} {self.noun} placed, {self.counted - count:,} not")
        return "\n".join([*lines, *self.notes])

    @property
    def counted_share(self) -> float:
        """People counted as a share of records read (0 to 1)."""
        return self.counted / self.records if self.records else 0.0

    def to_dict(self) -> dict:
        """The report as plain values, for JSON; see the command ``geoplan assign --report``."""
        by_school = {
            str(school): {name: int(count) for name, count in row.items()}
            for school, row in self.by_school.to_dict(orient="index").items()
        }
        return {
            "file_status": "ok",
            "reason": None,
            "records": self.records,
            "accepted": self.accepted,
            "repaired": self.repaired,
            "rejected": self.rejected,
            "blank": self.blank,
            "counted": self.counted,
            "by_status": self.by_status,
            "by_flag": self.by_flag,
            "by_school": by_school,
            "by_reason": _findings.count_reasons(self.findings),
            "placed": self.placed,
            **({"corrected": self.corrected} if self.corrected else {}),
            "notes": list(self.notes),
            "repairs": [{"file": each.file, "codes": [each.code], "what": each.what} for each in self.repairs],
            "problems": _findings.problem_entries(self.findings),
        }


@dataclass(frozen=True, repr=False)
class Assignment:
    """People with the code of each area they live in, and their segment.

    Parameters
    ----------
    frame
        One row per record: the columns of :class:`geoplan.people.People`, with ``postcode`` as the directory
        writes it, ``status``, ``method``, ``flags`` (bits), ``outcome``, ``easting``, ``northing``,
        ``introduced`` where the directory has it, a categorical column for each area kind, and ``segment``.
        It is about single people: it never leaves the office.
    kinds
        The area kinds, in order.
    segmentation
        The segmentation used, if any.
    report
        How well the records matched.
    sources
        Everything this was made from.
    noun
        What the people are called.
    """

    frame: pd.DataFrame
    kinds: tuple[str, ...]
    segmentation: Segmentation | None
    report: AssignmentReport
    sources: tuple[Source, ...] = ()
    noun: str = "people"

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        label = self.segmentation.label if self.segmentation else "no segments"
        return (
            f"<Assignment: {len(self):,} records, {self.count:,} {self.noun} counted; "
            f"{', '.join(self.kinds) or 'no areas'}; {label}>"
        )

    def __reduce_ex__(self, protocol):
        raise NotProtected("assignments hold facts about single people and are not pickled or copied")

    def _repr_html_(self) -> str:
        return repr(self).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    @property
    def count(self) -> int:
        """People counted."""
        return int(self.frame["counted"].sum())

    @property
    def people(self) -> pd.DataFrame:
        """The rows that count: one for each person."""
        return self.frame[self.frame["counted"]]

    def where(self, **conditions) -> Assignment:
        """Only the records that meet every condition (a value, or several in a list).

        Examples
        --------
        ``people.where(year_group="6")``, ``people.where(school=["900001", "900002"])``.

        Raises
        ------
        UnknownCodeError
            If a column is not there; the message lists those that are.
        """
        keep = np.ones(len(self.frame), dtype=bool)
        for column, wanted in conditions.items():
            self._require(column)
            values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Iterable) else list(wanted)
            keep &= self.frame[column].astype("str").isin([str(value) for value in values]).to_numpy()
        return replace(self, frame=self.frame[keep])

    def counts(self, by: str | Sequence[str]) -> pd.Series:
        """People counted by one or more columns; those without a code are "not placed", never dropped.

        Exact numbers about people: they leave the office only through :mod:`geoplan.disclosure`.

        Parameters
        ----------
        by
            Column or columns: ``school``, ``segment``, an area kind, ``year_group``, ``fsm`` ...

        Returns
        -------
        Series
            Named "count", indexed by the columns, sorted.
        """
        columns = [by] if isinstance(by, str) else list(by)
        for column in columns:
            self._require(column)
        people = self.people
        keys = [_as_text(people[column], missing=NOT_PLACED) for column in columns]
        counts = people.groupby(keys, observed=True).size().rename("count").astype("int64")
        if isinstance(counts.index, pd.CategoricalIndex):
            counts.index = counts.index.astype("str").rename(columns[0])
        return counts.sort_index()

    def tabulate(self, by: str | Sequence[str], name: str = "") -> RawTable:
        """The counts as a table that shows nothing until it is protected; the way out is ``protect_tables``.

        Parameters
        ----------
        by
            Column or columns, as for :meth:`counts`.
        name
            What the table is called.
        """
        counts = self.counts(by)
        return RawTable(
            name or " by ".join([self.noun, *counts.index.names]), counts, self.noun, f"{self.noun} counted"
        )

    def _require(self, column: str) -> None:
        if column not in self.frame:
            missing = "; name a segmentation (in geoplan.toml, or segments= of assign)" if column == "segment" else ""
            usual = [str(name) for name in self.frame.columns if name not in WORKINGS]
            meant = get_close_matches(column, usual, n=1)
            said = f"; did you mean {meant[0]}?" if meant else ""
            raise UnknownCodeError(f"no column {column!r}; there are {', '.join(usual)}{missing}{said}")


def assign(
    people: People,
    postcodes: PostcodeDirectory,
    areas: Boundaries | Iterable[Boundaries] = (),
    segments: Segmentation | None = None,
    nearest_within_m: float = _areas.NEAREST_WITHIN_M,
) -> Assignment:
    """Place people in areas and segments by their postcodes.

    Parameters
    ----------
    people
        From ``read_pupils`` or ``read_people``.
    postcodes
        The directory. Its area codes are used for every kind it has; its points for any other kind.
    areas
        Boundaries, one or several. A kind the directory lacks is found by point in polygon; for a kind it
        has, the boundaries say which codes are inside the study area (others are flagged ``outside_areas``).
    segments
        Keyed by postcode, or by an area kind that the directory or ``areas`` gives.
    nearest_within_m
        How far off an edge a point may be and still belong to the nearest area.

    Returns
    -------
    Assignment

    Raises
    ------
    VintageError
        If the segmentation is keyed by a kind that cannot be had here, or boundaries and directory share no code.

    Examples
    --------
    >>> table = pd.DataFrame({"postcode": ["ME71AB"], "lsoa11": pd.Categorical(["E01016016"])})
    >>> directory = PostcodeDirectory(table, Source("one"))
    >>> frame = pd.DataFrame({"record": [1, 2], "person": [0, 1], "postcode": ["me71ab", ""], "counted": True})
    >>> placed = assign(People(frame, Source("two people")), directory)
    >>> placed.counts(by="lsoa11").to_dict()
    {'E01016016': 1, 'not placed': 1}
    """
    layers = [areas] if isinstance(areas, Boundaries) else list(areas)
    _require_type(people, People, "people", 'gp.read_pupils("pupils.csv")')
    _require_type(postcodes, PostcodeDirectory, "postcodes", 'gp.read_postcodes("onspd.csv")')
    for layer in layers:
        _require_type(layer, Boundaries, "areas", 'gp.read_boundaries("wards.gpkg", kind="ward25")')
    if segments is not None:
        _require_type(segments, Segmentation, "segments", 'gp.read_segmentation("oac21.csv")')
    found = _postcodes.look_up(postcodes, people.frame["postcode"])
    flags = found.flags.copy()
    frame = people.frame.copy(deep=False)
    frame["postcode"] = _from_rows(_postcodes.with_space(postcodes.table["postcode"]), found.rows)
    frame["status"] = found.status
    for name in ("easting", "northing", "introduced"):
        if name in postcodes.table:
            frame[name] = _from_rows(postcodes.table[name], found.rows)

    by_code, by_point = {}, {}
    for kind in postcodes.kinds:
        by_code[kind] = _from_rows(postcodes.table[kind], found.rows)
    for layer in layers:
        require_vintage(
            layer.codes, layer.kind, {kind: codes.categories for kind, codes in by_code.items()}, "the layer"
        )
        if layer.kind in by_code:
            flags |= _outside_flag(layer, by_code[layer.kind])
            _require_near(layer, postcodes, found.rows)
        else:
            by_point[layer.kind], extra = _by_point(layer, postcodes, found.rows, nearest_within_m)
            flags |= extra
    kinds = (*by_code, *by_point)
    for kind, codes in (by_code | by_point).items():
        frame[kind] = codes
    frame["method"] = _method(by_code, by_point, len(frame))
    if segments is not None:
        frame["segment"] = _segments(segments, postcodes, found.rows, by_code | by_point)
    flags[~frame["counted"].to_numpy()] |= FLAG_BIT["not_counted"]
    frame["flags"] = flags

    notes = _notes(by_code, by_point, nearest_within_m, segments)
    all_findings = _findings.gather([people.findings, _postcode_findings(people, found)])
    frame["outcome"] = _findings.outcome_of(frame["record"], all_findings)
    repairs = tuple(each for layer in layers for each in layer.repairs)
    report = _report(frame, people, kinds, all_findings, notes, repairs)
    sources = unique_sources(
        [people.source, postcodes.source, *(layer.source for layer in layers), *([segments.source] if segments else [])]
    )
    return Assignment(frame, kinds, segments, report, sources, people.noun)


def _require_type(value: object, wanted: type, name: str, example: str) -> None:
    if not isinstance(value, wanted):
        raise TypeError(f"{name}: a {type(value).__name__} was given where a {wanted.__name__} is needed: {example}")


# --- the parts ------------------------------------------------------------------------------------------


def _from_rows(column: pd.Series, rows: np.ndarray) -> pd.Series | pd.Categorical | np.ndarray:
    """Values of a directory's column at ``rows``; missing (0 for whole numbers) where the row is -1."""
    absent = rows < 0
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        taken = codes[rows] if len(codes) else np.zeros(len(rows), dtype=np.int8)
        taken[absent] = -1
        return pd.Categorical.from_codes(taken, dtype=column.dtype)
    if column.dtype.kind in "iub":
        taken = column.to_numpy()[rows] if len(column) else np.zeros(len(rows), dtype=column.dtype)
        taken[absent] = 0
        return taken
    if column.dtype.kind == "f":
        taken = column.to_numpy()[rows] if len(column) else np.full(len(rows), np.nan)
        taken[absent] = np.nan
        return taken
    return column.array.take(rows, allow_fill=True)


def _by_point(
    layer: Boundaries, postcodes: PostcodeDirectory, rows: np.ndarray, nearest_within_m: float
) -> tuple[pd.Categorical, np.ndarray]:
    """The area of each person's postcode point, each distinct postcode located once."""
    if not postcodes.has_positions:
        raise VintageError(
            f"the directory has neither {layer.kind} codes nor grid references, so {layer.kind} cannot be found; "
            "use a directory with one of them (ONSPD has both)",
            "column_missing",
        )
    used = np.unique(rows[rows >= 0])
    table = postcodes.table
    located = _areas.locate(
        layer, table["easting"].to_numpy()[used], table["northing"].to_numpy()[used], nearest_within_m
    )
    has_point = np.isfinite(table["easting"].to_numpy()[used])
    if has_point.sum() >= FEW and not (located.position >= 0).any():
        raise VintageError(
            f"none of the {has_point.sum():,} postcodes lies in or near a {layer.kind} area: "
            "the layer is far from the people; check the file and its coordinates",
            "far_away",
        )
    _forget_borders(layer, postcodes, used, located)
    position = np.full(len(table) + 1, -1, dtype=np.int32)
    bits = np.zeros(len(table) + 1, dtype=np.uint16)
    position[used] = located.position
    bits[used[located.how == _areas.NEAREST]] = FLAG_BIT["nearest_area"]
    bits[used[(located.how == _areas.OUTSIDE) & has_point]] = FLAG_BIT["outside_areas"]
    codes = pd.Categorical.from_codes(position[rows], categories=layer.codes.astype("str"))
    return codes, bits[rows]


def _outside_flag(layer: Boundaries, codes: pd.Categorical) -> np.ndarray:
    """The flag for people whose code, from the directory, is not one of the layer's areas."""
    known = np.append(codes.categories.isin(layer.codes), True)  # code -1, no code: no flag
    used = np.unique(codes.codes)
    used = used[used >= 0]
    if len(used) and not known[used].any():
        raise VintageError(
            f"none of the directory's {layer.kind} codes is in the {layer.kind} boundaries: "
            "they are of another year or another place",
            "far_away",
        )
    return np.where(known[codes.codes], np.uint16(0), FLAG_BIT["outside_areas"])


def _require_near(layer: Boundaries, postcodes: PostcodeDirectory, rows: np.ndarray) -> None:
    """Refuse a layer drawn in another place than its own codes' postcodes: swapped columns, a wrong system."""
    if not postcodes.has_positions:
        return
    table = postcodes.table
    used = np.unique(rows[rows >= 0])
    used = used[table[layer.kind].iloc[used].isin(layer.codes).to_numpy()]
    x, y = table["easting"].to_numpy()[used], table["northing"].to_numpy()[used]
    west, south, east, north = layer.frame.total_bounds
    near = (x > west - 1000) & (x < east + 1000) & (y > south - 1000) & (y < north + 1000)
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() >= FEW and near.sum() < known.sum() / 2:
        raise VintageError(
            f"{known.sum() - near.sum():,} of {known.sum():,} postcodes with {layer.kind} codes of this layer lie over "
            "1 km outside it: the layer is drawn in another place; check its coordinates",
            "far_away",
        )


def _forget_borders(layer: Boundaries, postcodes: PostcodeDirectory, used: np.ndarray, located: _areas.Located) -> None:
    """Off the edge means off the coast: nobody is moved over an inland border that the directory knows of.

    Where the directory has a code of the same sort (``lad`` beside a layer of ``lad24``) and it is not the
    nearest area's, the point stays outside.
    """
    stem = layer.kind.rstrip("0123456789")
    near = np.flatnonzero(located.how == _areas.NEAREST)
    for kind in postcodes.kinds:
        if kind != stem or not len(near):
            continue
        told = postcodes.table[kind].iloc[used[near]].astype("object").to_numpy()
        nearest = layer.codes.to_numpy()[located.position[near]]
        over = near[np.array([isinstance(code, str) for code in told]) & (told != nearest)]
        located.position[over], located.how[over], located.distance_m[over] = -1, _areas.OUTSIDE, np.nan


def _method(by_code: dict, by_point: dict, count: int) -> pd.Categorical:
    coded = np.zeros(count, dtype=bool)
    pointed = np.zeros(count, dtype=bool)
    for codes in by_code.values():
        coded |= codes.codes >= 0
    for codes in by_point.values():
        pointed |= codes.codes >= 0
    return pd.Categorical.from_codes(coded.astype(np.int8) + 2 * pointed.astype(np.int8), categories=list(METHODS))


def _segments(segments: Segmentation, postcodes: PostcodeDirectory, rows: np.ndarray, by_kind: dict) -> pd.Categorical:
    level = segments.table[segments.level]
    categories = list(segments.segments)
    if segments.keyed_by == "postcode":
        keys = postcodes.table["postcode"]
        codes = pd.Categorical(keys.map(level), categories=categories).codes[rows]
        codes[rows < 0] = -1
        return pd.Categorical.from_codes(codes, categories=categories)
    if segments.keyed_by not in by_kind:
        for kind in by_kind:
            require_kind(segments, kind)  # says which way leads round
        raise VintageError(f"{segments.label} is keyed by {segments.keyed_by}, which nothing here gives")
    known = {kind: codes.categories for kind, codes in by_kind.items()}
    require_vintage(segments.table.index, segments.keyed_by, known, segments.label)
    held = by_kind[segments.keyed_by]
    of_code = pd.Categorical(pd.Series(held.categories).map(level), categories=categories).codes
    used = np.unique(held.codes)
    used = used[used >= 0]
    if len(used) and (of_code[used] < 0).all():
        raise VintageError(
            f"{segments.label}: none of its {segments.keyed_by} codes is among those of the people: "
            "another year or another place",
            "far_away",
        )
    return pd.Categorical.from_codes(np.append(of_code, np.int8(-1))[held.codes], categories=categories)


def _postcode_findings(people: People, found: _postcodes.LookUp) -> pd.DataFrame:
    reasons = found.reasons
    unread = people.findings.loc[people.findings["code"].isin(_findings.ROW_CODES), "record"]
    read = ~np.isin(people.frame["record"].to_numpy(), unread.to_numpy())
    places = np.flatnonzero((reasons.codes >= 0) & read)
    if not len(places):
        return _findings.no_findings()
    code = reasons[places]
    rule = code.rename_categories({name: _postcodes.rule_for(name) or name for name in code.categories})
    no_rule = [name for name in rule.categories if name in code.categories]
    table = pd.DataFrame({"record": people.frame["record"].to_numpy()[places]})
    table["column"] = people.header("postcode")
    table["code"] = code.astype("str")
    table["rule"] = pd.Series(rule.astype("str")).where(~pd.Series(rule).isin(no_rule), "")
    return table


def _notes(by_code: dict, by_point: dict, nearest_within_m: float, segments: Segmentation | None) -> tuple[str, ...]:
    notes = []
    if by_code:
        notes.append(f"by the directory's own code: {', '.join(by_code)}")
    if by_point:
        notes.append(
            f"by the postcode's point: {', '.join(by_point)}; a point off the edge takes the nearest area "
            f"within {nearest_within_m:,.0f} m and is flagged"
        )
    if segments:
        notes.append(f"segments: {segments.label}, through {segments.keyed_by}")
    return tuple(notes)


def _report(
    frame: pd.DataFrame,
    people: People,
    kinds: Sequence[str],
    found: pd.DataFrame,
    notes: tuple[str, ...],
    repairs: tuple[Problem, ...],
) -> AssignmentReport:
    outcomes = frame["outcome"]
    counted = frame["counted"].to_numpy()
    by_status = frame["status"].value_counts()
    placed = {kind: int((frame[kind].notna().to_numpy() & counted).sum()) for kind in kinds}
    if "segment" in frame:
        placed["segment"] = int((frame["segment"].notna().to_numpy() & counted).sum())
    return AssignmentReport(
        noun=people.noun,
        records=len(frame),
        **_findings.count_outcomes(outcomes),
        counted=int(counted.sum()),
        by_status={name: int(by_status.get(name, 0)) for name in _postcodes.STATUSES},
        by_flag=_postcodes.flag_counts(frame["flags"].to_numpy()),
        by_school=_by_school(frame),
        placed=placed,
        findings=found,
        notes=notes,
        repairs=repairs,
    )


def _by_school(frame: pd.DataFrame) -> pd.DataFrame:
    """Records by school and outcome: unmatched pupils are rarely spread evenly."""
    columns = ["accepted", "repaired", "rejected", "blank"]
    if "school" not in frame:
        return pd.DataFrame(columns=columns, dtype="int64")
    school = _as_text(frame["school"], missing="")
    table = frame.groupby([school, frame["outcome"]], observed=True).size().unstack(fill_value=0)
    return table.reindex(columns=columns, fill_value=0).astype("int64").rename_axis(columns=None)


def _as_text(column: pd.Series, missing: str) -> pd.Series:
    """Text keys for grouping, with ``missing`` in place of missing values."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        if not column.hasnans:
            return column
        return column.cat.add_categories([missing] if missing not in column.cat.categories else []).fillna(missing)
    return column.fillna(missing)

"""Streets by postcode, and the streets of a catchment: whole, or in part with the postcodes that are in it.

Which street a postcode is in is the user's own list (a gazetteer, an address list); nothing in it is about people. A
street is told apart from others of its name by its town or locality or, where the list gives none, by its postcode
sector: there is a High Street in every town of a county.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geoplan.catchments import NONE, CatchmentPlan
from geoplan.drawn_catchments import PART, POSTCODE, WHOLE, sectors_of
from geoplan.errors import UnknownCodeError
from geoplan.findings import no_findings
from geoplan.postcodes import PostcodeDirectory, look_up, with_space
from geoplan.sources import Source


@dataclass(frozen=True, repr=False)
class Streets:
    """A checked list of streets by postcode.

    Parameters
    ----------
    frame
        One row for each postcode of a street: ``record``, ``postcode`` (as written), ``street``, ``locality`` ("" where
        none is given).
    source
        The file.
    findings
        One row for each thing noticed in a record: ``record``, ``column``, ``code``, ``rule``.
    details
        Facts about the reading: how many ``records`` the file has, the headers understood.
    """

    frame: pd.DataFrame
    source: Source
    findings: pd.DataFrame = field(default_factory=no_findings)
    details: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<Streets: {len(self):,} postcodes of streets from {self.source.file or self.source.title}>"


@dataclass(frozen=True, repr=False)
class StreetList:
    """The streets of a plan's catchments, and the accounts of the list that they were made from.

    Parameters
    ----------
    table
        One row for each street and catchment: ``place`` (locality, or postcode sector), ``street``, ``school``,
        ``postcodes`` (of the street in the catchment), ``of`` (its live postcodes in all), ``how`` (``whole`` or
        ``part``) and ``listed`` (for a part, those postcodes; "" for a whole street).
    accounts
        ``postcodes`` (live ones of the plan), ``without_street`` (of those, the ones that the list does not have),
        ``streets``, ``outside`` (streets with no postcode in the plan), ``not_found`` (streets none of whose postcodes
        is a live one of the directory), ``rows`` of the list, ``rows_not_found`` (whose postcode is none, or has
        ended).
    missing
        The postcodes without a street, by sector.
    """

    table: pd.DataFrame
    accounts: dict[str, int]
    missing: pd.Series

    def __repr__(self) -> str:
        return f"<StreetList: {len(self.table):,} streets and parts of streets>"

    @property
    def sentences(self) -> list[str]:
        """The accounts in words."""
        count = self.accounts
        without = count["without_street"]
        rest = f"; the other {without:,} are in no street told here" if without else ""
        listed = f"{count['postcodes'] - without:,} of the {count['postcodes']:,} live postcodes of the plan"
        said = [f"{listed} are in the list of streets{rest}."]
        if count["rows_not_found"]:
            rows = f"{count['rows_not_found']:,} of {count['rows']:,} rows of the list"
            said.append(f"{rows} have a postcode that is no live one of the directory.")
        if count["not_found"]:
            verb = "has no other postcode and is" if count["not_found"] == 1 else "have no other postcode and are"
            said.append(f"{_many(count['not_found'])} {verb} left out.")
        if count["outside"]:
            said.append(
                f"{_many(count['outside'])} of the list {'lies' if count['outside'] == 1 else 'lie'} outside the plan."
            )
        said.append(
            "A street is whole where all its live postcodes are in one catchment; a street that the list does not give "
            "all postcodes of may go on elsewhere."
        )
        return said


def _many(count: int) -> str:
    return f"{count:,} street{'' if count == 1 else 's'}"


def streets_of(plan: CatchmentPlan, directory: PostcodeDirectory, streets: Streets) -> StreetList:
    """The streets of each catchment: whole, or in part with the postcodes.

    Parameters
    ----------
    plan
        By a kind of area that the directory has, or by ``postcode``.
    directory
        Live postcodes.
    streets
        From :func:`geoplan.io.streets.read_streets`. A postcode in several streets is in each of them; a row told
        twice counts once; names that differ only by capitals and spaces are one.

    Raises
    ------
    UnknownCodeError
        If the directory has no codes of the plan's kind.

    Examples
    --------
    >>> directory = PostcodeDirectory(pd.DataFrame({"postcode": ["ME71AA", "ME71AB", "ME71AD"]}), Source("drawn"))
    >>> plan = CatchmentPlan("Today", "postcode", pd.Series({"ME71AA": "1", "ME71AB": "2", "ME71AD": "2"}))
    >>> rows = pd.DataFrame({"record": [1, 2, 3], "postcode": ["ME7 1AA", "ME7 1AB", "ME7 1AD"],
    ...     "street": ["High Street", "HIGH STREET", "Mill Lane"], "locality": ["Gillingham"] * 3})
    >>> told = streets_of(plan, directory, Streets(rows, Source("list"))).table
    >>> told[["street", "school", "how", "listed"]].values.tolist()
    [['High Street', '1', 'part', 'ME7 1AA'], ['High Street', '2', 'part', 'ME7 1AB'], ['Mill Lane', '2', 'whole', '']]
    """
    table = directory.table
    if plan.kind != POSTCODE and plan.kind not in directory.kinds:
        raise UnknownCodeError(
            f"the directory has no {plan.kind} codes, only {', '.join(directory.kinds) or 'none'}; give one that has"
        )
    live = (table["terminated"] == 0).to_numpy() if "terminated" in table else np.ones(len(table), dtype=bool)
    codes = table["postcode"] if plan.kind == POSTCODE else table[plan.kind].astype("object")
    school = codes.map(plan.table).fillna(NONE).astype("str").to_numpy()
    spaced = with_space(table["postcode"].astype("str")).to_numpy()
    given = streets.frame.reset_index(drop=True)
    at = look_up(directory, given["postcode"]).rows
    known = (at >= 0) & live[np.maximum(at, 0)]
    rows = given[["street", "locality"]].apply(lambda column: column.str.split().str.join(" "))
    rows = rows.assign(row=at, known=known, postcode=np.where(known, spaced[np.maximum(at, 0)], ""))
    rows["place"] = rows["locality"].where(rows["locality"] != "", rows["postcode"].str[:-2])
    key = rows["place"].str.casefold() + "\n" + rows["street"].str.casefold()
    all_streets = rows["locality"].str.casefold() + "\n" + rows["street"].str.casefold()
    rows["key"] = key
    found = rows[known].drop_duplicates(["key", "row"]).copy()
    found["school"] = school[found["row"].to_numpy()]
    inside = live & (school != NONE)
    told = np.zeros(len(table), dtype=bool)
    told[found["row"].to_numpy()] = True
    missing = pd.Series(spaced[inside & ~told]).str[:-2].value_counts().sort_index()
    lost = set(all_streets) - set(all_streets[known])
    there = found.groupby("key")["school"].agg(lambda codes: (codes != NONE).any())
    accounts = {
        "postcodes": int(inside.sum()),
        "without_street": int((inside & ~told).sum()),
        "streets": len(there) + len(lost),
        "outside": int((~there).sum()),
        "not_found": len(lost),
        "rows": len(given),
        "rows_not_found": int((~known).sum()),
    }
    return StreetList(_by_catchment(found), accounts, missing)


def _by_catchment(found: pd.DataFrame) -> pd.DataFrame:
    """One row for each street and catchment, from one for each postcode."""
    columns = ["place", "street", "school", "postcodes", "of", "how", "listed"]
    if not (found["school"] != NONE).any():
        return pd.DataFrame(columns=columns)
    first = found.drop_duplicates("key").set_index("key")[["place", "street"]]  # as it was written first
    of = found.groupby("key").size()
    own = found[found["school"] != NONE].sort_values("postcode")
    table = own.groupby(["key", "school"])["postcode"].agg(["size", ", ".join]).reset_index()
    table = table.set_axis(["key", "school", "postcodes", "listed"], axis=1)
    table["of"] = table["key"].map(of)
    table["how"] = np.where(table["postcodes"] == table["of"], WHOLE, PART)
    table["listed"] = table["listed"].where(table["how"] == PART, "")
    for name in ("place", "street"):
        table[name] = table["key"].map(first[name])
    order = table.assign(a=table["place"].str.casefold(), b=table["street"].str.casefold())
    order = order.sort_values(["a", "b", "school"], kind="stable", ignore_index=True)
    return order[columns]


def street_notice(
    plan: CatchmentPlan, directory: PostcodeDirectory, told: StreetList, names: pd.Series | None = None
) -> str:
    """A plan as the text of a notice: each catchment's streets by place, whole ones first, then parts with postcodes.

    Parameters
    ----------
    plan, directory
        As for :func:`streets_of`. Postcodes that the list of streets does not have are told by sector, so that nobody
        in the plan is left out of its notice.
    told
        From :func:`streets_of`.
    names
        Names of schools by code.
    """
    names = {} if names is None else names.to_dict()
    sectors = sectors_of(plan, directory)
    lines = [plan.name, ""]
    for school in plan.schools:
        members = " and ".join(str(names.get(member, member)) for member in plan.members(school))
        lines.append(f"{members} ({', '.join(plan.members(school))})")
        own = told.table[told.table["school"] == school]
        for place, part in own.groupby("place", sort=False):
            lines.append(f"  {place}")
            whole = part.loc[part["how"] == WHOLE, "street"]
            lines += [f"    {street}" for street in whole]
            lines += [
                f"    {row.street}: part, postcode{'' if row.postcodes == 1 else 's'} {row.listed}"
                for row in part[part["how"] == PART].itertuples()
            ]
        if not len(own):
            lines.append("  No street of the list.")
        near = sectors.loc[sectors["school"] == school, "sector"]
        gone = [sector for sector in near if told.missing.get(sector, 0)]
        if gone:
            lines.append(f"  Also postcodes without a street in the list, in {', '.join(gone)}")
        lines.append("")
    return "\n".join([*lines, *told.sentences]) + "\n"

"""What of rolls and registers may be shown: forecasts for outside are worked out from these numbers and no others.

Unless rolls are published figures already, a forecast that leaves the office is made from rolls hidden and rounded by
the small-number rule: then nothing that is printed of it can say more than they do, whatever the method. The same goes
for registered children by area, which are never published in single years.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from geoplan.cohorts import year_group_of, year_name
from geoplan.disclosure import PUBLIC, Rule
from geoplan.evidence import PrintedTable
from geoplan.ledger import mark_of
from geoplan.rolls import Rolls
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable, population_name


def protect_rolls(
    rolls: Rolls, rule: Rule = PUBLIC, data: str = "", earlier: Sequence[PrintedTable] = ()
) -> tuple[Rolls, tuple[PrintedTable, ...]]:
    """Rolls as they may be shown, and the evidence for the ledger and the gate.

    Parameters
    ----------
    rolls
        By school; published ones and those for inside are left as they are.
    rule
        Of the audience.
    data
        What the data are called.
    earlier
        What was released before; what was hidden then stays hidden.

    Returns
    -------
    rolls, printed
        With hidden counts unknown (NaN) and others rounded.
    """
    if rolls.published:
        return rolls, ()
    if rule.exact:
        evidence = [_table(rolls, number, data) for number in range(len(rolls.years))]
        return rolls, tuple(protect_tables([table], rule)[0].printed for table in evidence if table is not None)
    pupils, printed = np.array(rolls.pupils), []
    for number in range(len(rolls.years)):
        table = _table(rolls, number, data)
        if table is None:
            continue
        shown = protect_tables(
            [table], rule, earlier=[each for each in earlier if each.population == table.population]
        )[0]
        printed.append(shown.printed)
        at = np.isfinite(rolls.pupils[:, number])
        wide = shown.shown.unstack("year_group").reindex(
            index=rolls.places.astype("str"), columns=[year_group_of(stage) for stage in rolls.stages]
        )
        pupils[:, number] = np.where(at, wide.to_numpy(dtype=float), np.nan)
    hidden = int((np.isfinite(rolls.pupils) & ~np.isfinite(pupils)).sum())
    notes = rolls.notes
    if hidden:
        cells = int(np.isfinite(rolls.pupils).sum())
        notes = (
            *notes,
            f"{hidden:,} of {cells:,} counts are hidden by the small-number rule; forecasts do without them",
        )
    return replace(rolls, pupils=pupils, notes=notes), tuple(printed)


def roll_marks(rolls: Rolls, data: str = "") -> dict[str, str]:
    """A mark of the counts of each census, for the ledger: the same only for the same data; none for published ones."""
    marks = {}
    for number in range(len(rolls.years)) if not rolls.published else ():
        table = _table(rolls, number, data)
        if table is not None:
            text = table.counts.to_csv(header=False)
            marks[table.population] = mark_of(text)
    return marks


def _table(rolls: Rolls, number: int, data: str) -> RawTable | None:
    """One census as a table of whole counts."""
    values = rolls.pupils[:, number]
    at = np.argwhere(np.isfinite(values))
    if not len(at):
        return None
    keys = pd.MultiIndex.from_arrays(
        [rolls.places.astype("str")[at[:, 0]], [year_group_of(rolls.stages[stage]) for stage in at[:, 1]]],
        names=["school", "year_group"],
    )
    name = population_name(f"on roll, {year_name(rolls.years[number])}", data)
    return RawTable(name, pd.Series(np.round(values[tuple(at.T)]), keys), "pupils", name)


def protect_register(
    register: pd.DataFrame, rule: Rule = PUBLIC, data: str = "", what: str = "registered on 31 August"
) -> tuple[pd.DataFrame, int]:
    """Registered children, or births, as a forecast for outside may use them.

    Parameters
    ----------
    register
        ``area``, ``year``, ``age``, ``children``.
    rule, data
        As for :func:`protect_rolls`.
    what
        Who is counted.

    Returns
    -------
    register, hidden
        Counts rounded, hidden ones left out; and how many were hidden.
    """
    if rule.exact:
        return register, 0
    parts, hidden = [], 0
    for year, part in register.groupby("year"):
        counts = part.groupby(["area", "age"])["children"].sum(min_count=1).dropna().round()
        name = "; ".join(word for word in (f"{what} {year}", data) if word)
        shown = protect_tables([RawTable(name, counts, "children", name)], rule)[0].shown
        hidden += int(shown.isna().sum())
        table = shown.dropna().rename("children").reset_index()
        parts.append(table.assign(year=year, age=table["age"].astype("int64")))
    return pd.concat(parts, ignore_index=True)[["area", "year", "age", "children"]], hidden


def protect_flows(flows: pd.DataFrame, rule: Rule = PUBLIC, data: str = "") -> tuple[pd.DataFrame, int]:
    """Flows of pupils as a forecast for outside may use them.

    Parameters
    ----------
    flows
        ``place``, ``kind``, ``phase``, ``year``, ``pupils`` (:func:`geoplan.flows.flows_of`).
    rule, data
        As for :func:`protect_rolls`.

    Returns
    -------
    flows, hidden
        Counts rounded, hidden ones unknown (NaN); and how many were hidden.
    """
    if rule.exact:
        return flows, 0
    parts, hidden = [], 0
    keys = ["place", "kind", "phase"]
    for year, part in flows.groupby("year"):
        counts = part.dropna(subset=["pupils"]).set_index(keys)["pupils"].round()
        what = f"over the border and to independent schools, {year_name(year)}"
        name = "; ".join(word for word in (what, data) if word)
        shown = protect_tables([RawTable(name, counts, "pupils", name)], rule)[0].shown
        hidden += int(shown.isna().sum())
        parts.append(shown.rename("pupils").reset_index().assign(year=year))
    return pd.concat(parts, ignore_index=True)[[*keys, "year", "pupils"]], hidden


def hidden_now(exact: Rolls, shown: Rolls) -> Mapping[str, bool]:
    """Which places have a hidden year group in the last year: their own rows print nothing."""
    gone = (np.isfinite(exact.pupils[:, -1]) & ~np.isfinite(shown.pupils[:, -1])).any(axis=1)
    return dict(zip(exact.places.astype("str"), gone.tolist(), strict=True))

"""The mistakes of real files, made on purpose and counted: spoiled postcodes, repeated and conflicting records."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

MEDWAY = "E06000035"
CENSUS_DIRT = {
    "lower_case": 150, "no_space": 130, "two_spaces": 60, "letter_for_digit_O0": 25, "letter_for_digit_I1": 40,
    "letter_for_digit_S5": 40, "letter_for_digit_B8": 20, "letter_for_digit_Z2": 20, "ended": 110, "missing": 70,
    "pseudo": 12, "forces": 6, "sector_only": 30, "two_postcodes": 10, "not_existing": 30, "full_stop": 25,
    "no_break_space": 25, "scottish": 8, "large_user": 12,
}  # fmt: skip
CALLER_DIRT = {
    "lower_case": 6,
    "no_space": 6,
    "missing": 6,
    "ended": 3,
    "sector_only": 4,
    "letter_for_digit_O0": 2,
    "not_existing": 2,
}
EXACT_REPEATS, CONFLICTS, DUAL, GUESTS = 10, 5, 25, 12


class Rules:
    """What the kinds of dirt draw on: the directory, every postcode there ever was, and some far away."""

    def __init__(self, postcodes: pd.DataFrame, known: set[str], scotland: list[str]) -> None:
        own = postcodes[postcodes["ladcd"] == MEDWAY]
        ended = (own["doterm"] != "") & own["east1m"].notna()
        self.known = {code.replace(" ", "") for code in known}
        self.ended = own[ended & (own["usertype"] == "0")]["pcds"].tolist()
        self.large = own[(own["doterm"] == "") & (own["usertype"] == "1")]["pcds"].tolist()
        self.sectors = own[own["doterm"] == ""]["pcds"].str[:-2].unique().tolist()
        self.scotland = scotland

    def not_existing(self, rng: np.random.Generator) -> str:
        """A well-formed Medway postcode that never was, nor becomes one by a common confusion."""
        while True:
            letters = "".join(rng.choice(list("ADEFGHJLNPQRTUWXY"), 2))
            code = f"{rng.choice(self.sectors)}{letters}"
            if code.replace(" ", "") not in self.known:
                return code

    def confuse(self, code: str, pair: str) -> str:
        """The postcode with one character of a pair replaced by the other, from the right; nothing real results."""
        swap = {pair[0]: pair[1], pair[1]: pair[0]}
        for at in reversed(range(len(code))):
            spoiled = code[:at] + swap.get(code[at], code[at]) + code[at + 1 :]
            if spoiled != code and spoiled.replace(" ", "") not in self.known:
                return spoiled
        raise ValueError("a postcode without either character was offered for confusion")

    def spoil(self, kind: str, code: str, rng: np.random.Generator) -> str:
        """One postcode spoiled in one way."""
        if kind.startswith("letter_for_digit_"):
            return self.confuse(code, kind[-2:])
        makers: dict[str, Callable[[], str]] = {
            "lower_case": code.lower,
            "no_space": lambda: code.replace(" ", ""),
            "two_spaces": lambda: code.replace(" ", "  "),
            "ended": lambda: str(rng.choice(self.ended)),
            "missing": lambda: "",
            "pseudo": lambda: str(rng.choice(["ZZ99 3VZ", "ZZ99 3WZ"])),
            "forces": lambda: f"BFPO {rng.integers(10, 60)}",
            "sector_only": lambda: code[:-2],
            "two_postcodes": lambda: f"{code} / {rng.choice(self.ended)}",
            "not_existing": lambda: self.not_existing(rng),
            "full_stop": lambda: f"{code}.",
            "no_break_space": lambda: code.replace(" ", "\u00a0"),
            "scottish": lambda: str(rng.choice(self.scotland)),
            "large_user": lambda: str(rng.choice(self.large)),
        }
        return makers[kind]()


def spoil_postcodes(
    column: pd.Series, kinds: dict[str, int], rules: Rules, rng: np.random.Generator, spare: set[int] = frozenset()
) -> tuple[pd.Series, dict]:
    """Spoil so many postcodes of each kind; the truth has each record's number (from 1) and what it was."""
    clean = column.to_numpy()
    spoiled = column.to_numpy(dtype=object, copy=True)
    left = [i for i in rng.permutation(len(column)).tolist() if i not in spare]
    truth = {}
    for kind, wanted in sorted(kinds.items(), key=lambda item: not item[0].startswith("letter")):
        need = set(kind[-2:]) if kind.startswith("letter") else None
        chosen = [i for i in left if need is None or need & set(clean[i])][:wanted]
        taken = set(chosen)
        left = [i for i in left if i not in taken]
        for i in chosen:
            spoiled[i] = rules.spoil(kind, clean[i], rng)
        truth[kind] = {"count": len(chosen), "was": {str(i + 1): clean[i] for i in sorted(chosen)}}
    return pd.Series(spoiled, index=column.index), truth


def spoil_census(
    pupils: pd.DataFrame, rules: Rules, rng: np.random.Generator, special: pd.Series
) -> tuple[pd.DataFrame, dict]:
    """Add dual registrations, guests, repeats and conflicts to a clean census file, then spoil postcodes.

    `special` has the special schools' URNs by highest year. Headcount does not change: a dual pupil is M at
    a mainstream school and S at the special school for years R to 6, a guest is registered elsewhere, and
    repeats and conflicts are the same child again.
    """
    pupils = pupils.copy()
    mainstream = ~pupils["URN"].isin(special)
    young = pupils["NCyearActual"].isin(["R", "1", "2", "3", "4", "5", "6"])
    dual = rng.choice(pupils.index[mainstream & young & (pupils["SENprovision"] == "E")], DUAL, replace=False)
    pupils.loc[dual, "EnrolStatus"] = "M"
    pool = pupils.index[mainstream & (pupils["EnrolStatus"] == "C")].to_numpy()
    again, conflict, guest = np.split(
        rng.choice(pool, EXACT_REPEATS + CONFLICTS + GUESTS, replace=False), [EXACT_REPEATS, EXACT_REPEATS + CONFLICTS]
    )
    elsewhere = pupils.loc[rng.choice(pool, CONFLICTS, replace=False), "PostCode"].to_numpy()
    extra = [
        pupils.loc[dual].assign(EnrolStatus="S", URN=special[6]),
        pupils.loc[again],
        pupils.loc[conflict].assign(PostCode=elsewhere),
        pupils.loc[guest].assign(EnrolStatus="G", URN=_another_school(pupils[mainstream], pupils.loc[guest], rng)),
    ]
    table = pd.concat([pupils, *extra])
    order = table["NCyearActual"].map(["R", *map(str, range(1, 14))].index)
    table = table.assign(order=order).sort_values(
        ["URN", "order", "UPN", "EnrolStatus"], kind="stable", ignore_index=True
    )
    table = table.drop(columns="order")
    twice = table["UPN"].duplicated(keep=False)
    table["PostCode"], dirt = spoil_postcodes(
        table["PostCode"], CENSUS_DIRT, rules, rng, spare=set(np.flatnonzero(twice).tolist())
    )
    truth = {
        "records": len(table),
        "children_counted_once": int(table[table["EnrolStatus"].isin(["C", "M"])]["UPN"].nunique()),
        "dual_pairs": DUAL,
        "guests": GUESTS,
        "exact_repeats": EXACT_REPEATS,
        "conflicting_postcodes": sorted(pupils.loc[conflict, "UPN"]),
        "fsm_blank_records": int((table["FSMeligible"] == "").sum()),
        "spoiled": sum(entry["count"] for entry in dirt.values()),
        "dirt": dirt,
    }
    return table, truth


def _another_school(pupils: pd.DataFrame, guests: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """For each guest, some other school that teaches the same year."""
    taught = pupils.groupby("NCyearActual")["URN"].unique().map(sorted)
    return [
        str(rng.choice([urn for urn in taught[year] if urn != own]))
        for year, own in zip(guests["NCyearActual"], guests["URN"], strict=True)
    ]


def spoil_callers(callers: pd.DataFrame, rules: Rules, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """Spoil a few callers' postcodes, and leave some schools unknown."""
    table = callers.copy()
    table["postcode"], dirt = spoil_postcodes(table["postcode"], CALLER_DIRT, rules, rng)
    unknown = rng.choice(len(table), 15, replace=False)
    table.loc[unknown, "school_now"] = ""
    return table, {"records": len(table), "school_blank": len(unknown), "dirt": dirt}

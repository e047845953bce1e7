"""Look one postcode up in a set of postcodes, the obvious way."""

from __future__ import annotations

import itertools
import re

SHAPE = re.compile(r"([A-Z]{1,2}[0-9]{1,2}|[A-Z]{1,2}[0-9][A-Z]|GIR|NPT)[0-9][ABD-HJLNP-UW-Z]{2}")
SWAPS = {a: b for pair in ("O0", "I1", "S5", "B8", "Z2") for a, b in (pair, pair[::-1])}


def look_up(text: str, directory: set[str]) -> tuple[str, str | None]:
    """Status and matched postcode (without space) of text: letters and digits, seven at most, and spaces."""
    tidy = text.upper().replace(" ", "")
    if not tidy:
        return "blank", None
    if tidy in directory:
        return ("exact" if text == f"{tidy[:-3]} {tidy[-3:]}" else "reformatted"), tidy
    if tidy.startswith("ZZ99") or re.match("BF([0-9]|PO)", tidy):
        return "not_found", None
    choices = [(character, SWAPS[character]) if character in SWAPS else (character,) for character in tidy]
    swapped = {"".join(characters) for characters in itertools.product(*choices)} & directory
    if len(swapped) == 1:
        return "repaired", swapped.pop()
    sectors = {entry[:-2] for entry in directory}
    if SHAPE.fullmatch(tidy):
        return ("sector_only" if tidy[:-2] in sectors else "not_found"), None
    if (
        3 <= len(tidy) <= 5
        and tidy in sectors
        and re.fullmatch(r"([A-Z]{1,2}[0-9]{1,2}|[A-Z]{1,2}[0-9][A-Z]|GIR|NPT)[0-9]", tidy)
    ):
        return "sector_only", None
    return "not_found", None

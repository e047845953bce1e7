"""The streets of a plan, one row and one postcode at a time."""

from __future__ import annotations


def streets_of(school_of: dict[str, str], rows: list[tuple[str, str, str]]) -> set[tuple]:
    """Street, school, whether it is whole, and the postcodes; ``school_of`` has every live postcode, "" for no school.

    ``rows`` are postcode, street and locality; without a locality streets are told apart by sector.
    """
    postcodes: dict[tuple[str, str], set[str]] = {}
    for postcode, street, locality in rows:
        if postcode in school_of:
            place = locality or postcode[:-2]
            postcodes.setdefault((place.casefold(), " ".join(street.split()).casefold()), set()).add(postcode)
    found = set()
    for (place, street), held in postcodes.items():
        schools = {school_of[postcode] for postcode in held}
        for school in schools - {""}:
            own = {postcode for postcode in held if school_of[postcode] == school}
            found.add((place, street, school, own == held, tuple(sorted(own))))
    return found

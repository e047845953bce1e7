"""The leak scan: personal values that must not be in a file that leaves the office, wherever in it they hide.

It looks for full postcodes, UPNs, children's dates of birth and fine coordinates in every container that an output
may be (:mod:`geoplan.containers`), shown or not. A finding says what, where and how often, and never the value.

**Rules.** A *postcode* has a real postcode area and a well-formed inward half; pseudo postcodes (``ZZ99``) and those
listed as public are not leaks. A *UPN* has the pattern and the right check letter. A *birth date* is any date of a
person under 26 beside a word of birth; without such a word it is a date on which a child of 2 to 19 was born, unless
it is a first or last of a month, a census or school census day, one of at most sixty days of which it comes ten times
(a series), or stands after a word of publication (published, updated, census, opened ...). *Coordinates* are finer
than 20 m: longitude and latitude with four decimals or more, named grid or web coordinates in whole metres or tens,
points and lines of layers. Allowed are outlines of areas, blocks of shapes that a geoplan page declares, the box that
a map opens on, and points of schools: those where each has a school number of its own. What is *marked*
OFFICIAL-SENSITIVE, in its name or in it, stays inside whatever else it holds.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from geoplan.containers import Points, Rows, Text, Values, pieces
from geoplan.disclosure import OFFICIAL

MARKED = "official_sensitive"
KINDS = ("postcode", "upn", "birth_date", "coordinates", MARKED)
CHECK_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


@dataclass(frozen=True, order=True)
class Leak:
    """Something that must not leave the office: what kind, where, how often; never the value itself.

    Parameters
    ----------
    kind
        One of ``postcode``, ``upn``, ``birth_date``, ``coordinates``, ``official_sensitive``.
    where
        File and place in it; a place whose own name is a leak is called "(name withheld)".
    count
        How often it occurs there, counting repeats.
    """

    kind: str
    where: str
    count: int


@dataclass(frozen=True)
class Allowed:
    """What is public, and the day that ages are reckoned from."""

    postcodes: frozenset[str]
    today: dt.date


def scan_bytes(
    name: str, data: bytes, *, public_postcodes: Iterable[str] = (), today: dt.date | None = None
) -> tuple[Leak, ...]:
    """Personal values in the bytes of a file.

    Parameters
    ----------
    name
        The file's name, for the findings; it is looked at too.
    data
        Its bytes; what they are is recognised from themselves.
    public_postcodes
        Postcodes that may be there (those of schools).
    today
        The day that children's ages are reckoned from.

    Raises
    ------
    InputRefused
        If the bytes, or any container in them, cannot be looked into: that is never called clean.

    Examples
    --------
    >>> scan_bytes("page.html", b"<td data-home='ME7&nbsp;1AB'>12</td>")
    (Leak(kind='postcode', where='page.html', count=1),)
    >>> scan_bytes("page.html", b"<td>ME7</td>")
    ()
    """
    allowed = Allowed(frozenset(map(_plain, public_postcodes)), today or dt.date.today())
    found: Counter[tuple[str, str]] = Counter()
    parts = ((name, Text("", (name.replace("_", " "), name))), *((piece.where, piece) for piece in pieces(name, data)))
    for where, piece in parts:
        hits = _hits(piece, allowed)
        if hits:
            where = shown_place(where, allowed)
            for kind, count in hits.items():
                found[kind, where] = (
                    max(found[kind, where], count) if isinstance(piece, Text) else found[kind, where] + count
                )
    return tuple(sorted(Leak(kind, where, count) for (kind, where), count in found.items()))


def shown_place(where: str, allowed: Allowed | None = None) -> str:
    """A place that may be printed."""
    allowed = allowed or Allowed(frozenset(), dt.date.today())
    parts = where.split(": ")
    clean = (part if not _text_hits(part.replace("_", " "), allowed) else "(name withheld)" for part in parts)
    return "".join(c if c.isprintable() else "?" for c in ": ".join(clean))[:200]


def _hits(piece: object, allowed: Allowed) -> Counter[str]:
    if isinstance(piece, Points):
        return Counter(coordinates=piece.count)
    if isinstance(piece, Rows):
        return +_row_hits(piece.rows, allowed)
    if isinstance(piece, Values):
        return +Counter(coordinates=_value_coordinates(piece.value, piece.block))
    if piece.loose:
        return _loose_hits(piece.views[0], allowed) - _loose_hits(piece.less, allowed)
    found: Counter[str] = Counter()
    for view in piece.views:
        found |= _text_hits(view, allowed, piece.binary, piece.parsed)
    return found


def _text_hits(text: str, allowed: Allowed, binary: bool = False, parsed: bool = False) -> Counter[str]:
    return +Counter(
        postcode=sum(1 for _ in postcodes_in(text, allowed.postcodes, binary)),
        upn=sum(1 for _ in upns_in(text)),
        birth_date=sum(1 for _ in birth_dates_in(text, allowed.today)),
        coordinates=0 if parsed else degrees_in(text),
        official_sensitive=text.count(OFFICIAL),
    )


# ------------------------------------------------------------------------------------------- postcodes

_AREAS_TEXT = (
    "AB AL B BA BB BD BF BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC "
    "EH EN EX FK FY G GIR GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS "
    "LU M ME MK ML N NE NG NN NP NPT NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP "
    "SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE"
)
AREAS = frozenset(_AREAS_TEXT.split())
_INWARD = "[ABD-HJLNP-UW-Zabd-hjlnp-uw-z]{2}"
_POSTCODE = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z]{1,2}[0-9][0-9A-Za-z]?|[Gg][Ii][Rr]|[Nn][Pp][Tt])"
    rf"([ \t]{{0,3}}|[.+-])([0-9]{_INWARD})(?![A-Za-z0-9])"
)
_LOOSE_POSTCODE = re.compile(r"(?=((?:[A-Z]{1,2}[0-9][0-9A-Z]?)) ?([0-9][ABD-HJLNP-UW-Z]{2}))")
_UNITS = frozenset(["st", "nd", "rd", "th", "px", "pt", "ha", "ft", "gb"])  # 1st, 2nd, 12px, 5ha


def postcodes_in(text: str, public: Collection[str] = (), binary: bool = False) -> Iterator[int]:
    """Where full postcodes begin; those in ``public`` (no space, upper case) left out.

    Among other bytes (``binary``) only capitals count.

    Examples
    --------
    >>> list(postcodes_in("in ME7 1AB, me71ab and ME7", public=["TN11AA"])), list(postcodes_in("S1 2nd and #A123BD"))
    ([3, 12], [])
    """
    for match in _POSTCODE.finditer(text):
        out, gap, inward = match.groups()
        if not _is_outward(out) or (binary and not (out + inward).isupper()):
            continue
        if out.isupper() and inward[1:] in _UNITS:
            continue
        if out[0].islower() and (not gap or inward[1:] in _UNITS) and (binary or inward[1:].isupper()):
            continue
        if (
            not gap
            and text[max(0, match.start() - 1) : match.start()] == "#"
            and re.fullmatch("[0-9A-Fa-f]{6}", out + inward)
        ):
            continue  # a colour
        if (out + inward).upper() not in public:
            yield match.start()


def _is_outward(text: str) -> bool:
    letters = re.match("[A-Za-z]+", text)[0].upper()
    return letters in AREAS


def listed_postcodes(text: str) -> list[str]:
    """Every full postcode in a list of public ones, however it is laid out.

    Examples
    --------
    >>> listed_postcodes("me7 1ab; TN1 1AA")
    ['ME71AB', 'TN11AA']
    """
    return [(match[1] + match[3]).upper() for match in _POSTCODE.finditer(text)]


def _plain(postcode: str) -> str:
    return re.sub("[^A-Z0-9]", "", postcode.upper())


# ------------------------------------------------------------------------------------------------ UPNs

_UPN = re.compile(
    r"(?<![A-Za-z0-9])[A-HJ-NP-RT-Za-hj-np-rt-z](?:[ -]?[0-9]){11}[ -]?[0-9A-HJ-NP-RT-Za-hj-np-rt-z](?![A-Za-z0-9])"
)
_ELEVEN_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){10}")
_LOOSE_UPN = re.compile(r"(?=([A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]))")


def is_upn(text: str) -> bool:
    """Whether 13 characters are a UPN: pattern and check letter.

    Examples
    --------
    >>> is_upn("B801200005001"), is_upn("A801200005001")
    (True, False)
    """
    text = text.upper()
    if not re.fullmatch(r"[A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]", text):
        return False
    values = [int(c) if c.isdigit() else CHECK_LETTERS.index(c) for c in text[1:]]
    return text[0] == CHECK_LETTERS[sum(value * weight for weight, value in enumerate(values, 2)) % 23]


def upns_in(text: str) -> Iterator[int]:
    """Where UPNs begin, written together or in groups."""
    found = _UPN.finditer(text) if _ELEVEN_DIGITS.search(text) else ()
    return (match.start() for match in found if is_upn(re.sub("[ -]", "", match[0])))


def _loose_hits(text: str, allowed: Allowed) -> Counter[str]:
    """Values with nothing between them and their neighbours."""
    codes = (m[1] + m[2] for m in _LOOSE_POSTCODE.finditer(text) if _is_outward(m[1]))
    days = (_day(m[1], m[2], m[3]) for m in re.finditer(r"(?=((?:19|20)\d\d)-([01]\d)-([0-3]\d))", text))
    return +Counter(
        postcode=sum(code not in allowed.postcodes for code in codes),
        upn=sum(is_upn(match[1]) for match in _LOOSE_UPN.finditer(text)),
        birth_date=sum(day is not None and _is_child(day, allowed.today) for day in days),
    )


# -------------------------------------------------------------------------------------- dates of birth

_MONTHS = {
    name.lower(): i for names in (calendar.month_name, calendar.month_abbr) for i, name in enumerate(names) if name
}
_MONTHS["sept"] = 9
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"""(?<![0-9A-Za-z./-])(?:
        (?P<y1>(?:19|20)\d\d)(?P<s1>[-/.])(?P<m1>[01]?\d)(?P=s1)(?P<d1>[0-3]?\d)(?=[T\s]|\b)(?P<z>T[\d:.]+Z)?
      | (?P<d2>[0-3]?\d)(?P<s2>[-/.])(?P<m2>[01]?\d)(?P=s2)(?P<y2>(?:19|20)\d\d|\d\d)
      | (?P<d3>[0-3]?\d)(?:st|nd|rd|th)?[\s,-]{{1,3}}(?:of\s)?(?P<m3>{_MONTH})[\s,.-]{{1,3}}(?P<y3>(?:19|20)\d\d|\d\d)
      | (?P<m4>{_MONTH})\s(?P<d4>[0-3]?\d)(?:st|nd|rd|th)?,?\s(?P<y4>(?:19|20)\d\d)
    )(?![0-9/.-]?\d)""",
    re.X | re.I,
)
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d\d)([01]\d)([0-3]\d)(?!\d)")
_BIRTH = re.compile(r"d\.?\s?o\.?\s?b\b|(?:^|[_\W])dob|birth|\bborn\b", re.I)
_PUBLISHED = re.compile(
    r"publish|updat|version|vintage|as at|as of|census|retriev|accessed|generat|creat|modif|effective|valid|"
    r"open(?:ed|s|ing|\b)|"
    r"clos|edition|releas|\bact\b|inspect|licen[cs]e|download|extract|snapshot|register|mid-?year|\bterm\b|copyright|since|until",
    re.I,
)
_CENSUS_DAYS = frozenset({dt.date(2001, 4, 29), dt.date(2011, 3, 27), dt.date(2021, 3, 21), dt.date(2022, 3, 20)})
_LIKE_LETTERS = re.compile("[\u0130\u0131\u017f\u212a]")  # not ASCII, and equal to i, s or k where case is ignored
_BORN = re.compile(r"birth|born|dob|d\.?\s?o\.?\s?b\b")
# where a date may be, found fast: what must stand there, and how many characters before it a date may begin
_DATED = (
    (re.compile(r"\d(?=[-/.]\d\d?[-/.]\d)"), range(4)),
    (re.compile(rf"\d(?=(?:st|nd|rd|th)?[\s,-]{{1,3}}(?:of\s)?(?:{_MONTH}))", re.I), range(2)),
    (re.compile(r"\s(?=\d\d?(?:st|nd|rd|th)?,?\s(?:19|20)\d\d)", re.I), range(3, 1 + max(map(len, _MONTHS)))),
)
_BEFORE = 60  # characters in which a word decides what a date is


def birth_dates_in(text: str, today: dt.date) -> Iterator[int]:
    """Where children's dates of birth begin, by the rule at the head of the module.

    Examples
    --------
    >>> day = dt.date(2026, 9, 1)
    >>> list(birth_dates_in("12/05/2016, as at 12/05/2016, 2016-05-01, born 1/5/2016", day))
    [0, 47]
    """
    days = [(match, _day_of(match)) for match in dates_in(text)]
    repeats = Counter(day for _, day in days)
    of_tables = {day for day, count in repeats.items() if count >= 10} if len(repeats) <= 60 else set()
    for match, day in days:
        if day is None or not _is_young(day, today):
            continue
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if _BIRTH.search(before[-40:]) or (
            day not in of_tables and _is_child(day, today) and not _PUBLISHED.search(before)
        ):
            yield match.start()
    for match in _BIRTH.finditer(text) if _may_say(text, _BORN) else ():
        near = text[match.end() : match.end() + 24]
        for found in _COMPACT.finditer(near):
            day = _day(*found.groups())
            if day is not None and _is_young(day, today) and not re.search("[A-Za-z]{12}", near[: found.start()]):
                yield match.end() + found.start()


def dates_in(text: str) -> Iterator[re.Match[str]]:
    """Every date in a text, in order: what looking for one at each character would find.

    Examples
    --------
    >>> [match[0] for match in dates_in("12/05/2016, 1st of May 2016 and May 1, 2016, not 1.5 or May 2016")]
    ['12/05/2016', '1st of May 2016', 'May 1, 2016']
    """
    starts = {match.start() - back for mark, backs in _DATED for match in mark.finditer(text) for back in backs}
    after = 0
    for start in sorted(starts):
        if start >= after and (match := _DATE.match(text, start)):
            yield match
            after = match.end()


def _may_say(text: str, words: re.Pattern[str]) -> bool:
    """Whether a text may have one of some words in any case: a quick look before a slow one."""
    return words.search(text.lower()) is not None or (not text.isascii() and _LIKE_LETTERS.search(text) is not None)


def _day_of(match: re.Match[str]) -> dt.date | None:
    parts = {name[0]: value for name, value in match.groupdict().items() if value}
    if "z" in parts:  # the moment a program wrote something
        return None
    return _day(parts["y"], parts["m"], parts["d"])


def _day(year: str, month: str, day: str) -> dt.date | None:
    whole = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 70 else 1900)
    number = _MONTHS.get(month.lower()) or (int(month) if month.isdigit() else 0)
    for m, d in ((number, int(day)), (int(day), number)):  # the second: month first, as Americans write
        try:
            return dt.date(whole, m, d)
        except ValueError:
            continue
    return None


def _is_young(day: dt.date, today: dt.date) -> bool:
    return dt.timedelta() <= today - day <= dt.timedelta(days=26 * 365.25)


def _is_child(day: dt.date, today: dt.date) -> bool:
    """Whether a child of 2 to 19 may have been born that day, and it is no day that statistics are of."""
    old_enough = dt.timedelta(days=2 * 365.25) <= today - day <= dt.timedelta(days=20 * 365.25)
    last = calendar.monthrange(day.year, day.month)[1]
    return old_enough and day.day not in (1, last) and day not in _CENSUS_DAYS and not _is_school_census(day)


def _is_school_census(day: dt.date) -> bool:
    """Third Thursday of January and May, first Thursday of October."""
    week = (day.day + 6) // 7
    return day.weekday() == 3 and (day.month, week) in ((1, 3), (5, 3), (10, 1))


# ----------------------------------------------------------------------------------------- coordinates

_BETWEEN = r"\s*(?:,|;|\t|\||\s|°)\s*[\"']?(?:[A-Za-z_]{1,12}[\"']?\s*[:=]\s*[\"']?)?"
_DEGREES = re.compile(rf"(?<![\d.])(-?\d{{1,2}}\.\d{{4,}})({_BETWEEN})(-?\d{{1,2}}\.\d{{4,}})(?!\d|\.\d)")
_GRID_WORDS = re.compile(
    r"\b(?:x|e|easting)\s*[:=]?\s*[\"']?(\d{5,6}(?:\.\d+)?)\W{1,6}(?:y|n|northing)\s*[:=]?\s*[\"']?(\d{4,7}(?:\.\d+)?)\b",
    re.I,
)
_GRID_REFERENCE = re.compile(
    r"(?<![A-Za-z0-9])[HJNOSThjnost][A-HJ-Za-hj-z]\s?(?:\d{4}\s?\d{4}|\d{5}\s?\d{5})(?![A-Za-z0-9])"
)
_POINT_TEXT = re.compile(r"\b(?:MULTI)?(?:POINT|LINESTRING)\s*Z?\s*\(\(?\s*(-?\d+(?:\.\d+)?)\s+(-?\d+(?:\.\d+)?)", re.I)
# what a longer pattern needs, looked for first: each begins with something that is soon found
_TWO_DEGREES = re.compile(rf"\.\d{{4,}}{_BETWEEN}-?\d{{1,2}}\.\d{{4}}")
_TWO_METRES = re.compile(r"\d{5}(?:\.\d+)?\W{1,6}[yn]", re.I)
_EIGHT_DIGITS = re.compile(r"\d{4}\s?\d{4}")
_SHAPES = re.compile(r"(?:point|linestring)\s*z?\s*\(")
_BOX = re.compile(r"fitBounds\(\s*\[\[(-?[\d.]+), (-?[\d.]+)\], \[(-?[\d.]+), (-?[\d.]+)\]\]")
_OUTLINE_TEXT = re.compile(r"\b(?:MULTI)?POLYGON\s*Z?\s*\([-\d\s.,()]*\)", re.I)


def degrees_in(text: str) -> int:
    """How many fine coordinates stand in text: pairs of degrees, named grid coordinates, grid references, WKT points.

    Examples
    --------
    >>> degrees_in("51.38721,0.54321 and 51.38, 0.54"), degrees_in("E 576543 N 168234")
    (1, 1)
    """
    if "POLYGON" in text.upper():
        text = _OUTLINE_TEXT.sub(" ", text)
    if "fitBounds" in text:
        text = _BOX.sub(_opened_box, text)
    count = 0
    if _TWO_DEGREES.search(text):
        count += sum(_is_degrees(float(m[1]), float(m[3])) for m in _DEGREES.finditer(text))
    if _TWO_METRES.search(text):
        count += sum(is_fine(m[1], m[2]) for m in _GRID_WORDS.finditer(text))
    if _may_say(text, _SHAPES):
        count += sum(is_fine(m[1], m[2]) for m in _POINT_TEXT.finditer(text) if not _has_degrees(m[1], m[2]))
    if _EIGHT_DIGITS.search(text):
        count += sum(1 for _ in _GRID_REFERENCE.finditer(text))
    return count


def _opened_box(match: re.Match[str]) -> str:
    """Nothing, for the box a map opens on; its corners, where the box is one place."""
    south, west, north, east = map(float, match.groups())
    return "" if north - south > 0.005 and east - west > 0.005 else match[0]


def _has_degrees(x: str, y: str) -> bool:
    return _DEGREES.search(f"{x} {y}") is not None


def _is_degrees(a: float, b: float) -> bool:
    return (49.8 <= a <= 61 and -9 <= b <= 2.2) or (49.8 <= b <= 61 and -9 <= a <= 2.2)


def is_fine(x: object, y: object) -> bool:
    """Whether two numbers, known to be coordinates, place something in Britain to under 20 m.

    Examples
    --------
    >>> is_fine("576543", "168234"), is_fine(576500, 168200), is_fine(0.54321, 51.38721), is_fine("0.54", "51.38")
    (True, False, True, False)
    """
    texts = [str(value).strip() for value in (x, y)]
    try:
        a, b = (float(text.replace(",", "")) for text in texts)
    except ValueError:
        return False
    if not (math.isfinite(a) and math.isfinite(b)):
        return False
    if _is_degrees(a, b):
        return all(len(text.partition(".")[2]) >= 4 for text in texts)
    grid = 1_000 < a < 700_000 and 1_000 < b < 1_300_000 and a + b > 90_000
    web = -1_010_000 < a < 246_000 and 6_400_000 < b < 8_700_000
    return (grid or web) and (a % 20 != 0 or b % 20 != 0)


_X = re.compile(
    r"^(?:\w*_)?(?:east(?:ing)?s?|oseast\w*|x|x_?coord\w*|lon|long|lng|longitude|lon_?deg)(?:\s*\(.*\))?(?:_m)?$", re.I
)
_Y = re.compile(
    r"^(?:\w*_)?(?:north(?:ing)?s?|osnrth\w*|y|y_?coord\w*|lat|latitude|lat_?deg)(?:\s*\(.*\))?(?:_m)?$", re.I
)
_SCHOOL = re.compile(r"^(?:urn|laestab|school|school_?urn|school_?number|code|estab\w*|id)$", re.I)
_PUPIL = re.compile(r"pupil_?id|\bupn\b|child|surname|forename|\bperson\b|record", re.I)


def _row_hits(rows: Sequence[Sequence[str]], allowed: Allowed) -> Counter[str]:
    """Coordinates and dates of birth in a table, by its headings, and columns of degrees without any."""
    heads, body = [str(cell).strip() for cell in rows[0]], rows[1:]
    found: Counter[str] = Counter()
    for at, head in enumerate(heads):
        if _BIRTH.search(head):
            found["birth_date"] += sum(_is_birth_cell(row[at], allowed.today) for row in body if at < len(row))
    found["coordinates"] += degrees_in("\n¦\n".join(cell for row in rows for cell in row if len(cell) > 12))
    pairs = [
        (i, j) for i, head in enumerate(heads) if _X.match(head) for j, other in enumerate(heads) if _Y.match(other)
    ]
    pairs = pairs or _degree_columns(rows)
    for i, j in pairs[:20]:
        fine = [row for row in body if max(i, j) < len(row) and is_fine(row[i], row[j])]
        if fine and not _are_schools(heads, body):
            found["coordinates"] += len(fine)
    return found


def _are_schools(heads: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether each row has a school number of its own, and nothing says the rows are of people."""
    if any(_PUPIL.search(head) for head in heads):
        return False
    rows = [row for row in body if any(row)]
    for at, head in enumerate(heads):
        if _SCHOOL.match(head):
            numbers = [row[at] if at < len(row) else "" for row in rows]
            if all(_is_school_number(n) for n in numbers) and len(set(numbers)) == len(numbers):
                return True
    return False


def _is_school_number(value: object) -> bool:
    return re.fullmatch(r"[1-9]\d{5,6}|\d{3}/\d{4}", str(value).strip()) is not None


def _degree_columns(rows: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Neighbouring columns in which every row is a place in Britain, whatever their headings."""
    body = [row for row in rows[:200] if len(row) > 1][1:] or rows
    width = min((len(row) for row in body), default=0)
    return [(i, i + 1) for i in range(min(width - 1, 200)) if _are_degrees([(row[i], row[i + 1]) for row in body])]


def _are_degrees(pairs: Sequence[tuple[str, str]]) -> bool:
    filled = [pair for pair in pairs if any(cell.strip() for cell in pair)]
    fine = sum("." in x and is_fine(x, y) for x, y in filled)
    return fine > 0 and fine >= 0.9 * len(filled)


def _is_birth_cell(cell: str, today: dt.date) -> bool:
    """A cell under a heading of birth: a date in any form, or the day's number as a spreadsheet keeps it."""
    cell = str(cell).strip()
    if re.fullmatch(r"[3-5]\d{4}(?:\.\d*)?", cell):
        return _is_young(dt.date(1899, 12, 30) + dt.timedelta(days=int(float(cell))), today)
    match = _COMPACT.fullmatch(cell) or None
    day = _day(*match.groups()) if match else None
    return day is not None and _is_young(day, today)


_SHAPE_KEYS_TEXT = "codes names origin step tolerance together rings lengths dx dy cx cy"
_SHAPE_KEYS = frozenset(_SHAPE_KEYS_TEXT.split())
_SCHOOL_KEYS_TEXT = "title codeName codes names x y marks highlight columns details colour spot"
_SCHOOL_KEYS = frozenset(_SCHOOL_KEYS_TEXT.split())


def _value_coordinates(value: object, block: str = "") -> int:
    """Fine coordinates in parsed JSON, by the names they stand under.

    Examples
    --------
    >>> _value_coordinates({"homes": [{"x": 576543, "y": 168234}]}), _value_coordinates({"x": 1, "y": 2})
    (1, 0)
    """
    if block and isinstance(value, dict) and _is_declared(value, block):
        return 0
    count, stack, words = 0, [value], []
    if block.startswith(("geoplan-shapes-", "geoplan-schools-")):
        count = 1  # not what its name says
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            words.append(item)
        elif isinstance(item, list):
            count += _list_coordinates(item)
            stack += [each for each in item if isinstance(each, (dict, list, str))]
        elif isinstance(item, dict):
            kind = item.get("type")
            if kind in ("Polygon", "MultiPolygon") and "coordinates" in item:
                continue
            if kind == "FeatureCollection" and isinstance(item.get("features"), list):
                count += _feature_coordinates(item["features"])
                stack += [each.get("properties") for each in item["features"] if isinstance(each, dict)]
                continue
            if kind in _NOT_AREAS and "coordinates" in item:
                count += sum(is_fine(x, y) for x, y in _pairs(item["coordinates"]))
                continue
            count += _dict_coordinates(item)
            stack += [each for each in item.values() if isinstance(each, (dict, list, str))]
    return count + degrees_in("\n¦\n".join(word for word in words if len(word) > 12))


_NOT_AREAS = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString"})


def _is_declared(value: dict, block: str) -> bool:
    """Whether a block is what its name on a geoplan page says: outlines, or schools with numbers of their own."""
    if block.startswith("geoplan-shapes-"):
        lengths = value.get("lengths")
        whole = isinstance(lengths, list) and (not lengths or sorted(lengths)[len(lengths) // 2] > 1)
        return value.keys() <= _SHAPE_KEYS and whole
    if block.startswith("geoplan-schools-") and value.keys() <= _SCHOOL_KEYS:
        codes = value.get("codes")
        return isinstance(codes, list) and all(map(_is_school_number, codes)) and len(set(codes)) == len(codes)
    return False


def _list_coordinates(items: list) -> int:
    """Bare pairs of degrees, ``[0.54321, 51.38721]``, and records that are all schools."""
    pair = 2 <= len(items) <= 3 and all(isinstance(each, float) for each in items[:2])
    return int(pair and _is_degrees(*items[:2]) and is_fine(*items[:2]))


def _dict_coordinates(item: dict) -> int:
    xs = [key for key in item if isinstance(key, str) and _X.match(key)]
    ys = [key for key in item if isinstance(key, str) and _Y.match(key)]
    if not xs or not ys:
        return _labelled_columns(item)
    count = 0
    for x in xs[:4]:
        for y in ys[:4]:
            if isinstance(item[x], list) and isinstance(item[y], list):
                count += sum(is_fine(a, b) for a, b in zip(item[x], item[y], strict=False))
            else:
                count += is_fine(item[x], item[y])
    return 0 if count and _is_school_record(item) else count


def _is_school_record(item: dict) -> bool:
    """A record with a school number and a name, and no word of a person."""
    keys = [key for key in item if isinstance(key, str)]
    if any(_PUPIL.search(key) for key in keys):
        return False
    numbered = any(key.lower() in ("urn", "laestab") and _is_school_number(item[key]) for key in keys)
    return numbered and any(key.lower() in ("name", "school_name", "establishmentname") for key in keys)


def _labelled_columns(item: dict) -> int:
    """Columns as a page keeps them: ``{"columns": [{"label": ..., "texts": [...]}]}``."""
    columns = item.get("columns")
    if not isinstance(columns, list) or not all(
        isinstance(c, dict) and isinstance(c.get("texts"), list) for c in columns
    ):
        return 0
    heads = [str(column.get("label", "")) for column in columns]
    rows = [heads, *([str(cell) for cell in row] for row in zip(*(c["texts"] for c in columns), strict=False))]
    return _row_hits(rows, Allowed(frozenset(), dt.date(1, 1, 1)))["coordinates"]


def _feature_coordinates(features: list) -> int:
    """Points and lines of a GeoJSON layer, unless each point has a school number of its own."""
    count, numbers = 0, []
    for feature in features:
        if not isinstance(feature, dict):
            continue
        properties = feature.get("properties") if isinstance(feature.get("properties"), dict) else {}
        fine = _value_coordinates(feature.get("geometry"))
        if fine:
            count += fine
            person = any(_PUPIL.search(str(key)) for key in properties)
            known = [str(v) for k, v in properties.items() if _SCHOOL.match(str(k)) and _is_school_number(v)]
            numbers.append(known[0] if known and not person and fine == 1 else "")
    return 0 if numbers and all(numbers) and len(set(numbers)) == len(numbers) == count else count


def _pairs(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, list) and len(value) >= 2 and all(isinstance(each, (int, float)) for each in value[:2]):
        yield value[0], value[1]
    elif isinstance(value, list):
        for each in value:
            yield from _pairs(each)

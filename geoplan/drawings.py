"""What the pictures of a page say, and what it says once it is printed as PDF, against the figures it was made from.

A picture is an SVG in the page. Its title and its texts are words for a reader, and its bars are as long as their
figures. A PDF is compared with the page that it prints, number by number, each as often.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from geoplan.containers import pdf_strings, pdf_text

SCALES_KM = ("0.2", "0.5", "1", "2", "5", "10", "20", "50")
_SVG = re.compile(r"<svg\b.*?</svg\s*>", re.S | re.I)
_SAID = re.compile(r"<(title|text|desc|tspan)\b[^>]*>(.*?)</\1\s*>", re.S | re.I)
_UNSEEN = re.compile(r"<(style|script)\b.*?</\1\s*>|<!--.*?-->|<head\b.*?</head\s*>", re.S | re.I)
_TABLE = re.compile(r"<table\b.*?</table\s*>", re.S | re.I)
_TAG = re.compile(r"<[^>]*>")
_DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?")
_PERCENT = re.compile(r"(under |about )?(\d+(?:\.\d+)?)(?: to (\d+(?:\.\d+)?))?%")
_OWN = re.compile(r"(under )?(\d+(?:\.\d+)?)%|\b(?:c|no data)\b")
_BAR = re.compile(r'<rect x="0(?:\.0)?" y="[\d.]+" width="([\d.]+)" height="14"')
_SPOT = re.compile(r'<circle cx="([\d.]+)"')
_NEAR = 1e-6
_SLACK = 0.35  # of a picture's own units: widths are printed with one decimal


@dataclass(frozen=True, repr=False)
class Figures:
    """The figures that a page may print.

    Parameters
    ----------
    shares
        In hundredths (40.2), not rounded.
    counts
        Printed counts of people.
    names
        Names of schools, areas and groups: a number in a name is no figure.
    """

    shares: Collection[float]
    counts: Collection[float]
    names: Collection[str] = ()

    def nameless(self, text: str) -> str:
        """A text without the names in it.

        Examples
        --------
        >>> Figures((), (), ("Ward 12",)).nameless("Ward 12: 40")
        ' : 40'
        """
        for name in self.names:
            if name in text:
                text = text.replace(name, " ")
        return text

    def has_share(self, text: str) -> bool:
        """Whether a number, as printed, is one of the shares."""
        decimals = len(text.partition(".")[2])
        return any(abs(float(text) - share) <= 0.5 * 10.0**-decimals + _NEAR for share in self.shares)


def without_pictures(text: str) -> str:
    """A page without its pictures.

    Examples
    --------
    >>> without_pictures("<td><svg><title>40%</title></svg></td>")
    '<td></td>'
    """
    return _SVG.sub("", text)


def picture_problems(text: str, figures: Figures) -> list[str]:
    """Figures in the titles and texts of a page's pictures that are not printed, and bars not as long as theirs.

    Percentages must be shares, other numbers printed counts, and lengths (``5 km``) those of a map's scale. In one
    table all bars (and all spots of two years) must be drawn to one scale.

    Examples
    --------
    >>> page = '<svg><title>Terraces: 40% here</title><text>12</text></svg>'
    >>> picture_problems(page, Figures((40.2,), (12,))), len(picture_problems(page, Figures((40.2,), (13,))))
    ([], 1)
    """
    problems = []
    for picture in _SVG.findall(text):
        for _, inside in _SAID.findall(picture):
            if not _says_printed(html.unescape(_TAG.sub("", inside)), figures):
                problems.append("a picture says a figure that no protected table prints")
    for part in [*_TABLE.findall(text), _TABLE.sub("", text)]:
        if not _to_one_scale(_SVG.findall(part), figures):
            problems.append("a bar is not as long as its figure")
    return list(dict.fromkeys(problems))


def _says_printed(text: str, figures: Figures) -> bool:
    text = figures.nameless(text)
    for under, low, high in _PERCENT.findall(text):
        if under.strip() == "under":
            if not any(0 <= share < float(low) for share in figures.shares):
                return False
        elif not all(figures.has_share(each) for each in (low, high) if each):
            return False
    rest = _PERCENT.sub(" ", text)
    for number in re.findall(r"([\d.]+) km\b", rest):
        if number not in SCALES_KM:
            return False
    rest = re.sub(r"[\d.]+ km\b", " ", rest)
    return all(float(number.replace(",", "")) in figures.counts for number in _DIGITS.findall(rest))


def _to_one_scale(pictures: Sequence[str], figures: Figures) -> bool:
    """Whether lengths and places are those of the percentages in the titles, at one scale for all."""
    bars, spots = [], []
    for picture in pictures:
        title = next((inside for tag, inside in _SAID.findall(picture) if tag.lower() == "title"), "")
        title = figures.nameless(html.unescape(title))
        said = [float(low) for under, low, high in _PERCENT.findall(title) if not under and not high]
        own = _OWN.search(title)
        widths = [float(each) for each in _BAR.findall(picture)]
        at = [float(each) - 8 for each in _SPOT.findall(picture)]
        if 'class="bar"' not in picture or not title:
            continue
        if len(at) == 2 and len(said) == 2:
            spots += zip(said, at, strict=True)
        elif widths and (own is None or len(widths) > 1):
            return False
        elif widths and not own[1]:
            bars += [(float(own[2] or 0), widths[0])]
    return all(map(_one_scale, (bars, spots)))


def _one_scale(pairs: Sequence[tuple[float, float]]) -> bool:
    total = sum(value for value, _ in pairs)
    if not total:
        return all(abs(length) <= _SLACK for _, length in pairs)
    scale = sum(length for _, length in pairs) / total
    # percentages are printed whole, bars drawn from what is printed
    return all(abs(length - scale * value) <= _SLACK + 0.005 * scale * value for value, length in pairs)


# --- a page as PDF ------------------------------------------------------------------------------------------


def pdf_problems(data: bytes, page: str) -> list[str]:
    """Numbers in a PDF that do not stand in the page which it prints.

    In the text of its sheets no number may stand more often than in the page's text. The alternative texts, titles
    and descriptions in it that have a number must each be one of the page, word for word. Order is not compared.

    Parameters
    ----------
    data
        The PDF.
    page
        The HTML of the same report.
    """
    there = Counter(_numbers(_body(page)))
    problems = []
    lines = pdf_text(data)
    if not any(line.strip() for line in lines):
        problems.append("no text can be read in the PDF")
    if any("\ufffd" in line for line in lines):
        problems.append("the PDF has letters that cannot be read")
    if Counter(number for line in lines for number in _numbers(line)) - there:
        problems.append("the PDF has a number that its page has not")
    known = {_plain(text) for text in _titles(page)}
    if any(_DIGITS.search(text) and _plain(text) not in known for text in pdf_strings(data)):
        problems.append("a text for readers of the PDF's structure has a number that its page has not")
    return problems


def _numbers(text: str) -> list[str]:
    return _DIGITS.findall(text)


def _body(page: str) -> str:
    """What a reader of the page on paper sees: no head, no titles of pictures."""
    seen = re.sub(r"<title\b.*?</title\s*>", " ", _UNSEEN.sub(" ", page), flags=re.S | re.I)
    return html.unescape(_TAG.sub("\n", seen))


def _titles(page: str) -> Iterator[str]:
    for _, inside in re.findall(r"<(title|h[1-6]|desc)\b[^>]*>(.*?)</\1\s*>", page, re.S | re.I):
        yield html.unescape(_TAG.sub("", inside))


def _plain(text: str) -> str:
    return " ".join(text.split())

"""What a file says, against what it should say: the figures in its bytes beside the tables that the gate attacked.

A page is made by a renderer, and the gate sees tables; this is what ties the two. The bytes are unpacked
(:mod:`geoplan.containers`, as for the leak scan) and every table in them (of a page, of the data blocks its script
draws from, of a CSV or of JSON) is taken column by column. A column with figures must be, cell by cell, one column
of the protected tables the file was made from, rounded no less than it is printed, with ``c`` exactly where that is
hidden; or one of the public facts named beside them. The counts of those protected tables in turn must be the texts
that the gate read. Bars must be as long as their figures, shades the same for the same figure, and counts of people
in sentences must be ones that the rule can print. So an exact number that slips into a page is a refusal, whoever
wrote it there. It shares no code with the renderer.

Pictures (SVG) are read too (:mod:`geoplan.drawings`): what they say must be printed, and bars are drawn to one scale.
Which shade an area of a report's map has is not compared, only the legend's figures. In a workbook every column of
every sheet is compared as in a CSV; a cell of words with a number in it must be one of the texts given with the facts.
In a GeoPackage every column of every layer is compared, what is to be shown (``pupils_shown``) with the tables and the
number beside it with that; in a style the figures of the legend must be printed, the bounds of classes are not
compared. A PDF is compared with the page that it prints, which must be in the same release: no number may stand in it
more often than in the page, and its alternative texts with numbers must be the page's own; order is not compared.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.containers import Rows, Text, Values, pieces
from geoplan.disclosure import HIDDEN, NOT_AVAILABLE, OWN_HIDE_BELOW, OWN_ROUND_TO, Protected, Rule
from geoplan.drawings import Figures, pdf_problems, picture_problems, without_pictures
from geoplan.evidence import PrintedTable

READABLE = ("html", "csv", "json", "geojson", "xlsx", "gpkg")
COUNTS = ("count", "base_count", "pupils", "people")
NOTHING = ("", "no data", "nan", "None", NOT_AVAILABLE)
_NUMBER = re.compile(r"(?<![\w.])[-\u2212]?\u00a3?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?(?![\w])")
_FINDING = re.compile(r'<p class="finding">(.*?)</p>', re.S)
_SIGNS = re.compile("\\s*[\u25b2\u25bc]")  # beside a figure: more, fewer
_NAME = re.compile(r"[^\W\d].*\d|\d.*[^\W\d]", re.S)  # with a number and a letter
_NEAR = 1e-6

Key = tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Shown:
    """What a file was made from.

    Parameters
    ----------
    tables
        Protected tables, with the texts that the gate read.
    facts
        Plain tables of public facts, or of what was worked out from printed numbers.
    page
        For a PDF: the text of the page that it prints.
    """

    tables: tuple[Protected, ...]
    facts: tuple[pd.DataFrame, ...] = ()
    page: str = ""


@dataclass(frozen=True)
class Compared:
    """How many figures were found and compared, and what is wrong; never a figure."""

    figures: int
    problems: tuple[str, ...]


def check_bytes(name: str, kind: str, data: bytes, shown: Shown) -> Compared:
    """Compare every figure in a file with the tables it was made from.

    Parameters
    ----------
    name, kind
        Of the file, for the words of a problem; the kind is one of :data:`READABLE`, or ``pdf``.
    data
        Its bytes, as they are on the disk.
    shown
        What it was made from.

    Examples
    --------
    >>> from geoplan.disclosure import protect
    >>> table = protect(pd.DataFrame({"pupils": [40, 4]}, index=["a", "b"]), counts=["pupils"])
    >>> check_bytes("t.csv", "csv", b"code,pupils\\na,40\\nb,c\\n", Shown((table,)))
    Compared(figures=2, problems=())
    >>> check_bytes("t.csv", "csv", b"code,pupils\\na,40\\nb,4\\n", Shown((table,))).problems
    ("t.csv: column 'pupils' has figures that no protected table prints",)
    """
    problems = [f"{name}: {words}" for words in check_printed(shown.tables)]
    if kind == "pdf" and shown.page:
        found = check_bytes(name, "html", shown.page.encode("utf-8"), shown)
        problems += [f"{name}: {words}" for words in pdf_problems(data, shown.page)]
        return Compared(found.figures, tuple(dict.fromkeys([*found.problems, *problems])))
    if kind not in READABLE:
        if kind not in ("text", "markdown") or re.search(rb"\d", data):
            problems.append(f"{name}: figures of people in a {kind} file cannot be read back; write html, csv or json"
                            + (", and name the page that it prints" if kind == "pdf" else ""))  # fmt: skip
        return Compared(0, tuple(problems))
    known, printed = _Known(shown), _figures_of(shown)
    figures, seen = 0, set()
    if kind == "html":
        text = data.decode("utf-8", "replace")
        problems += [f"{name}: {words}" for words in picture_problems(text, printed)]
        data = without_pictures(text).encode("utf-8")
    elif kind == "xlsx":
        problems += [f"{name}: {words}" for words in _workbook_problems(name, data)]
    elif kind == "gpkg":
        figures, found = _layers(name, data, known, printed)
        problems += [f"{name}: {words}" for words in found]
    for keys, columns in _tables(name, kind, data):
        for head, texts in columns:
            if not any(_NUMBER.search(text) or text == HIDDEN for text in texts):
                continue
            figures += len(texts)
            said = kind in ("xlsx", "html") and known.says(texts)
            if not known.prints(keys, texts) and not said and head not in seen:
                seen.add(head)
                problems.append(f"{name}: column {head!r} has figures that no protected table prints")
    problems += [f"{name}: {words}" for words in (*_drawn(name, data), *_sentences(name, data, shown, printed))]
    return Compared(figures, tuple(dict.fromkeys(problems)))


# --- the protected tables against what the gate read ---------------------------------------------------------


def check_printed(tables: Sequence[Protected]) -> list[str]:
    """Columns of counts in protected tables that are not what the gate read for them, in words.

    Examples
    --------
    >>> printed = PrintedTable("t", ("ward",), (("a",), ("b",)), ("40", "c"))
    >>> frame = pd.DataFrame({"pupils": [40.0, 7.0]}, index=pd.Index(["a", "b"], name="ward"))
    >>> check_printed([Protected(frame, frame.isna(), printed=(printed,))])
    ["column 'pupils' of a protected table is not what the gate read"]
    """
    problems, slices, codes = [], {}, {}
    for table in tables:
        for column in table.table.columns:
            if table.printed and _is_count(table, column, codes) and not _as_read(table, column, slices):
                problems.append(f"column {str(column)!r} of a protected table is not what the gate read")
    return list(dict.fromkeys(problems))


def _is_count(table: Protected, column: object, codes: dict) -> bool:
    """Whether a column is of counts: by its name, or a code of a dimension that the rows do not have."""
    if column in COUNTS:
        return True
    for each in table.printed:
        if id(each) not in codes:
            codes[id(each)] = [{cell[i] for cell in each.cells} for i in range(len(each.dims))]
        others = [known for dim, known in zip(each.dims, codes[id(each)], strict=True)
                  if dim not in table.table.index.names]  # fmt: skip
        if any(str(column) in known for known in others):
            return True
    return False


def _as_read(table: Protected, column: object, slices: dict) -> bool:
    """Whether one slice of what the gate read (other dimensions fixed) has these numbers and these hidden cells."""
    frame = table.table
    hidden = table.is_hidden(column).to_numpy()
    wanted = [HIDDEN if gone else _text(value) for value, gone in zip(frame[column], hidden, strict=True)]
    if not any(wanted):
        return True  # nothing is printed
    for printed in table.printed:
        for dims in _dims_of(frame.index, printed):
            if (id(printed), dims) not in slices:
                slices[id(printed), dims] = _slices(printed, dims)
            at = [list(frame.index.names).index(dim) if dim in frame.index.names else 0 for dim in dims]
            rows = [tuple(map(str, row if isinstance(row, tuple) else (row,))) for row in frame.index]
            keys = [tuple(row[i] for i in at) for row in rows]
            # along its attributes what is not listed is nobody, even in a table of some groups only
            absent = "0" if printed.complete or set(dims) <= set(printed.attributes) else None
            # schools that have each a base of their own are read one by one: each is one slice, not all the same
            own = [tuple(row[i] for i in range(len(row)) if i not in at) if at else () for row in rows]
            parts: dict[tuple, list] = {}
            for owner, key, text in zip(own, keys, wanted, strict=True):
                parts.setdefault(owner, []).append((key, text))
            several = slices[id(printed), dims].values()
            if all(
                not any(text for _, text in part)
                or any(all(texts.get(key, absent) == text for key, text in part) for texts in several)
                for part in parts.values()
            ):
                return True
    return False


def _dims_of(index: pd.Index, printed: PrintedTable) -> Iterator[tuple[str, ...]]:
    """The dimensions of a printed table that an index can stand for."""
    named = tuple(name for name in index.names if name in printed.dims)
    if named:
        yield named
    elif index.nlevels == 1:
        codes = set(map(str, index))
        for i, dim in enumerate(printed.dims):
            if codes & {cell[i] for cell in printed.cells}:
                yield (dim,)


def _slices(printed: PrintedTable, dims: tuple[str, ...]) -> dict[Key, dict[Key, str]]:
    at = [printed.dims.index(dim) for dim in dims]
    rest = [i for i in range(len(printed.dims)) if i not in at]
    found: dict[Key, dict[Key, str]] = {}
    for cell, text in zip(printed.cells, printed.shown, strict=True):
        found.setdefault(tuple(cell[i] for i in rest), {})[tuple(cell[i] for i in at)] = text
    return found


def _text(value: object) -> str:
    return "" if value is None or value != value else str(int(value)) if float(value).is_integer() else str(value)


# --- the tables in the bytes --------------------------------------------------------------------------------


def _tables(name: str, kind: str, data: bytes) -> Iterator[tuple[list[list[Key]], list[tuple[str, list[str]]]]]:
    """The names that rows may go by, and the columns with their headings, of every table in a file."""
    shapes: list[list[str]] = []
    waiting: list[dict] = []
    for piece in pieces(name, data):
        if isinstance(piece, Rows) and kind != "gpkg":
            yield _grid(piece.rows)
        elif isinstance(piece, Values) and kind not in ("xlsx", "gpkg"):
            value = piece.value
            if piece.block.startswith("geoplan-shapes-") and isinstance(value, dict):
                shapes.append([str(code) for code in value.get("codes", ())])
            elif piece.block.startswith("geoplan-layer-") and isinstance(value, dict):
                waiting.append(value)
            elif piece.block.startswith("geoplan-schools-") and isinstance(value, dict):
                yield from _of_schools(value)
            elif kind != "html" or not piece.block:
                yield from _of_json(value)
    for layer in waiting:
        columns = [(str(each["label"]), list(map(str, each["texts"]))) for each in layer["columns"]]
        count = len(columns[0][1]) if columns else 0
        keys = [[(code,) for code in codes] for codes in shapes if len(codes) == count]
        yield keys, columns


def _grid(rows: Sequence[Sequence[str]]):
    """A table of headings and cells; a row may be named by its first cell, its second, or both."""
    heads = [str(cell) for cell in rows[0]]
    body = [[*map(str, row), *[""] * (len(heads) - len(row))] for row in rows[1:]]
    keys = [[tuple(row[:n]) for row in body] for n in range(1, min(4, len(heads)) + 1)]
    keys += [[(row[1],) for row in body]] if len(heads) > 1 else []
    return keys, [(head, [row[i] for row in body]) for i, head in enumerate(heads)]


def _of_schools(value: Mapping):
    codes = [(str(code),) for code in value.get("codes", ())]
    columns = [(str(each["label"]), list(map(str, each["texts"]))) for each in value.get("columns", ())]
    yield [codes], columns
    for blocks in value.get("details", ()):
        for block in blocks:
            if block.get("kind") == "bars":
                heads = [block["heads"][0], *block["heads"][2:]]
                yield _grid([heads, *([row["label"], *row["texts"]] for row in block["rows"])])
            elif block.get("kind") == "table":
                heads = [str(column["label"]) for column in block["columns"]]
                yield _grid([heads, *zip(*(column["texts"] for column in block["columns"]), strict=True)])


def _of_json(value: object):
    """Lists of records, wherever they are; a record by itself is a list of one."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            plain = {k: v for k, v in item.items() if not isinstance(v, (dict, list))}
            if any(isinstance(v, (int, float)) and not isinstance(v, bool) for v in plain.values()):
                yield _grid([list(plain), [_json_text(v) for v in plain.values()]])
            waiting += [each for each in item.values() if isinstance(each, (dict, list))]
        elif isinstance(item, list):
            records = item and all(isinstance(each, dict) and each.keys() == item[0].keys() for each in item)
            if records:
                plain = [k for k in item[0] if not any(isinstance(each[k], (dict, list)) for each in item)]
                if plain:
                    yield _grid([plain, *([_json_text(each[k]) for k in plain] for each in item)])
                waiting += [v for each in item for v in each.values() if isinstance(v, (dict, list))]
            elif any(isinstance(each, (int, float)) and not isinstance(each, bool) for each in item):
                yield _grid([["list"], *([_json_text(each)] for each in item)])
            else:
                waiting += [each for each in item if isinstance(each, (dict, list))]


def _json_text(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


# --- a column against the tables ----------------------------------------------------------------------------


@dataclass
class _Source:
    """A table that figures may come from: values by row and column, and the names its rows go by."""

    columns: dict[str, list]
    rows: list[dict[Key, int]]


class _Known:
    """All columns that a file may print, and all words that may stand in it."""

    def __init__(self, shown: Shown):
        self.sources = [_source(table.table, table) for table in shown.tables]
        self.sources += [_source(frame, None) for frame in shown.facts]
        self._seen: dict[tuple, bool] = {}
        self.words = {value for source in self.sources for values in source.columns.values() for value in values
                      if isinstance(value, str) and value != HIDDEN}  # fmt: skip

    def says(self, texts: Sequence[str]) -> bool:
        """Whether each text with a number is one of the texts given, and none is a figure by itself."""
        numbered = [text for text in texts if _NUMBER.search(text) or text == HIDDEN]
        return all(text in self.words and not isinstance(_figures(text), tuple) for text in numbered)

    def prints(self, ways: Sequence[Sequence[Key]], texts: Sequence[str], absent: Sequence[str] = ()) -> bool:
        """Whether the texts are a column of one table (its codes are one too), by one way of naming the rows.

        ``absent`` is what may stand in a row that a table does not have, besides nothing.
        """
        print_ = (tuple(map(tuple, ways)), tuple(texts), tuple(absent))
        if print_ not in self._seen:
            self._seen[print_] = self._prints(ways, texts, (*NOTHING, *absent))
        return self._seen[print_]

    def _prints(self, ways: Sequence[Sequence[Key]], texts: Sequence[str], nothing: Sequence[str]) -> bool:
        cells = [_figures(text) for text in texts]
        # a row that a table does not have is one without a figure
        named = [(keys, [key for key, text in zip(keys, texts, strict=True) if text not in nothing]) for keys in ways]
        for source in self.sources:
            for keys, needed in named:
                for names in source.rows:
                    if needed and needed[0] in names and all(key in names for key in needed):
                        rows = [names.get(key, -1) for key in keys]
                        if any(_fits(cells, texts, each, rows, nothing) for each in _pairs(source.columns, cells)):
                            return True
        return False


def _figures_of(shown: Shown) -> Figures:
    """The figures that pictures and sentences may say."""
    frames = [*(table.table for table in shown.tables), *shown.facts]
    shares = {round(100 * float(value), 6) for frame in frames for value in _shares(frame) if value == value}
    counts = {float(value) for table in shown.tables for column in table.table.columns
              if pd.api.types.is_numeric_dtype(table.table[column])
              for value in table.table[column][~table.is_hidden(column).to_numpy(bool)] if value == value}  # fmt: skip
    words = {value for frame in frames for column in frame.columns for value in frame[column]
             if isinstance(value, str) and _NAME.search(value)}  # fmt: skip
    return Figures(shares, counts, tuple(sorted(words, key=len, reverse=True)))


# --- workbooks and layers -------------------------------------------------------------------------------------

_WORKBOOK_PARTS = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(?:app|core)\.xml|xl/_rels/workbook\.xml\.rels"
    r"|xl/(?:workbook|styles|sharedStrings)\.xml|xl/theme/theme\d+\.xml|xl/tables/table\d+\.xml"
    r"|xl/worksheets/(?:_rels/)?sheet\d+\.xml(?:\.rels)?"
)
_GPKG = re.compile(r"gpkg_\w+|rtree_\w+|sqlite_\w+|layer_styles")


def _workbook_problems(name: str, data: bytes) -> list[str]:
    """Parts of a workbook that hold more than sheets and their looks: charts, notes, pictures."""
    if not any(isinstance(piece, Rows) for piece in pieces(name, data)):
        return ["no sheets are in it, so it cannot be read back"]
    parts = next((piece.views[0] for piece in pieces(name, data) if piece.where == f"{name}: names"), "")
    if all(_WORKBOOK_PARTS.fullmatch(part) for part in parts.splitlines() if part):
        return []
    return ["a workbook with more than sheets cannot be read back"]


def _layers(name: str, data: bytes, known: _Known, figures: Figures) -> tuple[int, list[str]]:
    """How many figures the layers of a GeoPackage have, and those there and in legends that are not printed."""
    count, problems = 0, []
    if not data.startswith(b"SQLite format 3\x00"):
        return 0, ["it is no GeoPackage, so it cannot be read back"]
    for piece in pieces(name, data):
        if not isinstance(piece, Rows):
            continue
        table = piece.where.rpartition("table ")[2]
        if table == "layer_styles":
            text = "".join(cell for row in piece.rows[1:] for cell in row)
            labels = html.unescape(" ".join(re.findall(r'<rule [^>]*label="([^"]*)"', text)))
            if not all(_figure(each[0])[0] in figures.counts for each in _NUMBER.finditer(labels)):
                problems.append("the legend of a layer has a figure that no protected table prints")
        elif not _GPKG.fullmatch(table):
            for texts, found in _layer_columns(piece.rows, known):
                count += len(texts)
                problems += [found] if found else []
    return count, problems


def _layer_columns(rows: Sequence[Sequence[str]], known: _Known) -> Iterator[tuple[list[str], str]]:
    """The columns of one layer that have figures, and what is wrong with each; a number is as its text says."""
    columns = {str(head): [str(row[at]) for row in rows[1:]] for at, head in enumerate(rows[0])}
    if columns.get("fid") == [str(number) for number in range(1, len(rows))]:
        del columns["fid"]
    keys = [[(code,) for code in columns.get("code", ())]]
    for head, texts in columns.items():
        beside = columns.get(f"{head}_shown")
        if head in ("code", "name") or not any(_NUMBER.search(text) or text == HIDDEN for text in texts):
            continue
        if beside is not None:
            same = all(_same_number(text, said) for text, said in zip(texts, beside, strict=True))
            yield texts, "" if same else f"column {head!r} is not what is to be shown of it"
        else:
            printed = known.prints(keys, texts, absent=("0",))
            yield texts, "" if printed else f"column {head!r} has figures that no protected table prints"


def _same_number(text: str, said: str) -> bool:
    if said in (HIDDEN, ""):
        return text == ""
    return text != "" and math.isclose(float(text), float(said), rel_tol=1e-5, abs_tol=1e-9)


def _source(frame: pd.DataFrame, table: Protected | None) -> _Source:
    columns = {}
    levels = [list(map(str, frame.index.get_level_values(i))) for i in range(frame.index.nlevels)]
    for i in range(frame.shape[1]):
        name = frame.columns[i]
        column = frame.iloc[:, i]
        values = [None if gone else value for value, gone in zip(column, column.isna(), strict=True)]
        if table is not None:
            hidden = table.is_hidden(name).to_numpy()
            values = [HIDDEN if gone else value for value, gone in zip(values, hidden, strict=True)]
        columns[str(name)] = values
    words = [[str(value) for value in values] for values in columns.values()
             if all(isinstance(value, str) and value != HIDDEN for value in values)]  # fmt: skip
    ways = [tuple(zip(*levels, strict=True)), *([(value,) for value in level] for level in levels)]
    ways += [[(value,) for value in names] for names in words]
    if len(levels) > 1 or words:
        ways += [[(*key, *more) for key, *more in zip(ways[0], *words, strict=True)]]
    plain = [[str(value) for value in values] for values in columns.values()]
    for n in range(2, min(4, len(plain)) + 1):
        ways += [list(zip(*plain[:n], strict=True))]
    rows = []
    for way in ways:
        names: dict[Key, int] = {}
        for row, key in enumerate(way):
            names.setdefault(tuple(key), row)
        if len(names) == len(way) and names not in rows:
            rows.append(names)
    for i, level in enumerate(levels):
        columns[f"(key {i})"] = level
    return _Source(columns, rows)


def _pairs(columns: Mapping[str, list], cells: Sequence) -> Iterator[tuple[list, list]]:
    """Columns that texts of one figure, or of two (a range), may be of."""
    names = list(columns)
    if any(isinstance(cell, tuple) and len(cell) == 2 for cell in cells):
        for low in names:
            high = low.replace("_low", "_high") if "_low" in low else ""
            if high in columns:
                yield columns[low], columns[high]
    if not any(isinstance(cell, tuple) and len(cell) == 2 and len(cell[1]) == 3 for cell in cells):
        yield from ((columns[name], columns[name]) for name in names)


def _figures(text: str):
    """A text as the figures it prints, each with its decimals and whether a percentage; or the text."""
    text = _SIGNS.sub("", text)
    found = [_figure(match[0]) for match in _NUMBER.finditer(text)]
    plain = _NUMBER.sub("", text).strip()
    if len(found) == 2 and plain == "to":
        (a, decimals, _), (b, _, percent) = found
        return ((a, decimals, percent), (b, decimals, percent))
    if len(found) == 1 and plain in ("", "about"):
        return (found[0],) if not plain else (found[0], found[0])
    if len(found) == 1 and plain == "under":
        return ((0.0, *found[0][1:]), (*found[0], "under"))
    return text


def _figure(text: str) -> tuple[float, int, bool]:
    digits = text.replace(",", "").replace("\u2212", "-").replace("\u00a3", "").rstrip("%")
    mantissa, _, power = digits.partition("e")
    return float(digits), len(mantissa.partition(".")[2]) - int(power or 0), text.endswith("%")


def _fits(
    cells: Sequence, texts: Sequence[str], columns: tuple[list, list], rows: Sequence[int], nothing: Sequence[str]
) -> bool:
    return all(
        text in nothing
        if row < 0
        else _is(cell[:1] if isinstance(cell, tuple) else cell, columns[0][row])
        and _is(cell[-1:] if isinstance(cell, tuple) else cell, columns[1][row])
        for cell, text, row in zip(cells, texts, rows, strict=True)
    )


def _is(cell: object, value: object) -> bool:
    """Whether a figure, or a text, is a value as it may be printed."""
    if isinstance(value, str):
        return cell == value or (isinstance(cell, tuple) and _same_text(cell, value))
    if isinstance(value, (bool, np.bool_)):
        return cell == str(value)
    missing = value is None
    if not isinstance(cell, tuple):
        return missing and cell in NOTHING
    if missing or not isinstance(value, (int, float)):
        return not missing and not isinstance(value, (int, float)) and _same_text(cell, str(value))
    number, decimals, percent, *under = cell[0]
    exact = 100 * float(value) if percent else float(value)
    if under:
        return 0 <= exact < number
    return math.isclose(number, exact, rel_tol=1e-5) or abs(number - exact) <= 0.5 * 10.0**-decimals + _NEAR


def _same_text(cell: tuple, value: str) -> bool:
    other = _figures(value)
    return isinstance(other, tuple) and len(other) == 1 and other[0][:2] == cell[0][:2]


# --- what is drawn, and what is said ------------------------------------------------------------------------


def _drawn(name: str, data: bytes) -> list[str]:
    """Bars and shades that say more than the figures beside them."""
    problems = []
    for piece in pieces(name, data):
        if not isinstance(piece, Values) or not isinstance(piece.value, dict):
            continue
        if piece.block.startswith("geoplan-layer-"):
            texts = [str(text) for text in piece.value["columns"][0]["texts"]]
            if len(texts) != len(piece.value["classes"]) or len(set(texts)) != len(
                set(zip(texts, piece.value["classes"], strict=True))
            ):
                problems.append("a map has different shades for one figure")
        elif piece.block.startswith("geoplan-schools-"):
            bars = [block for blocks in piece.value["details"] for block in blocks if block.get("kind") == "bars"]
            if not all(map(_as_long_as_said, bars)):
                problems.append("a bar is not as long as its figure")
    return problems


def _as_long_as_said(block: Mapping) -> bool:
    """Whether the share's rectangle (the first, at 0) is as long as the figure beside it, at one scale for all."""
    pairs = []
    for row in block["rows"]:
        cell = _figures(row["texts"][0])
        long = [part["width"] for part in row["parts"] if part["x"] == 0 and part["height"] == 14]
        if not isinstance(cell, tuple):
            if long:
                return False
            continue
        pairs += [(cell[0][0], width) for width in long]
    total = sum(value for value, _ in pairs)
    scale = sum(width for _, width in pairs) / total if total else 0.0
    return all(abs(width - scale * value) <= 0.2 for value, width in pairs)


def _sentences(name: str, data: bytes, shown: Shown, figures: Figures) -> list[str]:
    """Counts and percentages in sentences that no protected table can have given."""
    problems = []
    rules = [table.rule for table in shown.tables]
    nouns = {"pupils", "people", *(table.base for table in shown.tables if table.base.isalpha())}
    counted = re.compile(rf"(?<![\w.,])(\d[\d,]*)\s+(?:{'|'.join(sorted(map(re.escape, nouns)))})\b")
    for text in _said(name, data):
        for match in counted.finditer(text):
            if not any(_may_print(int(match[1].replace(",", "")), rule) for rule in rules):
                problems.append("a sentence counts people with a number that the rule does not print")
        for match in re.finditer(r"(\d+(?:\.\d+)?)%", text):
            if not figures.has_share(match[1]):
                problems.append("a sentence has a percentage that no protected table prints")
        for match in re.finditer(r"(fewer than )?\b(\d+)(?: and (\d+))? in 100(?: against (\d+)\b)?", text):
            if not match[1] and not all(figures.has_share(each) for each in match.groups()[1:] if each):
                problems.append("a sentence has a share that no protected table prints")
    return problems


def _shares(frame: pd.DataFrame) -> Iterator[float]:
    """Shares that a table prints."""
    for column in frame.columns:
        if any(word in str(column) for word in ("share", "penetration", "rate")) and frame[column].dtype.kind == "f":
            yield from frame[column]


def _said(name: str, data: bytes) -> Iterator[str]:
    """Findings, notes and the sentences of cards."""
    for piece in pieces(name, data):
        if isinstance(piece, Values) and piece.block.startswith("geoplan-schools-"):
            for blocks in piece.value["details"]:
                yield from (str(block["text"]) for block in blocks if block.get("kind") == "text")
        elif isinstance(piece, Text) and piece.where == name:
            text = data.decode("utf-8", "replace")
            yield from (match[1] for match in _FINDING.finditer(text))
            yield from re.findall(r"<li>([^<]*)</li>", text)


def _may_print(value: int, rule: Rule) -> bool:
    if value == 0 or rule.exact:
        return True
    public = value >= rule.hide_below and value % rule.round_to == 0
    return public or (bool(rule.own) and value >= OWN_HIDE_BELOW and value % OWN_ROUND_TO == 0)

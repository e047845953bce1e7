"""The few ways things go wrong, each also a built-in error.

A caller may catch ``ValueError`` and be right. Every message says what is wrong, where, and what to
try; none ever holds a pupil's value (a postcode, a UPN, a name), only file, record, column and reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input, gathered with all the others before anything stops.

    Parameters
    ----------
    file
        Name of the file (never its folder).
    code
        A stable reason code, one of :data:`geoplan.reasons.REASONS`.
    what
        What is wrong, in a planner's words, without the value itself.
    suggestion
        What to try.
    record
        Number of the first record concerned, counted from 1 below the header; None for the whole file.
    column
        The column concerned, by the file's own header; None for the whole file.
    more
        How many further records have the same problem.
    """

    file: str
    code: str
    what: str
    suggestion: str = ""
    record: int | None = None
    column: str | None = None
    more: int = 0

    def to_dict(self) -> dict:
        """As plain values, for JSON: the same fields as a record's entry, and what to try."""
        return {
            "file": self.file,
            "record": self.record,
            "outcome": "rejected",
            "column": self.column,
            "codes": [self.code],
            "what": self.what,
            "suggestion": self.suggestion,
            "more": self.more,
        }

    def __str__(self) -> str:
        where = "" if self.record is None else f"record {self.record:,}"
        if self.more:
            where += f" and {self.more:,} more"
        parts = [part for part in (where, self.column or "", self.what, self.suggestion) if part]
        return "  " + "   ".join(parts)


class GeoplanError(Exception):
    """Base of all errors that geoplan raises on purpose; ``exit_code`` is what the CLI returns."""

    exit_code = 3
    code = ""

    def __reduce__(self):
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[GeoplanError], said: tuple, details: dict) -> GeoplanError:
    """An error as another process raised it: as it was said, not made anew."""
    error = kind.__new__(kind, *said)
    error.__dict__.update(details)
    return error


class InputRefused(GeoplanError, ValueError):
    """A file that cannot be used, with every problem found in it."""

    def __init__(self, file: str, problems: Sequence[Problem]):
        self.file = file
        self.problems = tuple(problems)
        self.code = self.problems[0].code if self.problems else ""
        count = len(self.problems)
        lines = [f"{file}: {count} problem{'' if count == 1 else 's'}", *map(str, self.problems)]
        super().__init__("\n".join(lines))


class VintageError(GeoplanError, ValueError):
    """Codes of two kinds, years or places where one was expected (lsoa11 is not lsoa21)."""

    def __init__(self, message: str, code: str = "vintage_mixed"):
        super().__init__(message)
        self.code = code


class UnknownCodeError(GeoplanError, ValueError):
    """A school, area or segment that the data does not have; the message names those there are."""

    code = "code_unknown"


class ComparisonRefused(GeoplanError, ValueError):
    """Groups and a base that cannot be compared, with the reason."""


class ForecastRefused(GeoplanError, ValueError):
    """A forecast that cannot be made honestly, with the reason: no past error, or too few years to know one."""

    code = "no_past_error"


class RecipeError(GeoplanError, ValueError):
    """A recipe that lacks what every recipe must state, attribution first of all."""


class ProjectError(GeoplanError, ValueError):
    """A ``geoplan.toml`` that cannot be read, with the key concerned."""

    exit_code = 2


class LeakFound(GeoplanError, ValueError):
    """A personal value found in something about to leave the office; the message never holds it."""

    code = "leak_found"


class ReleaseRefused(GeoplanError, ValueError):
    """A release that must not leave the office, with every reason why; nothing was written."""

    code = "release_refused"

    def __init__(self, problems: Sequence[str]):
        self.problems = tuple(problems)
        lines = ["the release was refused, and nothing was written:", *(f"  {each}" for each in problems)]
        super().__init__("\n".join(lines))


class FolderBusy(GeoplanError, RuntimeError):
    """Another run is writing the same folder, or the same ledger."""

    code = "folder_busy"


class NotProtected(GeoplanError, TypeError):
    """A table that has not passed the small-number rule, offered to something that leaves the office."""


class DisclosureRefused(GeoplanError, ValueError):
    """A release that would give away a small number, with the cells concerned; their counts are not in it.

    Parameters
    ----------
    what
        What was to be released.
    offenders
        Table and codes of each cell that could be pinned down, never its value.
    """

    def __init__(self, what: str, offenders: Sequence[tuple]):
        self.offenders = tuple(offenders)
        lines = ["  " + ": ".join([str(name), ", ".join(map(str, cell))]) for name, cell in self.offenders[:20]]
        more = len(self.offenders) - len(lines)
        if more > 0:
            lines.append(f"  and {more:,} more")
        advice = "; merge categories or use larger areas" if lines else ""
        super().__init__("\n".join([f"{what}{advice}", *lines]))

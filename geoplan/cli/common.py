"""What the commands share: reading a project, printing tables, progress on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.errors import GeoplanError, InputRefused, LeakFound, Problem, ReleaseRefused

if TYPE_CHECKING:
    import pandas as pd

ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", help="The project file that names the files to read.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="File to write; its ending decides the form.", show_default=False)
]

InternalOption = Annotated[
    str,
    typer.Option(
        "--internal",
        metavar="REASON",
        help="Exact numbers, for this reason; files are marked OFFICIAL-SENSITIVE, for you alone, and audited.",
        show_default=False,
    ),
]


def ruled(folder, internal: str, *outs: Path | None):
    """The rule that a command's numbers are shown by, and its outputs by the names that they will have.

    The project's rule for the public; with a reason for exact numbers, those, and names that say so.

    Raises
    ------
    typer.BadParameter
        If the reason is too short.
    """
    if not internal:
        return (folder.rule(), *outs)
    from geoplan.io.internal import internal_path

    try:
        rule = folder.rule("internal", internal)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--internal") from None
    return (rule, *(None if out is None else internal_path(out) for out in outs))


def refuse(error: GeoplanError, wants_json: bool) -> int:
    """Say why, on standard error (or as JSON on standard output), and give the exit code."""
    if wants_json:
        typer.echo(json.dumps(rejection(error), indent=2, ensure_ascii=False))
    else:
        typer.echo(str(error), err=True)
        typer.echo("Nothing was written.", err=True)
    return error.exit_code


def rejection(error: GeoplanError) -> dict:
    """The reason and problems of a refusal, as plain values; the accounts are empty, since nothing was used."""
    problems = error.problems if isinstance(error, InputRefused) else (Problem("", error.code, str(error)),)
    return {
        "file_status": "rejected",
        "reason": error.code,
        "message": str(error),
        "records": 0,
        "accepted": 0,
        "repaired": 0,
        "rejected": 0,
        "blank": 0,
        "problems": [problem.to_dict() for problem in problems],
    }


def check_targets(outputs: Iterable[Path | None], inputs: Iterable[Path | None] = ()) -> None:
    """Before any work: an output must not be an input or another output, and its folder must be there.

    What is made from a file of exact numbers is for inside too.

    Raises
    ------
    typer.BadParameter
        Exit code 2, naming the file.
    """
    from geoplan.io.internal import PREFIX, is_internal

    given = [path for path in inputs if path is not None]
    taken = {_real(path): path for path in given}
    outs = [path for path in outputs if path is not None]
    if any(not path.name.startswith(PREFIX) for path in outs):
        for path in given:
            if is_internal(path):
                raise typer.BadParameter(
                    f"{path.name}: it has exact numbers of people, and what is made from it stays inside: give "
                    "--internal REASON, or write the file anew for outside"
                )
    for path in outs:
        if _real(path) in taken:
            raise typer.BadParameter(f"{path.name}: it is also an input or another output; write to a file of its own")
        if not path.parent.is_dir():
            raise typer.BadParameter(f"{path.name}: there is no folder {path.parent.name}; make it first")
        if path.is_dir():
            raise typer.BadParameter(f"{path.name}: it is a folder; name a file")
        taken[_real(path)] = path


def check_private(*outputs: Path | None) -> None:
    """Before any work: what is about single people is never put among what leaves the office.

    Raises
    ------
    typer.BadParameter
        Exit code 2, naming the file.
    """
    from geoplan.io.exchange import manifest_bytes

    for path in outputs:
        if path is not None and manifest_bytes(path.parent) is not None:
            raise typer.BadParameter(
                f"{path.name}: {path.parent.resolve().name} is the folder of a release, and what is about single "
                "people is never put among what leaves the office; write it to another folder"
            )


def _real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))


def check_output(
    name: str, kind: str, data: bytes, tables: Sequence = (), facts: Sequence = (), page: str = ""
) -> None:
    """Refuse an output that holds a personal value, or a figure that its protected tables do not print.

    ``page`` is the text of the page that a PDF prints.

    Raises
    ------
    LeakFound
        With the kinds found and where; never the values.
    ReleaseRefused
        With the columns concerned.
    """
    from geoplan.readback import Shown, check_bytes

    check_leaks(name, data)
    problems = check_bytes(name, kind, data, Shown(tuple(tables), tuple(facts), page)).problems
    if problems:
        raise ReleaseRefused(problems)


def check_leaks(name: str, data: bytes, inside: bool = False) -> None:
    """Refuse an output that holds a personal value, or that is marked to stay ``inside`` and is not meant to.

    Raises
    ------
    LeakFound
        With the kinds found and where; never the values.
    """
    from geoplan.leaks import MARKED, scan_bytes

    leaks = [leak for leak in scan_bytes(name, data) if not (inside and leak.kind == MARKED)]
    if leaks:
        found = "; ".join(f"{leak.count:,} like a {leak.kind.replace('_', ' ')} in {leak.where}" for leak in leaks)
        raise LeakFound(f"{name}: it was not written, because it holds personal values: {found}")


@dataclass(frozen=True)
class Recording:
    """The ledger of a project while numbers are protected: what was released before, and the way out.

    Nothing is entered in the ledger unless something is written. Exact numbers are not released: the ledger notes
    that there is such a file, and the audit file who wrote it, why and from which ``inputs``.
    """

    rule: object
    ledger: object
    marks: Mapping[str, str]
    folder: Path
    inputs: tuple[Path, ...]

    def earlier(self) -> tuple[tuple, tuple]:
        """What the readers may hold already: tables, and how their groups are made up."""
        return ((), ()) if self.rule.exact else self.ledger.earlier(self.rule.name)[:2]

    def known(self) -> tuple:
        """What everybody knows of these people anyway."""
        return ()

    def with_marks(self, marks: Mapping[str, str]):
        """The same with the marks of more people, who are those of any earlier release under their name."""
        if not self.rule.exact:
            self.ledger.check(marks)
        return replace(self, marks={**self.marks, **marks})

    def write(
        self, path: Path, data: bytes, tables: Sequence, facts: Sequence = (), nested: Sequence = (), page: str = ""
    ) -> None:
        """Write one page or table: checked, and entered in the ledger before it is there."""
        from datetime import UTC, datetime

        from geoplan.evidence import PrintedTable
        from geoplan.io.outputs import write_bytes
        from geoplan.io.releases import attack_for_heads, printed_of
        from geoplan.manifests import PUBLIC

        day = datetime.now(UTC).strftime("%Y-%m-%d")
        if self.rule.exact:
            self._write_inside(path, data, day)
            return
        check_output(path.name, path.suffix[1:].lower(), data, tables, facts, page)
        printed = printed_of(tables)
        if self.rule.name == PUBLIC:
            known = tuple(each for each in printed if isinstance(each, PrintedTable))
            attack_for_heads(known, self.ledger, self.known(), nested)
        after = self.ledger.with_entry(day, self.rule.name, printed, nested, self.marks, path.name)
        self.ledger.keep(after)
        write_bytes(path, data)

    def _write_inside(self, path: Path, data: bytes, day: str) -> None:
        """Write exact numbers: no record of a pupil in them all the same, marked, audited, noted in the ledger."""
        from geoplan.io.internal import Inside, internal_path

        path, inside = internal_path(path), Inside(self.rule.reason, self.folder, self.inputs)
        data = inside.marked(path, data)
        check_leaks(path.name, data, inside=True)
        self.ledger.keep(self.ledger.with_internal(day, path.name, self.rule.reason))
        inside.write(path, data)

    def page(self, book):
        """The page as it is printed: one with exact numbers bears the marking."""
        from geoplan.io.internal import MarkedPage, inside_words

        return MarkedPage(book, inside_words(self.rule.reason)) if self.rule.exact else book

    def workbook(
        self, sheets, about, sources, name: str, fills: Mapping[str, str] | None = None, percents: Collection[str] = ()
    ) -> bytes:
        """The bytes of a workbook; the sheets of one with exact numbers bear the marking."""
        from geoplan.io.workbook_out import workbook_bytes
        from geoplan.manifests import SENSITIVE

        return workbook_bytes(sheets, about, sources, name, fills, SENSITIVE if self.rule.exact else "", percents)

    def write_page(
        self, path: Path, book, facts: Sequence = (), nested: Sequence = (), evidence: Sequence = ()
    ) -> None:
        """As :meth:`write`, for a page; ``facts`` are public figures that its sentences name, and ``evidence``
        protected tables that other figures in them are of."""
        from geoplan.io.releases import facts_in, tables_in

        tables = (*tables_in(book), *evidence)
        self.write(path, book.to_html().encode("utf-8"), tables, (*facts_in(book), *facts), nested)


@dataclass(frozen=True)
class Protecting(Recording):
    """A place while its numbers are protected: its people, the rule, the ledger, and what is known of the data."""

    people: object
    areas: object
    place: object
    data: str = ""

    def tables(self, homes: Iterable[str] = (), extra: Sequence = (), base=None):
        """The protected tables of the place, safe beside all that was released before."""
        from geoplan.protection import protect_place

        tables, nested = self.earlier()
        return protect_place(
            self.people, self.areas, self.rule, homes, extra, base,
            data=self.data, earlier=tables, earlier_nested=nested,
        )  # fmt: skip

    def known(self) -> tuple:
        """The headcounts of the schools, as :meth:`tables` takes them for known."""
        from geoplan.protection import headcounts_of

        return () if self.people.segmentation is None else (headcounts_of(self.people, self.data),)

    def beside(self, people, name: str) -> Protecting:
        """Other people of the same place (last year's), in the same output."""
        data = "; ".join(part for part in (self.data, name) if part)
        other = replace(self, people=people, data=data)
        return other.with_marks(_marks(people, self.areas, data))


@contextmanager
def recording(folder: Path, rule, writes: bool = True, inputs: Iterable[Path | None] = ()) -> Iterator[Recording]:
    """The ledger of the project in a folder: locked if something is to be written, else only read.

    ``inputs`` are the files that the numbers come from, for the audit of exact ones.
    """
    from geoplan.io.ledgers import OpenLedger, ledger_path, open_ledger, read_memory

    with ExitStack() as held:
        if writes:
            ledger = held.enter_context(open_ledger(folder))
        else:
            path = ledger_path(folder)
            ledger = OpenLedger(path, read_memory(path))
        yield Recording(rule, ledger, {}, Path(folder), tuple(path for path in inputs if path is not None))


@contextmanager
def protecting(
    place, people, layers, rule, writes: bool = True, inputs: Iterable[Path | None] = ()
) -> Iterator[Protecting]:
    """Protect the numbers of a place with the ledger of its project open.

    Raises
    ------
    ReleaseRefused
        If the data changed under a name that an earlier release has, or the name and not the data.
    """
    areas = layers[0] if layers else None
    with recording(place.folder, rule, writes, inputs) as open_:
        numbers = Protecting(rule, open_.ledger, {}, place.folder, open_.inputs, people, areas, place, place.as_at)
        marks = _marks(people, areas, place.as_at)
        if not rule.exact:
            open_.ledger.check_name(*next(iter(marks.items())))
        yield numbers.with_marks(marks)


def _marks(people, areas, data: str) -> dict[str, str]:
    from geoplan.protection import data_marks

    return data_marks(people, [areas.kind] if areas is not None else [], data)


def with_rule(table: pd.DataFrame, rule) -> pd.DataFrame:
    """The table with the rule beside each row, and what was changed of it."""
    words = "; ".join([rule.tag, *rule.overrides, *([f"reason: {rule.reason}"] if rule.overrides else [])])
    return table.assign(rule=words)


def project_inputs(project) -> list[Path]:
    """Every file that a project names, and the project file."""
    files = [project.file(role) for role in (*project.settings.files, *project.settings.plans)]
    files.append(project.corrections_file)
    return [project.path, *files, *project.area_files.values()]


@contextmanager
def steps(*names: str) -> Iterator[Iterator[str]]:
    """A progress bar on standard error, one step a name; silent where nobody is watching."""
    if not sys.stderr.isatty():
        yield iter(names)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(names))

        def walk() -> Iterator[str]:
            for done, name in enumerate(names):
                bar.update(task, description=name, completed=done)
                yield name

        yield walk()


def load_people(project, level: str | None = None, role: str = "pupils", keep: Sequence[str] = ()):
    """The project's pupils, assigned and corrected, with its schools and its first area layer (to draw), if any.

    ``keep`` names further columns of the file to carry along, by header.
    """
    from geoplan.assignment import assign
    from geoplan.corrections import correct

    with steps("reading postcodes", "reading schools", "reading pupils", "reading areas", "placing pupils") as step:
        next(step)
        postcodes = project.postcodes()
        next(step)
        schools = project.schools()
        next(step)
        pupils = project.pupils(schools=schools, role=role, keep=tuple(keep))
        next(step)
        layers = project.areas(*list(project.settings.areas)[:1]) if project.settings.areas else ()
        next(step)
        people = assign(pupils, postcodes, layers, project.segments(level))
        corrections = project.corrections()
        if corrections is not None and people.segmentation is not None:
            people = correct(people, corrections, postcodes)
    return people, schools, layers


def require_areas(layers) -> None:
    """A map needs areas to draw."""
    if not layers:
        raise typer.BadParameter("the project names no areas to draw; add one under [areas]", param_hint="--project")


def print_table(table: pd.DataFrame, headings: Sequence[str]) -> None:
    """A plain table on standard output: words left, numbers right, "c" where a number is hidden."""
    rows = [[str(cell) for cell in row] for row in table.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    numeric = [all(_is_number(row[i]) for row in rows) for i in range(len(headings))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        )
        return "  ".join(padded).rstrip()

    typer.echo(line(headings))
    for row in rows:
        typer.echo(line(row))


def _is_number(text: str) -> bool:
    return text in {"c", ""} or text.replace(",", "").replace(".", "").replace("%", "").replace("-", "").isdigit()


def shown(values: pd.Series, hidden: pd.Series, form: str) -> list[str]:
    """Numbers as text: "c" where hidden, "" where there is none."""
    cells = zip(values, hidden, strict=True)
    return ["c" if is_hidden else "" if value != value else form.format(value) for value, is_hidden in cells]


def by_ending(path: Path, *endings: str) -> str:
    """The file's ending, if it is one of ``endings``; otherwise a usage error that names them."""
    ending = path.suffix.lower()
    if ending not in endings:
        raise typer.BadParameter(
            f"{path.name}: write to a file that ends in {' or '.join(endings)}", param_hint="--out"
        )
    return ending

"""What ``geoplan design`` shows while it works, prints, writes and answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from geoplan.cli.common import check_output, print_table, shown
from geoplan.cli.design_inputs import Ground

if TYPE_CHECKING:
    import pandas as pd

    from geoplan.design_tables import DesignTables
    from geoplan.designs import Design
    from geoplan.io.briefs import Brief
    from geoplan.trade_offs import TradeSurface


# --- while it is solved -------------------------------------------------------------------------------------


@contextmanager
def _watched(what: str, total: float) -> Iterator[tuple]:
    """A bar on standard error and its task; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield None, None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar, bar.add_task(what, total=total)


@contextmanager
def solving(what: str, seconds: float) -> Iterator[Callable[[float, float, float], None] | None]:
    """A bar on standard error: time used, and how far the best is from the bound; silent where nobody watches."""
    import threading
    import time

    with _watched(what, seconds) as (bar, task):
        if bar is None:
            yield None
            return
        began, stop = time.monotonic(), threading.Event()

        def tick() -> None:
            while not stop.wait(0.5):
                bar.update(task, completed=min(time.monotonic() - began, seconds))

        def told(_: float, best: float, bound: float) -> None:
            words = (
                "no plan yet"
                if best == float("inf")
                else f"gap {100 * max(best - bound, 0) / max(abs(best), 1e-12):.2f}%"
            )
            bar.update(task, description=f"{what}: {words}")

        clock = threading.Thread(target=tick, daemon=True)
        clock.start()
        try:
            yield told
        finally:
            stop.set()
            clock.join()


@contextmanager
def surveying(what: str, designs: int) -> Iterator[Callable[[int, int, str], None] | None]:
    """A bar on standard error: designs settled of those that may be needed; silent where nobody watches."""
    with _watched(what, designs) as (bar, task):
        if bar is None:
            yield None
            return
        yield lambda done, of, doing: bar.update(task, completed=done, total=of, description=f"{done} of {of}: {doing}")


# --- what comes out -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """Everything that a run found."""

    ground: Ground
    asked: Brief
    found: Design
    tables: DesignTables | None
    traded: Mapping[str, pd.DataFrame]
    surface: TradeSurface | None

    @property
    def parts(self) -> tuple:
        """What the pages and workbooks are made of, in their order."""
        return self.ground.problem, self.asked.limits, self.found, self.tables, self.traded


def protect(numbers, answer: Answer, rule):
    """The answer with its protected tables, and the ledger that knows their marks."""
    from geoplan.design_tables import protect_design

    ground = answer.ground
    earlier, nested = numbers.earlier()
    known = {"noun": ground.noun, "base_name": ground.base_name, "data": ground.data}
    if ground.beside:
        held = tuple(part for each in ground.beside for part in each.printed)
        numbers, earlier = _unchanged(numbers, ground), (*earlier, *held)
    tables = protect_design(
        ground.problem, answer.found, rule, names=ground.names, area_names=ground.boundaries.names.to_dict(),
        earlier=earlier, earlier_nested=nested, step=1 if ground.evidence is None else ground.evidence.rule.round_to,
        **known,
    )  # fmt: skip
    if ground.evidence is not None:
        tables = replace(
            tables, words=f"Worked out from children by area, protected before. {ground.evidence.rule.sentence}"
        )
        return replace(answer, tables=tables), _unchanged(numbers, ground)
    answer = _told(replace(answer, tables=tables))
    return answer, numbers if rule is None else numbers.with_marks(tables.marks)


def _told(answer: Answer) -> Answer:
    """The answer with places over or under told no more finely than counts are."""
    from geoplan.briefs import BALANCE
    from geoplan.design_tables import balance_step, balance_told, balance_words
    from geoplan.trade_off_pictures import curve_told, surface_told

    if answer.tables.rule is None or answer.tables.rule.exact:
        return answer
    step = balance_step(answer.ground.problem, answer.tables.rule)
    (single, *_) = answer.found.objective
    traded = {against: curve_told(curve, against, single, step) for against, curve in answer.traded.items()}
    surface = answer.surface if answer.surface is None else surface_told(answer.surface, step)
    found = replace(answer.found, measured=balance_told(answer.found.measured, step))
    ground = answer.ground
    if BALANCE in {single if traded else "", *traded, *(() if surface is None else surface.measures)}:
        ground = replace(ground, notes=(*ground.notes, balance_words(step)))
    return replace(answer, found=found, traded=traded, surface=surface, ground=ground)


def _unchanged(numbers, ground: Ground):
    """The ledger with the marks of the children; refused if something was released since they were protected."""
    from geoplan.errors import ReleaseRefused

    if numbers.earlier() != ground.earlier:
        raise ReleaseRefused(["something else was released while the design was made: run it again"])
    return numbers.with_marks(ground.marks)


def write_outputs(outs: Sequence[Path], trade_off_out: Path | None, numbers, answer: Answer, name: str) -> None:
    """Write every file asked for; all are checked before the first is written."""
    import pandas as pd

    from geoplan.design_books import design_page, page_facts, workbook_sheets
    from geoplan.io.plans import write_plan

    ground, tables, surface = answer.ground, answer.tables, answer.surface
    evidence = [each for each in (ground.evidence, *ground.beside) if each is not None]
    made = []
    for path in (path for path in outs if path.suffix != ".csv"):
        facts = page_facts(*answer.parts, surface)
        if path.suffix == ".html":
            page = design_page(
                *answer.parts, surface=surface, boundaries=ground.boundaries, sites=ground.sites, names=ground.names,
                title=name, notes=ground.notes, sources=ground.sources,
            )  # fmt: skip
            data = page.encode("utf-8")
        else:
            from geoplan.design_books import sentences
            from geoplan.io.workbook_out import about_lines

            sheets = workbook_sheets(*answer.parts, surface)
            about = [*sentences(*answer.parts), *ground.notes]
            data = numbers.workbook(sheets, about, ground.sources, path.name)
            words = pd.DataFrame({"words": [str(line[1]) for line in about_lines(sheets, about, ground.sources)]})
            facts = [*facts, words, *(sheet for sheet in sheets.values() if not hasattr(sheet, "hidden"))]
        if not numbers.rule.exact:
            check_output(path.name, path.suffix[1:].lower(), data, [*tables.protected, *evidence], facts)
        made.append((path, data, facts))
    if trade_off_out is not None:
        from geoplan.io.outputs import csv_bytes
        from geoplan.trade_off_pictures import surface_numbers

        rows = surface_numbers(ground.problem, surface)
        data = csv_bytes(rows)
        if not numbers.rule.exact:
            check_output(trade_off_out.name, "csv", data, (), [rows])
        made.append((trade_off_out, data, [rows]))
    for path, data, facts in made:
        numbers.write(path, data, [*tables.protected, *evidence], facts, tables.nested)
    for path in outs:
        if path.suffix == ".csv":
            write_plan(path, answer.found.plan)


def print_answer(answer: Answer) -> None:
    """What was found, for a reader at the screen."""
    from geoplan.design_books import RETENTION, sentences
    from geoplan.disclosure import Protected

    ground, found, tables = answer.ground, answer.found, answer.tables
    if tables is None:
        for line in found.why or (found.summary(),):
            typer.echo(line)
        return
    for sentence in sentences(*answer.parts):
        typer.echo(sentence)
    typer.echo("")
    table = tables.catchments.table if isinstance(tables.catchments, Protected) else tables.catchments
    columns = {"name": table["name"].to_list(), "places": table["places"].map("{:,.0f}".format).to_list()}
    heads = ["catchment", "places"]
    if "base_count" in table:
        columns["today"] = _cells(tables.catchments, "base_count", "{:,.0f}")
        heads.append("today")
    columns |= {
        "design": _cells(tables.catchments, "count", "{:,.0f}"),
        "full": _cells(tables.catchments, "share", "{:.0%}"),
    }
    import pandas as pd

    frame = pd.DataFrame(columns)
    if table.index.nlevels > 1:
        frame.insert(0, "year", table.index.get_level_values(0))
        heads.insert(0, "year")
    print_table(frame.replace({"nan": ""}), [*heads, "design", "of places"])
    typer.echo("")
    figures = tables.figures
    print_table(figures.reset_index(), ["", *figures.columns])
    for against, curve in answer.traded.items():
        typer.echo("")
        typer.echo(f"Trade-off against {against}:")
        from geoplan.trade_off_pictures import curve_rows

        rows = curve_rows(ground.problem, curve, against, found.objective)
        print_table(rows, list(rows.columns))
    if answer.surface is not None:
        from geoplan.trade_off_pictures import surface_rows, surface_sentences

        typer.echo("")
        for sentence in surface_sentences(ground.problem, answer.surface):
            typer.echo(sentence)
        rows = surface_rows(ground.problem, answer.surface)
        print_table(rows, list(rows.columns))
    for note in (*ground.notes, RETENTION):
        typer.echo(note)


def _cells(table, column: str, form: str) -> list[str]:
    from geoplan.disclosure import Protected

    frame = table.table if isinstance(table, Protected) else table
    import pandas as pd

    hidden = table.is_hidden(column) if isinstance(table, Protected) else pd.Series(False, index=frame.index)
    return shown(frame[column], hidden, form)


def as_json_values(answer: Answer) -> dict:
    """The answer as plain values; counts of children are protected ones."""
    from geoplan.design_books import finite, public_figures
    from geoplan.trade_off_pictures import curve_rows, surface_numbers, surface_sentences

    ground, found, tables, surface = answer.ground, answer.found, answer.tables, answer.surface
    values = {
        "status": found.status,
        "objective": dict(found.objective),
        "why": list(found.why),
        **finite({"gap": found.gap, "seconds": found.seconds}),
        "rounds": found.rounds,
        "cuts": found.cuts,
    }
    if tables is None:
        return values
    values |= public_figures(ground.problem, found, tables)
    values["rule"] = tables.rule.tag if tables.rule is not None else "published counts"
    if answer.ground.evidence is not None:
        values["rule"] = f"worked out from counts by area: {answer.ground.evidence.rule.tag}"
    for key, table in (("catchments", tables.catchments), ("moves", tables.flows)):
        if table is not None:
            values[key] = _json_rows(table)
    values["plan"] = found.plan.table.to_dict()
    values["trade_off"] = {
        against: curve_rows(ground.problem, curve, against, found.objective).to_dict("records")
        for against, curve in answer.traded.items()
    }
    if surface is not None:
        values["trade_off_of_several"] = {
            "measures": list(surface.measures),
            "designs": surface_numbers(ground.problem, surface).to_dict("records"),
            "said": surface_sentences(ground.problem, surface),
        }
    values["notes"] = ground.notes
    return values


def _json_rows(table) -> list[dict]:
    """A table as rows; where there are several years, each row has its year beside its code."""
    from geoplan.cli.reach import rows
    from geoplan.disclosure import Protected

    if not isinstance(table, Protected):
        found = json.loads(table.reset_index().to_json(orient="records"))
        several = table.index.nlevels > 1
        return [{**row, "code": row["catchment"]} for row in found] if several else found
    found = rows(table)
    if table.table.index.nlevels > 1:
        keys = table.table.index
        found = [{"year": str(year), **row, "code": str(code)} for (year, code), row in zip(keys, found, strict=True)]
    return found

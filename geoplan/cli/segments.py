"""``geoplan segments``: build segments of our own from published statistics, describe them, place new areas."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.cli.common import JsonOption, by_ending, check_targets, print_table, steps

if TYPE_CHECKING:
    from geoplan.clusters import Clusters

app = typer.Typer(help="Build segments from area statistics, describe them, apply them.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Files of area statistics, joined by area code.", show_default=False)]
LeaveOut = Annotated[bool, typer.Option("--leave-out", help="Leave out areas with missing numbers.")]


@app.callback()
def _group() -> None:
    pass


@app.command()
def build(
    statistics: Files,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="How: a recipe on the shelf, or a TOML file of yours.")
    ] = "census21_oa",
    clusters: Annotated[
        str, typer.Option("--clusters", "-k", help="How many, level by level: 8, or 8,3; nothing: only try.")
    ] = "",
    tried: Annotated[str, typer.Option("--try", help="Numbers of clusters to set side by side.")] = "2-12",
    starts: Annotated[int | None, typer.Option("--starts", min=1, help="Random starts (the recipe's).")] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=2, help="How often areas are drawn again.")] = 20,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the random starts (the recipe's).")] = None,
    scheme: Annotated[str, typer.Option("--scheme", help="What the segments are called.")] = "",
    leave_out: LeaveOut = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The CSV to write; recipe (.toml) and page (.html) go beside it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Try numbers of clusters and, with --clusters, build segments: a CSV, its recipe and a page of evidence.

    Example: geoplan segments build census.csv --clusters 8 -o our_segments.csv
    """
    from dataclasses import replace

    from geoplan.clustergrams import choice_words
    from geoplan.clusters import build_clusters
    from geoplan.io.clusters import read_cluster_recipe, save_clusters
    from geoplan.io.outputs import write_text
    from geoplan.io.statistics import read_statistics
    from geoplan.stability import try_counts

    counts = _numbers(clusters, "--clusters")
    some = _range(tried)
    if out is not None:
        by_ending(out, ".csv")
        if not counts:
            raise typer.BadParameter("say how many clusters to build: --clusters 8", param_hint="--out")
        check_targets([out, out.with_suffix(".toml"), out.with_suffix(".html")], inputs=[*statistics, Path(recipe)])
    data, made = read_cluster_recipe(recipe)
    made = replace(
        made,
        counts=counts or made.counts[:1],
        starts=made.starts if starts is None else starts,
        seed=made.seed if seed is None else seed,
    )
    some = sorted({*some, *counts[:1]})
    names = ["reading statistics", *[f"trying {n} clusters" for n in some], *["drawing areas again"] * resamples]
    with steps(*names, *(["building clusters"] if counts else [])) as step:
        next(step)
        areas = read_statistics(statistics, data, made.variables, leave_out)
        next(step)
        evidence = try_counts(areas, made, some, resamples, tick=lambda: next(step, None))
        built = build_clusters(areas, made) if counts else None
    if built is not None:
        row = evidence.table.loc[counts[0]]
        facts = {name: round(float(row[name]), 4) for name in ("explained", "silhouette", "stability", "stability_low")}
        back = {code: round(float(v), 4) for code, v in zip(built.at(1), evidence.jaccard[counts[0]], strict=True)}
        facts |= {"resamples": resamples, "jaccard": back, "left_out": areas.left_out}
        built = replace(built, facts={**built.facts, **facts})
    if out is not None:
        from geoplan.clustergrams import clusters_page

        save_clusters(built, out, data, scheme)
        write_text(out.with_suffix(".html"), clusters_page(built, evidence, scheme or out.stem))
    if as_json:
        rows = [{"clusters": n} | row for n, row in evidence.table.to_dict(orient="index").items()]
        answer = {"records": areas.records, "areas": len(areas.values), "left_out": areas.left_out, "tried": rows}
        typer.echo(json.dumps(answer | ({"segments": _rows(built)} if built else {}), indent=2, ensure_ascii=False))
        return
    left = f"; {areas.left_out:,} left out" if areas.left_out else ""
    typer.echo(f"{len(areas.values):,} areas ({areas.kind}), {len(made.variables)} variables{left}")
    shown = evidence.table.reset_index()
    for name in ("stability", "stability_low", "silhouette", "explained"):
        shown[name] = shown[name].map("{:.2f}".format)
    columns = ["clusters", "stability", "stability_low", "silhouette", "explained", "smallest"]
    print_table(shown[columns], ["clusters", "stability", "low", "silhouette", "explained", "smallest"])
    typer.echo(
        "Stability: adjusted Rand index when areas are drawn again, 1 the same groups, 0 chance (low: a tenth of draws "
        "are below). Low silhouettes are usual for neighbourhoods."
    )
    if built is None:
        typer.echo("Nothing built: choose a number and add --clusters N -o our_segments.csv")
        return
    if said := choice_words(evidence, counts[0]):
        typer.echo(said)
    _print(built)
    if out is not None:
        typer.echo(f"wrote {out}, {out.with_suffix('.toml').name} (names: edit them there), "
                   f"{out.with_suffix('.html').name}", err=True)  # fmt: skip


@app.command()
def describe(
    recipe: Annotated[Path, typer.Argument(help="The recipe (.toml) that build wrote.", show_default=False)],
    segment: Annotated[str, typer.Option("--segment", "-s", help="One segment, with all its variables.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Print what segments built by geoplan are, and how far to trust them.

    Example: geoplan segments describe our_segments.toml --segment 2
    """
    from geoplan.clusters import marks
    from geoplan.errors import UnknownCodeError
    from geoplan.io.clusters import read_clusters

    data, made = read_clusters(recipe)
    if segment and segment not in made.centroids.index:
        raise UnknownCodeError(f"no segment {segment!r}; there are {', '.join(made.centroids.index)}")
    if as_json:
        facts = {"scheme": data.scheme, "version": data.version, "kind": made.kind, "facts": dict(made.facts)}
        rows = marks(made, segment).reset_index().to_dict(orient="records") if segment else _rows(made)
        typer.echo(json.dumps(facts | {"variables" if segment else "segments": rows}, indent=2, ensure_ascii=False))
        return
    typer.echo(f"{data.scheme} {data.version}: {data.title}")
    if segment:
        typer.echo(f"{segment} {made.names.get(segment, segment)}: {made.sizes[segment]:,} areas")
        table = marks(made, segment)
        for name in ("difference", "average", "base"):
            table[name] = table[name].map("{:.1f}".format)
        print_table(table, ["variable", "differs by (sd)", "average %", "base %"])
    else:
        _print(made)
        for name in ("stability", "silhouette", "explained"):
            if name in made.facts:
                typer.echo(f"{name}: {made.facts[name]:.2f}")
    typer.echo(data.attribution)


@app.command()
def apply(
    recipe: Annotated[
        str, typer.Argument(help="The recipe (.toml) that build wrote, or census21_oa with --centroids.")
    ],
    statistics: Files,
    centroids: Annotated[
        list[Path] | None, typer.Option("--centroids", help="Published centroids, one file a level, coarse first.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", help="A segmentation of the same areas to compare with.")
    ] = None,
    leave_out: LeaveOut = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV to write.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Place areas in the segment with the nearest centroid.

    Example: geoplan segments apply our_segments.toml census.csv -o placed.csv
    """
    from geoplan.clusters import classify
    from geoplan.io.clusters import read_clusters, read_published
    from geoplan.io.outputs import write_csv
    from geoplan.io.segmentations import read_segmentation
    from geoplan.io.statistics import read_statistics
    from geoplan.stability import agreement

    if out is not None:
        by_ending(out, ".csv")
        check_targets([out], inputs=[*statistics, *(centroids or []), Path(recipe), *([compare] if compare else [])])
    with steps("reading centroids", "reading statistics", "placing areas", "comparing") as step:
        next(step)
        data, made = read_published(centroids, recipe) if centroids else read_clusters(recipe)
        next(step)
        areas = read_statistics(statistics, data, made.recipe.variables, leave_out)
        next(step)
        placed = classify(made, areas)
        next(step)
        other = None if compare is None else read_segmentation(compare)
    found = {}
    if other is not None:
        for level in (level for level in placed if level in other.table):
            found[level] = agreement(other.at(level).of(placed.index.to_series(), areas.kind), placed[level])
    if out is not None:
        write_csv(out, placed.rename_axis(f"{areas.kind}cd"), index=True)
        typer.echo(f"wrote {out}: {len(placed):,} areas", err=True)
    if as_json:
        answer = {"records": areas.records, "areas": len(placed), "left_out": areas.left_out}
        sizes = {level: placed[level].value_counts().sort_index().to_dict() for level in placed}
        answer |= {"variables": len(made.recipe.variables), "segments": sizes}
        answer |= {"agreement": {n: {"areas": a.areas, "same": a.same, "ari": a.ari} for n, a in found.items()}}
        typer.echo(json.dumps(answer, indent=2))
        return
    left = f"; {areas.left_out:,} left out" if areas.left_out else ""
    typer.echo(f"{len(placed):,} areas ({areas.kind}) placed by {len(made.recipe.variables)} variables{left}")
    sizes = placed[made.recipe.levels[0]].value_counts().sort_index().rename_axis("code").reset_index(name="areas")
    sizes["name"] = [made.names.get(code, "") for code in sizes["code"]]
    print_table(sizes[["code", "areas", "name"]], ["code", "areas", "name"])
    for level, each in found.items():
        typer.echo(f"{level}: the same for {each.same:.1%} of {each.areas:,} areas; adjusted Rand index {each.ari:.2f}")


def _rows(made: Clusters) -> list[dict]:
    from geoplan.clusters import marks

    return [
        {
            "code": code,
            "name": made.names.get(code, code),
            "areas": int(made.sizes[code]),
            "marks": marks(made, code).head(6).round(3).reset_index().to_dict(orient="records"),
        }
        for code in made.centroids.index
    ]


def _print(made: Clusters) -> None:
    import pandas as pd

    from geoplan.clustergrams import comes_back

    codes = list(made.centroids.index)
    back = made.facts.get("jaccard", {})
    words = {code: comes_back(each) for code, each in back.items()}
    table = pd.DataFrame(
        {
            "code": codes,
            "areas": [f"{made.sizes[code]:,}" for code in codes],
            "back": [f"{back[code]:.2f}" if code in back else "" for code in codes],
            "word": [{"comes back": "yes"}.get(words.get(code, ""), words.get(code, "")) for code in codes],
            "name": [made.names.get(code, code) for code in codes],
        }
    )
    print_table(table, ["code", "areas", "drawn again", "comes back", "name"])


def _numbers(text: str, option: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        raise typer.BadParameter(f"{text!r}: write numbers, such as 8 or 8,3", param_hint=option) from None


def _range(text: str) -> list[int]:
    match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", text)
    found = list(range(int(match[1]), int(match[2]) + 1)) if match else list(_numbers(text, "--try"))
    if not found or min(found) < 2 or max(found) > 26:
        raise typer.BadParameter(f"{text!r}: from 2 to 26 clusters, such as 2-12 or 6,8", param_hint="--try")
    return found

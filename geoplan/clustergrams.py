"""The page "How our segments were built": how many clusters, how they split, what they are, how far to trust them.

A clustergram draws, for each number of clusters, where the clusters stand along the line on which areas differ most,
and which clusters become which when there is one more.

References
----------
Schonlau, M. (2002), "The clustergram: a graph for visualizing hierarchical and nonhierarchical cluster analyses", The
Stata Journal 2(4), 391-402.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise

import numpy as np
import pandas as pd

from geoplan.clusters import Clusters, marks
from geoplan.maps import palette
from geoplan.maps.render import asset, environment, policy
from geoplan.service_reach import dim_words
from geoplan.stability import DOUBTFUL, STABLE, Evidence

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 520, 90, 40, 24, 64
NEAR = 2  # numbers of clusters that would serve a reader as well as the one chosen
_METHODS = {"kmeans": "k-means", "ward": "Ward's method", "gmm": "a Gaussian mixture"}
_TRANSFORMS = {
    "asinh": "the inverse hyperbolic sine",
    "log": "the logarithm of 1 + x",
    "boxcox": "a fitted power (Box-Cox)",
    "none": "no transform",
}
_STANDARDS = {
    "range": "put on a scale from 0 (the least area) to 1 (the greatest)",
    "limits": "put on a scale from 0 (0 per cent) to 1 (100 per cent)",
    "zscore": "put on a scale with mean 0 and standard deviation 1",
    "idr": "put on a scale with median 0, where the middle eight tenths of areas span 1",
}


def clustergram(evidence: Evidence) -> pd.DataFrame:
    """The clustergram as a table, one row for each cluster of each number of clusters.

    Returns
    -------
    pandas.DataFrame
        ``clusters`` (how many there are), ``cluster`` (from 1, the largest first), ``areas``, ``position`` (mean
        score of its areas on the first principal component), ``mostly_from`` (the cluster of the step before that
        gave most of its areas; 0 in the first step) and ``from_share`` (the share they are, 0 to 1).
    """
    rows = []
    before = None
    for count in evidence.labels:
        labels = evidence.labels[count]
        for cluster in range(1, count + 1):
            inside = labels.eq(cluster)
            source, share = 0, float("nan")
            if before is not None:
                counts = evidence.labels[before][inside].value_counts().sort_index()
                source, share = int(counts.idxmax()), float(counts.max() / inside.sum())
            rows.append((count, cluster, int(inside.sum()), float(evidence.position[inside].mean()), source, share))
        before = count
    return pd.DataFrame(rows, columns=["clusters", "cluster", "areas", "position", "mostly_from", "from_share"])


def clustergram_svg(evidence: Evidence, chosen: int = 0) -> str:
    """The clustergram as a picture: circles for clusters, by area; lines for the areas that move between them.

    Parameters
    ----------
    chosen
        The number of clusters to mark, if any.
    """
    table = clustergram(evidence).set_index(["clusters", "cluster"])
    counts = list(evidence.labels)
    low, high = table["position"].min(), table["position"].max()
    total = len(evidence.labels)

    def across(count: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (counts.index(count) + 0.5) / len(counts)

    def up(position: float) -> float:
        return HEIGHT - BOTTOM - 20 - (HEIGHT - TOP - BOTTOM - 40) * (position - low) / ((high - low) or 1)

    parts = []
    if chosen in counts:
        x = across(chosen)
        parts.append(
            f'<rect x="{x - 24:.1f}" y="{TOP}" width="48" height="{HEIGHT - TOP - BOTTOM}" '
            f'fill="{palette.SEQUENTIAL[0]}"/>'
            f'<text x="{x:.1f}" y="{TOP - 6}" text-anchor="middle" font-weight="700">chosen</text>'
        )
    for before, after in pairwise(counts):
        flows = pd.crosstab(evidence.labels[before], evidence.labels[after])
        for old, row in flows.iterrows():
            for new, moved in row[row.gt(0)].items():
                y1, y2 = up(table.loc[(before, old), "position"]), up(table.loc[(after, new), "position"])
                wide = 0.4 + 26 * moved / total
                parts.append(
                    f'<line x1="{across(before):.1f}" y1="{y1:.1f}" x2="{across(after):.1f}" y2="{y2:.1f}" '
                    f'stroke="{palette.SEQUENTIAL[3]}" stroke-opacity="0.55" stroke-width="{wide:.2f}"/>'
                )
    for (count, cluster), row in table.iterrows():
        radius = 3 + 22 * np.sqrt(row["areas"] / total)
        parts.append(
            f'<circle cx="{across(count):.1f}" cy="{up(row["position"]):.1f}" r="{radius:.1f}" '
            f'fill="{palette.CATEGORICAL[0]}" stroke="{palette.PAPER}" stroke-width="1.5">'
            f"<title>{count} clusters, cluster {cluster}: {row['areas']:,.0f} areas</title></circle>"
        )
    base = HEIGHT - BOTTOM
    parts.append(f'<line x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}" stroke="{palette.OUTLINE}"/>')
    parts += [f'<text x="{across(c):.1f}" y="{base + 22}" text-anchor="middle">{c}</text>' for c in counts]
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{base + 48}" text-anchor="middle">number of clusters</text>'
    )
    parts += [f'<text x="8" y="{y}">{text}</text>' for y, text in ((TOP + 14, "higher"), (base - 8, "lower"))]
    text = f"Clustergram of {total:,} areas for {counts[0]} to {counts[-1]} clusters. The table below has its numbers."
    return (
        f'<svg class="clustergram" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(text)}" xmlns="http://www.w3.org/2000/svg" font-family="system-ui, Arial, sans-serif" '
        f'font-size="14" fill="{palette.TEXT}">{"".join(parts)}</svg>'
    )


def axis_words(clusters: Clusters, evidence: Evidence, most: int = 3) -> tuple[str, str]:
    """What areas at the high and at the low end of the clustergram have more of."""
    labels = {variable.name: variable.label for variable in clusters.recipe.variables}
    ordered = evidence.axis.sort_values(kind="stable")
    high = [labels[name] for name in ordered.index[::-1][:most] if ordered[name] > 0]
    low = [labels[name] for name in ordered.index[:most] if ordered[name] < 0]
    return ", ".join(high) or "nothing", ", ".join(low) or "nothing"


def comes_back(similarity: float) -> str:
    """A word for a cluster's Jaccard similarity under resampling.

    Examples
    --------
    >>> comes_back(0.9), comes_back(0.7), comes_back(0.4)
    ('comes back', 'partly', 'doubtful')
    """
    similarity = round(similarity, 2)  # as it is printed
    return "comes back" if similarity >= STABLE else "partly" if similarity >= DOUBTFUL else "doubtful"


def choice_words(evidence: Evidence, chosen: int) -> str:
    """How the number chosen stands among those tried: what a reader should know before believing in it.

    Returns
    -------
    str
        "" if the number was not tried, or was tried alone.

    Examples
    --------
    >>> table = pd.DataFrame({"stability": [0.9, 0.6, 0.8]}, index=[2, 3, 4])
    >>> from types import SimpleNamespace
    >>> choice_words(SimpleNamespace(table=table), 3)
    '3 comes back less well than 4 when areas are drawn again (0.60 against 0.80).'
    >>> choice_words(SimpleNamespace(table=table), 4)
    'No number tried near 4 comes back better when areas are drawn again (0.80).'
    """
    stability = evidence.table["stability"].round(2)
    if chosen not in stability.index or len(stability) < 2:
        return ""
    own = stability[chosen]
    near = stability[(stability.index != chosen) & (abs(stability.index - chosen) <= NEAR)]
    better = near[(near > own) & (near.index > 2)].sort_values(ascending=False, kind="stable").head(2)
    if not len(better):
        return f"No number tried near {chosen} comes back better when areas are drawn again ({own:.2f})."
    counts, values = (" and ".join(parts) for parts in (map(str, better.index), map("{:.2f}".format, better)))
    return f"{chosen} comes back less well than {counts} when areas are drawn again ({own:.2f} against {values})."


def clusters_page(clusters: Clusters, evidence: Evidence, scheme: str) -> str:
    """The page as text: one file, no script, nothing fetched."""
    style = asset("geoplan.css") + _STYLE
    chosen = len(clusters.at(1))
    found = evidence.jaccard.get(chosen)
    rows = []
    for code in clusters.centroids.index:
        strongest = marks(clusters, code).head(6)
        rows.append(
            {
                "code": code,
                "name": clusters.names.get(code, code),
                "areas": int(clusters.sizes[code]),
                "share": clusters.sizes[code] / clusters.sizes[clusters.at(1)].sum(),
                "marks": [f"{m.label}: {m.average:.0f} (base {m.base:.0f})" for m in strongest.itertuples()],
                "similarity": None if found is None or len(code) > 1 else found[clusters.at(1).index(code) + 1],
            }
        )
    high, low = axis_words(clusters, evidence)
    return environment().get_template("clusters.html").render(
        scheme=scheme,
        clusters=clusters,
        evidence=evidence,
        chosen=chosen,
        kind=dim_words(clusters.kind),
        choice=choice_words(evidence, chosen),
        rows=rows,
        tried=[{"clusters": count} | row for count, row in evidence.table.to_dict(orient="index").items()],
        picture=clustergram_svg(evidence, chosen),
        steps=clustergram(evidence).to_dict(orient="records"),
        high=high,
        low=low,
        method=_METHODS[clusters.recipe.method],
        transform=_TRANSFORMS[clusters.recipe.transform],
        standard=_STANDARDS[clusters.recipe.standardise],
        comes_back=comes_back,
        style=style,
        policy=policy([], [style]),
    )  # fmt: skip


_STYLE = """
.clustergram { display: block; width: 100%; min-width: 640px; max-width: 1100px; height: auto; }
.marks { display: block; color: #44505c; }
table.plain td:has(.marks) { min-width: 14rem; }
.wide { overflow-x: auto; }
summary { cursor: pointer; min-height: 28px; }
"""

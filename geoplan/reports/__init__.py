"""The head teacher's report on one page, the page of a cluster of schools, and the analyst's sheets behind them.

Each is a small frozen value made from protected tables; ``to_html()`` gives a page that needs no script and no
network::

    shared = backdrop(people, schools, boundaries, tables, place="Medway")
    page = head_report(shared, tables, "900029").to_html()

What all reports of a run have in common (the outlines made small, the schools' public facts, which schools are
alike) is worked out once, in the :class:`Backdrop`.
"""

from geoplan.reports.analyst import analyst_sheets
from geoplan.reports.cluster import ClusterPage, cluster_page
from geoplan.reports.head import Backdrop, HeadReport, backdrop, head_report
from geoplan.reports.outlines import Outlines, simplify_outlines

__all__ = [
    "Backdrop", "ClusterPage", "HeadReport", "Outlines", "analyst_sheets", "backdrop", "cluster_page", "head_report",
    "simplify_outlines",
]  # fmt: skip

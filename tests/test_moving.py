"""Moving: its chart and each area's scale found again, and children to come those there were."""

from __future__ import annotations

import pytest
from cities import PROPENSITY, register

from geoplan.moving import local_scale, net_moves, project_children, propensity


def test_the_chart_of_moving_and_each_area_s_scale_are_found_again():
    children, scale = register(areas=12, years=10)
    moves = net_moves(children)
    found = local_scale(moves, PROPENSITY.reindex(range(18)))
    assert found.reindex(scale.index).to_numpy() == pytest.approx(scale.to_numpy(), abs=1e-9)
    chart = propensity(moves)
    weighted = (moves["children"] * moves["area"].map(scale)).groupby(moves["age"]).sum()
    mean = weighted / moves.groupby("age")["children"].sum()
    assert chart.loc[:17].to_numpy() == pytest.approx((PROPENSITY.loc[:17] * mean.loc[:17]).to_numpy(), rel=1e-9)
    again = local_scale(moves, chart)
    assert again.corr(scale) > 0.999


def test_children_to_come_are_those_there_were():
    """Projected from an earlier register with the known chart, the later register comes out exactly."""
    children, scale = register(areas=5, years=10)
    last = children["year"].max()
    births = children[children["age"].eq(0)][["area", "year", "children"]].rename(columns={"children": "births"})
    ahead = project_children(children[children["year"].eq(last - 3)], births, PROPENSITY, scale, 3)
    both = ahead[ahead["year"].eq(last)].merge(children, on=["area", "year", "age"])
    assert len(both) == 5 * 19
    assert both["children_x"].to_numpy() == pytest.approx(both["children_y"].to_numpy(), rel=1e-9)

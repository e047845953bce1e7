"""Moving: its chart and each area's scale found again."""

from __future__ import annotations

import pytest
from cities import PROPENSITY, register

from geoplan.moving import local_scale, net_moves, propensity


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

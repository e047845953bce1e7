"""Recipes of clusters: what they refuse, percentages with every fault named, the four scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from built import recipe, town

from geoplan.cluster_recipes import AreaStatistics, ClusterRecipe, Variable, fit_scale, percentages, standardised
from geoplan.errors import InputRefused, RecipeError, VintageError
from geoplan.sources import Source


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"transform": "sqrt"}, "transform"),
        ({"standardise": "minmax"}, "standardise"),
        ({"method": "dbscan"}, "method"),
        ({"counts": ()}, "levels"),
        ({"counts": (1,)}, "first level"),
        ({"counts": (3, 0)}, "from 1"),
        ({"counts": (27,)}, "26"),
        ({"starts": 0}, "starts"),
    ],
)
def test_what_a_recipe_cannot_say(changes, word):
    with pytest.raises(RecipeError, match=word):
        recipe(**changes)


def test_limits_are_for_percentages_only():
    density = Variable("density", "residents in each square kilometre", ("density",))
    with pytest.raises(RecipeError, match="density have no denominator"):
        ClusterRecipe((*recipe().variables, density), standardise="limits")


def test_names_of_variables_differ():
    with pytest.raises(RecipeError, match="name of its own"):
        ClusterRecipe(recipe().variables[:1] * 2)


def test_percentages_and_every_fault():
    variables = [Variable("a", "a", ("x", "y"), ("all",)), Variable("b", "b", ("y",))]
    counts = pd.DataFrame(
        {"x": [10.0, np.nan, 0, -1, 60, 2], "y": [15.0, 1, 0, 0, 60, 2], "all": [100.0, 10, 0, 10, 100, np.nan]},
        index=list("pqrstu"),
    )
    values, faults = percentages(counts, variables)
    assert values["a"].iloc[0] == 25
    assert values["b"].tolist() == [15, 1, 0, 0, 60, 2]
    assert faults["a"].tolist() == [
        "", "value_missing", "denominator_zero", "value_impossible", "value_impossible", "value_missing",
    ]  # fmt: skip
    assert faults["b"].eq("").all()
    assert values["a"].isna().tolist() == faults["a"].ne("").tolist()


def test_the_scales_are_what_they_say():
    values = town().values
    moved = np.arcsinh(values["flats"])
    tenth, ninetieth = np.quantile(moved, [0.1, 0.9])
    expected = {
        "range": (moved - moved.min()) / (moved.max() - moved.min()),
        "limits": moved / np.arcsinh(100),
        "zscore": (moved - moved.mean()) / moved.std(ddof=0),
        "idr": (moved - moved.median()) / (ninetieth - tenth),
    }
    for standardise, column in expected.items():
        made = recipe(standardise=standardise)
        assert np.allclose(standardised(values, made, fit_scale(values, made))[:, 0], column)


def test_the_transforms_are_what_they_say():
    from scipy.stats import boxcox

    values = town().values.clip(lower=0)
    expected = {"none": values["flats"], "log": np.log1p(values["flats"]), "boxcox": boxcox(values["flats"] + 1)[0]}
    for transform, moved in expected.items():
        made = recipe(transform=transform, standardise="zscore")
        column = standardised(values, made, fit_scale(values, made))[:, 0]
        assert np.allclose(column, (moved - moved.mean()) / moved.std(ddof=0), atol=1e-4)


def test_constant_variables_are_all_named():
    values = town().values.assign(flats=3.0, two_cars=0.0)
    with pytest.raises(InputRefused, match="2 problems") as refused:
        fit_scale(values, recipe())
    assert [(p.code, p.column) for p in refused.value.problems] == [
        ("variable_constant", "flats"), ("variable_constant", "two_cars"),
    ]  # fmt: skip


def test_the_same_area_twice_is_refused():
    values = town().values
    with pytest.raises(VintageError, match="occurs twice"):
        AreaStatistics("oa21", pd.concat([values, values.head(1)]), Source("s"))

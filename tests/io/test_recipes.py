"""Recipes: every one on the shelf loads; one without attribution, or with a misspelt key, does not."""

from __future__ import annotations

import re

import pytest

from geoplan.errors import RecipeError
from geoplan.io.recipes import demo_folder, list_recipes, load_recipe, match_aliases, read_recipe, recipe_beside

GOOD = (
    'kind = "x"\nwhat = "areas"\ntitle = "X"\npublisher = "P"\nlicence = "OGL-UK-3.0"\n'
    'attribution = "Source: P {year}"\nyear = 2024\n'
)


def test_every_recipe_loads_and_credits_somebody():
    recipes = list_recipes()
    assert {"lsoa21", "lsoa11", "oa21", "oa11", "onspd", "nspl", "ons_lookup", "code_point_open", "oac21", "oac11"} <= {
        r.kind for r in recipes
    }
    for recipe in recipes:
        source = recipe.source(vintage="2025-05")
        assert source.credit
        assert "{" not in source.attribution
        assert source.licence
    assert {r.what for r in list_recipes("areas")} == {"areas"}


@pytest.mark.parametrize("line", ["attribution", "licence", "publisher", "title", "year"])
def test_what_every_recipe_must_state(write, line):
    path = write("x.toml", re.sub(f"^{line} = .*\n", "", GOOD, flags=re.M))
    with pytest.raises(RecipeError, match=line):
        read_recipe(path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (GOOD.replace("Source: P {year}", "  "), "attribution"),
        (GOOD + 'colour = "red"\n', "colour"),
        (GOOD + 'code_shape = "["\n', "pattern"),
        (GOOD + "= 1", "TOML"),
        (GOOD.replace('"x"', '"y"'), "must agree"),
    ],
)
def test_what_does_not_load(write, text, word):
    with pytest.raises(RecipeError, match=word):
        read_recipe(write("x.toml", text))


def test_unknown_recipes_name_those_there_are():
    with pytest.raises(RecipeError, match="lsoa21"):
        load_recipe("lsoa31")
    with pytest.raises(RecipeError):
        load_recipe("../medway/lsoa11")


def test_the_year_of_the_vintage_is_in_the_credit(write):
    recipe = read_recipe(write("x.toml", GOOD))
    assert recipe.source(vintage="2026-08").credit == "Source: P 2026"
    assert recipe.source().credit == "Source: P 2024"


def test_aliases_and_patterns_in_any_case():
    columns = {"lad": ["re:^lad[0-9][0-9]cd$", "oslaua"], "code": ["LSOA21CD"]}
    assert match_aliases(columns, ["lsoa21_cd", "LAD26CD"]) == {"lad": 1, "code": 0}
    assert match_aliases(columns, ["OSLAUA"]) == {"lad": 0}


def test_the_recipe_beside_a_file(write):
    write("x.toml", GOOD)
    assert recipe_beside(write("x.csv.gz", b""), "areas").kind == "x"
    assert recipe_beside(write("y.csv", b""), "areas") is None
    assert recipe_beside(demo_folder() / "lsoa11.fgb", "areas").kind == "lsoa11"

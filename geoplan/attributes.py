"""What schools are like in numbers, made ready to be compared: which numbers, on what scale, with what weight.

A difference in pupils and a difference in per cent are put on one footing by dividing each by a scale: how much
schools usually differ in it (robust, so that one huge school does not set it), or the scale that a published
method states. Results of schools are refused as inputs by name: schools that are alike in their results would be
compared with themselves.

References: Rousseeuw and Croux (1993), JASA 88:1273 (the median absolute deviation); Iglewicz and Hoaglin (1993),
How to Detect and Handle Outliers (the mean absolute deviation where that is zero).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan.columns import header_key
from geoplan.errors import UnknownCodeError

_MAD = 1.482602218505602  # of a normal distribution: standard deviation over median absolute deviation
_MEAN_AD = 1.2533141373155001  # and over mean absolute deviation
#: What a list of similar schools is made from where nobody says: those that are there.
USUAL = ("fsm_percent", "eal_percent", "sen_percent", "roll")
LABELS = MappingProxyType(
    {
        "fsm_percent": "free school meals",
        "eal_percent": "English as an additional language",
        "sen_percent": "special educational needs",
        "roll": "pupils on roll",
        "places": "places",
        "pan": "admission number",
    }
)
_OUTCOME = re.compile(
    r"attain|att8|progress|ofsted|inspect|judg|effectiveness|attendance|absen|exclu|suspen|gcse|ebacc|alevel|"
    r"ks[1-5]|keystage|result|outcome|phonics|eyfs|goodlevel|valueadded|destination|readmat|rwm|grade|passrate"
)
_OUTCOME_WORDS = frozenset({"p8", "a8", "gld", "neet", "cva", "rating", "exam", "exams", "truancy"})
_PRIOR = re.compile(r"attain|ks[1-5]|keystage|rwm")  # what pupils knew when they came is not a result of the school


@dataclass(frozen=True)
class Attribute:
    """One number of a school.

    Parameters
    ----------
    name
        Its column.
    label
        What it is, in words.
    scale
        The difference that counts as one; None for a robust scale of the schools compared.
    weight
        How much it counts, beside the others.
    headers
        Other headers that mean this column, in published files.
    unit
        Printed after the number.
    """

    name: str
    label: str
    scale: float | None = None
    weight: float = 1.0
    headers: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True)
class Method:
    """A way to compare schools by their numbers.

    Parameters
    ----------
    name
        What it is called on the command line.
    attributes
        The numbers.
    mean
        True: the distance is the root of the weighted mean of squared differences. False: of their sum.
    note
        The method in a sentence, for the reader.
    """

    name: str
    attributes: tuple[Attribute, ...]
    mean: bool = True
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(each.name for each in self.attributes)


DFE_PRIMARY = Method(
    "dfe-primary",
    (
        Attribute("pupil_premium_percent", "pupil premium", 43.57060307391963, headers=("PPPerc",), unit="%"),
        Attribute("polar4", "POLAR4 quintile", 2.776027462026757, headers=("Polar4QuintilePupils",)),
        Attribute("stability_percent", "pupil stability", 34.52172973796064, headers=("PStability",), unit="%"),
        Attribute("sen_support_percent", "SEN support", 21.38786082688627, headers=("PercentSchSupport",), unit="%"),
        Attribute(
            "eal_percent", "English as an additional language", 100.2625287473186, headers=("PercentEAL",), unit="%"
        ),
        Attribute("idaci", "IDACI score", 0.3565179344533531, headers=("IdaciPupils",)),
        Attribute("ehcp_percent", "EHC plans", 14.6848325669574, headers=("PercentageStatementOrEhp",), unit="%"),
        Attribute("roll", "number of pupils", 1287.67339838728, headers=("NumberOfPupils", "NOR")),
        Attribute("ks1_prior_average", "key stage 1 average", 0.3615829854418607, headers=("Ks1PriorRwmAverage",)),
    ),
    mean=False,
    note=(
        "The Department for Education's distance between primary schools (its service of August 2026): the root of "
        "the sum of squared differences, each over a fixed scale. The scales are not published; they were worked out "
        "from 1,445 distances that are, and give every one of them to 14 decimal places."
    ),
)
"""The DfE's method for primary schools.

DFE-Digital/sap-sector, commit f04b29 of August 2026, publishes the values of 93 schools and the distances of their
50 most similar schools; squared distances are linear in squared differences, so least squares gives the scales.
Fitted on 700 pairs they give the other 745 to 8e-16. Key stage 2 results have no weight in them.
"""

METHODS: Mapping[str, Method] = MappingProxyType({DFE_PRIMARY.name: DFE_PRIMARY})


def weighted_method(variables: Mapping[str, float] | Iterable[str]) -> Method:
    """A method of one's own: columns, with weights or all the same, on robust scales.

    Raises
    ------
    ValueError
        If a column is a result of schools, or a weight is not a number over 0.

    Examples
    --------
    >>> weighted_method({"fsm_percent": 2, "roll": 1}).attributes[0].weight
    2.0
    >>> weighted_method(["progress_8"])
    Traceback (most recent call last):
    ...
    ValueError: progress_8 is a result of schools and never decides which schools are alike; use it after, to see \
which of the similar schools do better (better_on)
    """
    weights = dict(variables) if isinstance(variables, Mapping) else dict.fromkeys(variables, 1.0)
    if not weights:
        raise ValueError("name at least one column to compare schools by")
    require_no_outcomes(weights)
    bad = [name for name, weight in weights.items() if not (np.isfinite(weight) and weight > 0)]
    if bad:
        raise ValueError(f"the weight of {', '.join(bad)} must be a number over 0; leave a column out to ignore it")
    attributes = tuple(
        Attribute(
            name,
            LABELS.get(name, name.replace("_", " ")),
            None,
            float(weight),
            unit="%" if name.endswith("_percent") else "",
        )
        for name, weight in weights.items()
    )
    shown = ", ".join(
        each.label + (f" (weight {each.weight:g})" if len(set(weights.values())) > 1 else "") for each in attributes
    )
    return Method(
        "attributes",
        attributes,
        note=f"Alike in {shown}: the root of the weighted mean of squared differences, each over its robust scale "
        "(1.48 times the median distance from the median).",
    )


def is_outcome(name: str) -> bool:
    """Whether a column's name says that it holds results of schools: attainment, progress, inspection, attendance.

    What pupils knew when they came (``ks2_prior_attainment``) is not one; last year's results are.

    Examples
    --------
    >>> [is_outcome(name) for name in ("Att8Scr", "OfstedRating (name)", "ks2_prior_attainment", "idaci_score")]
    [True, True, False, False]
    """
    words = set(re.findall(r"[a-z]+\d*|\d+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))
    key = header_key(name)
    if "prior" in words and not {"year", "years"} & words:
        key = _PRIOR.sub("", key)
    return bool(_OUTCOME.search(key)) or bool(words & _OUTCOME_WORDS)


def require_no_outcomes(names: Iterable[str]) -> None:
    """Refuse columns of results as inputs, all of them named.

    Raises
    ------
    ValueError
    """
    found = [name for name in names if is_outcome(name)]
    if found:
        verb = "is a result of schools and never decides" if len(found) == 1 else "are results and never decide"
        raise ValueError(
            f"{', '.join(found)} {verb} which schools are alike; use it after, to see which of the similar schools "
            "do better (better_on)"
        )


def usual_method(facts: pd.DataFrame) -> Method:
    """A method from the usual columns that the facts have for more than half of the schools.

    Raises
    ------
    UnknownCodeError
        If there is none; the message names the columns that are known.
    """
    there = [name for name in USUAL if name in facts and facts[name].notna().mean() > 0.5]
    if not there:
        raise UnknownCodeError(
            f"the schools have none of {', '.join(USUAL)}; name the columns to compare by, or a file that has them"
        )
    return weighted_method(there)


def pick_columns(facts: pd.DataFrame, method: Method) -> pd.DataFrame:
    """The method's columns as numbers, under the method's names; missing where the school does not say.

    Raises
    ------
    UnknownCodeError
        If a column is not there; all are named.
    ValueError
        If a column holds something that is no number.
    """
    keys = {header_key(str(name)): name for name in facts.columns}
    found = {}
    for each in method.attributes:
        match = next((keys[key] for key in map(header_key, (each.name, *each.headers)) if key in keys), None)
        found[each.name] = match
    lost = [name for name, match in found.items() if match is None]
    if lost:
        raise UnknownCodeError(f"no column {', '.join(lost)}; there are {', '.join(map(str, facts.columns)) or 'none'}")
    answer = {}
    for name, match in found.items():
        try:
            answer[name] = pd.to_numeric(facts[match]).to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            raise ValueError(f"column {match} is not all numbers, so schools have no distance in it") from None
    return pd.DataFrame(answer, index=facts.index)


def scales_of(values: pd.DataFrame, method: Method) -> np.ndarray:
    """The scale of each column: the method's own, or a robust one; 0 where all schools are the same."""
    return np.array(
        [robust_scale(values[each.name].to_numpy()) if each.scale is None else each.scale for each in method.attributes]
    )


def robust_scale(values: Sequence[float] | np.ndarray) -> float:
    """How much values usually differ: 1.48 times the median distance from the median.

    Where over half of the values are the same, 1.25 times the mean distance from the median; 0 where all are.
    Both are the standard deviation for a normal distribution. Missing values play no part.

    Examples
    --------
    >>> round(robust_scale([1, 2, 3, 4, 1000]), 3)
    1.483
    >>> round(robust_scale([0, 0, 0, 0, 5]), 3), robust_scale([7, 7, 7])
    (1.253, 0.0)
    """
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if not len(known):
        return 0.0
    away = np.abs(known - np.median(known))
    return float(_MAD * np.median(away) or _MEAN_AD * away.mean())

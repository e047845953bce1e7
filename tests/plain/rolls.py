"""The slow, obvious twin of forecasts: loops over schools and year groups, in the words of the guide."""

from __future__ import annotations

RECENT = (3.0, 2.0, 1.0)


def survival(rolls: dict, school: str, stage: int, year: int) -> float | None:
    """Pupils of a stage over those of the stage below a year before, the last three years weighted 3-2-1."""
    above = below = 0.0
    for back, weight in enumerate(RECENT):
        now = rolls.get((school, year - back, stage))
        before = rolls.get((school, year - back - 1, stage - 1))
        if now is not None and before:
            above += weight * now
            below += weight * before
    return above / below if below else None


def mean_intake(rolls: dict, school: str, stage: int, year: int) -> float:
    """The weighted mean of the last three intakes."""
    seen = [(rolls[(school, year - back, stage)], weight) for back, weight in enumerate(RECENT)
            if (school, year - back, stage) in rolls]  # fmt: skip
    return sum(count * weight for count, weight in seen) / sum(weight for _, weight in seen)


def cohort_survival(rolls: dict, school: str, stages: list[int], year: int, years: int) -> dict:
    """Forecasts of one primary school: (year, stage) to pupils."""
    done = {(year, stage): rolls.get((school, year, stage)) for stage in stages}
    for ahead in range(1, years + 1):
        for stage in stages:
            if stage == stages[0]:
                done[(year + ahead, stage)] = mean_intake(rolls, school, stage, year)
            else:
                done[(year + ahead, stage)] = done[(year + ahead - 1, stage - 1)] * survival(rolls, school, stage, year)
    return done


def sheffield_reception(roll: dict, register: dict, ahead: int) -> float:
    """Uptake of the whole school, times the children who begin in so many years: the guide's own sentence.

    ``roll`` by year group 0 to 6, ``register`` by age on 31 August.
    """
    uptake = sum(roll.values()) / sum(register[stage + 4] for stage in roll)
    return uptake * register[4 - ahead]


def percentage_error(forecast: float, actual: float) -> float:
    """As the DfE scores: + is too high."""
    return (forecast - actual) / actual


def flows_intake(known: list[dict], residents: float, last: int) -> dict:
    """An intake by residents and flows: those who live here less those who leave, and those who come in, by school.

    ``known`` are the years, the latest last: ``live``, ``independent``, ``out``, ``in``, ``intakes`` by school.
    """
    used = known[-last:]
    leave = sum((year["independent"] + year["out"]) / year["live"] for year in used) / len(used)
    come = sum(year["in"] for year in used) / len(used)
    left = sum(year["live"] - year["independent"] - year["out"] for year in known)
    here = sum(sum(year["intakes"].values()) - year["in"] for year in known)
    total = residents * (1 - leave) * here / left + come
    weights = RECENT[: 1 if last == 1 else 3]
    parts = {
        school: sum(weight * known[-1 - back]["intakes"][school] for back, weight in enumerate(weights))
        for school in known[-1]["intakes"]
    }
    return {school: total * part / sum(parts.values()) for school, part in parts.items()}

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


def share_of_all(intakes: dict, school: str, schools: list[str], year: int) -> float:
    """Next year's intake where all intakes together stay as they were: the school's share of the last three years."""
    shares = {}
    for each in schools:
        own = every = 0.0
        for back, weight in enumerate(RECENT):
            if (each, year - back) in intakes:
                own += weight * intakes[(each, year - back)]
                every += weight * sum(intakes.get((other, year - back), 0.0) for other in schools)
        shares[each] = own / every
    return shares[school] / sum(shares.values()) * sum(intakes[(each, year)] for each in schools)


def chosen_weights(test, stages: list[int], by: int) -> dict[str, float]:
    """The weight of each method by what is known in a year: every miss looked at, one after the other."""
    names = [name for name in test.forecasts if name != "combination"]
    at = [test.history.stages.index(stage) for stage in stages]
    levels = [[[place] for place in range(len(test.places))]]
    for groups in test.groups.values():
        of = [str(groups.get(place, "no group")) for place in test.places]
        levels.append([[number for number, each in enumerate(of) if each == name] for name in sorted(set(of))])
    tried = 0
    ratios: dict[str, list[list[float]]] = {name: [[] for _ in levels] for name in names}
    for depth, groups in enumerate(levels):
        for ahead in range(test.horizons):
            known = [number for number, origin in enumerate(test.origins) if origin + ahead + 1 <= by]
            misses = {name: [_miss(test, name, number, ahead, groups, at, depth) for number in known] for name in names}
            tried = max(tried, len(known))
            if not known:
                continue
            naive = sum(misses["last ratio"]) / len(known)
            for name in names:
                ratios[name][depth] += [each / naive for each in misses[name]]
    if not tried:
        return {"last ratio": 1.0}
    score = {}
    for name in names:
        product = 1.0
        for each in ratios[name]:
            product *= sum(each) / len(each) + 0.01
        score[name] = product ** (1 / len(levels))
    best = sorted(names, key=lambda name: score[name])[:3]
    best = [name for name in best if score[name] <= 2 * score[best[0]]]
    weights = {name: tried / len(best) / (tried + 1) for name in best}
    weights["last ratio"] = weights.get("last ratio", 0.0) + 1 / (tried + 1)
    return weights


def _miss(test, name: str, number: int, ahead: int, groups: list[list[int]], at: list[int], depth: int) -> float:
    """The mean miss of a method from one origin: year group by year group at places, all together in sums."""
    sizes = []
    for members in groups:
        there = [
            (float(test.forecasts[name][number, place, ahead, stage]), float(test.actual[number, place, ahead, stage]))
            for place in members
            for stage in at
        ]
        there = [(made, came) for made, came in there if made == made and came == came]
        if not there:
            continue
        if depth == 0:
            sizes += [abs(made - came) for made, came in there]
        else:
            sizes.append(abs(sum(made for made, _ in there) - sum(came for _, came in there)))
    return sum(sizes) / len(sizes)


def reach_by_hand(errors: list[dict], level, measure, ahead, size, coverage, by, sizes: int) -> float:
    """The reach of an interval: the usual size of such errors times the multiple that a share of errors kept within."""

    def usual(measure, ahead, size, by) -> float | None:
        like = [each for each in errors if (each["level"], each["measure"], each["ahead"]) == (level, measure, ahead)
                and each["origin"] + ahead <= by]  # fmt: skip
        if len(like) < 2:
            return None
        for near in (0, 1, 2, sizes):
            close = [each["miss"] for each in like if abs(each["size"] - size) <= near]
            if len(close) >= 40:
                break
        return max(0.0005, (sum(each**2 for each in close) / len(close)) ** 0.5)

    multiples, found = [], {}
    for each in errors:
        if each["level"] != level or each["origin"] + each["ahead"] > by:
            continue
        key = (each["measure"], each["ahead"], each["size"], each["origin"])
        if key not in found:
            found[key] = usual(*key)
        if found[key] is not None:
            multiples.append((abs(each["miss"]) / found[key], 1.0 if each["measure"] == measure else 0.3))
    multiples.sort(key=lambda pair: pair[0])
    whole = sum(weight for _, weight in multiples)
    count = whole**2 / sum(weight**2 for _, weight in multiples)
    wanted = min(1.0, coverage * (count + 1) / count) * whole
    so_far, last = 0.0, multiples[0][0]
    for multiple, weight in multiples:
        if so_far + weight >= wanted - 1e-12:
            part = (wanted - so_far) / weight if so_far else 1.0
            return usual(measure, ahead, size, by) * (last + part * (multiple - last))
        so_far, last = so_far + weight, multiple
    return usual(measure, ahead, size, by) * last

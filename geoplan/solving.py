"""Solve a design: the best one found, a bound that no design can beat, and the gap between.

Four steps, each leaving a usable answer behind:

1. The linear relaxation, with cuts for catchments in several pieces found by minimum vertex cuts of its fractional
   answers, and for areas that do not fit in a school together (covers), until none is broken. Its value is a bound.
2. A start: the relaxation's answer made whole, and today's map, each mended and improved by trading areas.
3. Small problems (few assignments left once those too dear are struck out by their reduced costs): branch and
   bound by HiGHS, cut and repeated while an answer is in several pieces. Only designs better than the best known
   by half the wanted gap are looked for; when there is none, the gap is proved.
4. Large problems: the same, for one group of neighbouring schools after another, the rest held still. When no group
   gives more, or sixty in a row (fewer of larger ones) together take less than a hundredth off what is between the
   best and the bound, larger groups are tried; after the largest, step 3 over the whole for the time left, which
   raises the bound.

References: Oehrlein and Haunert (2017), Journal of Spatial Information Science 15:1 (districts in one piece by
separator cuts); Fischetti et al. (2017), Mathematical Programming Computation 9:231 (vertex separators);
Shaw (1998), CP98, 417 (large neighbourhoods).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from geoplan.contiguity import Cut, Graph, main_pieces, separators
from geoplan.programme import TOLERANCE, Programme, Rows, Worth, broken_covers, worth
from geoplan.search import grow, improve, usual_change, usual_range

PROVED, STOPPED, IMPOSSIBLE = "proved", "stopped", "impossible"
_OPTIMAL, _TIME, _INFEASIBLE = 0, 1, 2  # scipy's words for how a solver ended
_EXACT_UP_TO = 4_000  # assignments left for branch and bound over the whole problem
_GROUP = 500  # assignments in a group of neighbouring schools
_LARGEST_GROUP = 4_000
_GROUP_SECONDS = 6.0
_FAR = 0.05  # a start whose gap is beyond this is improved group by group before branch and bound
_PASSES = 1  # groups around every school tried again this often without a change, before the bound is worked at
_PATIENCE = 60  # groups in a row that may bring next to nothing before larger ones are tried; fewer of larger ones
_WORTH_WHILE = 0.01  # what they must bring together, as a part of what is between the best and the bound
_MOST_STEPS = 30_000_000
_RESTARTS = 6  # searches from nothing on a small problem
_PRICES = (0.1, 0.3, 1.0, 3.0)  # of measures with a limit, as parts of the objective's own scale
_HEATS = (1.0, 0.3, 0.1)  # at which the relaxation's answer to a large problem is improved
_COOL = 0.02  # that at which a good design is only polished
_LARGE_STEPS = 5_000  # trades considered for each area of a large problem
_GENTLE = 0.1  # the heat at which a start is improved that is good already


@dataclass(frozen=True)
class Outcome:
    """What the solver found.

    Parameters
    ----------
    status
        ``proved`` (the gap is within the one asked for), ``stopped`` (time or rounds ran out), ``impossible``
        (proved that nothing keeps every limit).
    labels
        School of each area in the best design, or None.
    worth
        Its value and how far it breaks limits, or None.
    bound
        No design within the limits is below this.
    seconds, rounds, cuts
        What it took.
    history
        (seconds, best value, bound) as they changed; infinite where there was none yet.
    known
        The cuts, for a programme that differs in its limits only.
    """

    status: str
    labels: np.ndarray | None
    worth: Worth | None
    bound: float
    seconds: float
    rounds: int
    cuts: int
    history: tuple[tuple[float, float, float], ...] = ()
    known: tuple[Cut, ...] = field(default=(), repr=False)

    @property
    def gap(self) -> float:
        """How far the best is above the bound, as a part of the best; infinite where there is none within limits."""
        if self.worth is None or not self.worth.within:
            return np.inf
        return _gap(self.worth.value, self.bound)


def _gap(value: float, bound: float) -> float:
    over = value - bound
    return 0.0 if over <= 1e-9 else over / max(abs(value), 1e-12)


@dataclass
class _Run:
    """The state of one solution."""

    programme: Programme
    rows: Rows
    gap: float
    deadline: float
    rounds_left: int
    began: float
    progress: Callable[[float, float, float], None] | None = None
    labels: np.ndarray | None = None
    worth: Worth | None = None
    bound: float = -np.inf
    rounds: int = 0
    history: list = field(default_factory=list)

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    @property
    def value(self) -> float:
        return self.worth.value if self.worth is not None and self.worth.within else np.inf

    @property
    def proved(self) -> bool:
        return np.isfinite(self.value) and _gap(self.value, self.bound) <= self.gap

    @property
    def over(self) -> bool:
        return self.proved or self.seconds_left <= 0 or self.rounds_left <= 0

    @property
    def cutoff(self) -> float:
        """Only designs below this are worth looking for."""
        if not np.isfinite(self.value):
            return np.inf
        return self.value - max(0.5 * self.gap * abs(self.value), 1e-9)

    def offer(self, labels: np.ndarray) -> None:
        """Keep a design if it is better than the best."""
        found = worth(self.programme, labels)
        if self.worth is None or (found.excess, found.value) < (self.worth.excess, self.worth.value):
            self.labels, self.worth = labels, found
            self.note()

    def raise_bound(self, bound: float) -> None:
        """Keep a bound if it is higher than the one known."""
        if bound > self.bound:
            self.bound = bound
            self.note()

    def note(self) -> None:
        """Record where things stand, and tell whoever watches."""
        entry = (time.monotonic() - self.began, self.value, self.bound)
        self.history.append(entry)
        if self.progress is not None:
            self.progress(*entry)

    def outcome(self, status: str | None = None) -> Outcome:
        """What is known so far."""
        status = status or (PROVED if self.proved else STOPPED)
        seconds = time.monotonic() - self.began
        cuts = tuple(self.rows.cuts)
        history = tuple(self.history)
        return Outcome(status, self.labels, self.worth, self.bound, seconds, self.rounds, len(cuts), history, cuts)


def solve(
    programme: Programme,
    *,
    gap: float = 5e-4,
    seconds: float = 60.0,
    rounds: int = 1_000_000,
    seed: int = 0,
    starts: Iterable[np.ndarray] = (),
    steps: int | None = None,
    bound: float = -np.inf,
    cuts: Sequence[Cut] = (),
    progress: Callable[[float, float, float], None] | None = None,
) -> Outcome:
    """The best design found, with its bound.

    Parameters
    ----------
    programme
        The numbers.
    gap
        Stop when the best is proved to be within this part of the best possible.
    seconds
        Stop after this long (a step of the solver under way may take a little longer).
    rounds
        Stop after this many answers of the solver: with it, and time enough, the answer is the same on every run.
    seed
        Of the search.
    starts
        Designs to start from: school of each area, -1 for none.
    steps
        Trades considered for each start; 10,000 an area, at most two million, if not given.
    bound
        A bound known from before: no design within the limits is below it.
    cuts
        Cuts known from before, of a programme with the same neighbours, areas and allowed schools.
    progress
        Called with seconds, best value and bound whenever one changes.

    Returns
    -------
    Outcome
    """
    began = time.monotonic()
    if not programme.allowed.any(axis=1).all():
        return Outcome(IMPOSSIBLE, None, None, np.inf, 0.0, 0, 0)
    run = _Run(programme, Rows(programme, cuts), gap, began + seconds, rounds, began, progress, bound=bound)
    steps = min(2_000_000, 10_000 * programme.shape[0]) if steps is None else steps
    shares, marginal = _relax(run, began + 0.4 * seconds)
    if shares is None and np.isinf(run.bound) and run.bound > 0:
        return run.outcome(IMPOSSIBLE)
    _start(run, shares, starts, seed, steps)
    if run.over:
        return run.outcome()
    alive = _alive(run, marginal)
    if alive.sum() > _EXACT_UP_TO:
        _by_groups(run, seed, marginal=marginal)
        if run.over or not run.worth.within:
            return run.outcome()
        return run.outcome(_exact(run, _alive(run, marginal), seed))  # nothing near is better: now the bound
    if _gap(run.value, run.bound) > _FAR and programme.shape[1] > 2 and run.worth.within:
        deadline, run.deadline = run.deadline, min(run.deadline, time.monotonic() + 0.3 * run.seconds_left)
        _by_groups(run, seed, 4 * programme.shape[1])
        run.deadline = deadline
    return run.outcome(_exact(run, alive & _alive(run, marginal), seed))


def _relax(run: _Run, until: float) -> tuple[np.ndarray | None, tuple[float, np.ndarray] | None]:
    """Cut the relaxation until no cut is broken; its shares, and its value with the reduced costs."""
    shares = marginal = None
    pull, slow, before = _pull(run.programme), 0, -np.inf
    while True:
        answer = run.rows.relaxed(seconds=run.seconds_left)
        if answer.status == _INFEASIBLE:
            run.raise_bound(np.inf)
            return None, None
        if answer.status != _OPTIMAL:
            return shares, marginal
        gained, before = answer.fun - before, max(answer.fun, before)
        run.raise_bound(answer.fun)
        run.rounds += 1
        shares = run.rows.shares(answer.x)
        marginal = answer.fun, (answer.lower.marginals + answer.upper.marginals)[: run.rows.count]
        slow = slow + 1 if gained < 1e-5 * max(abs(before), 1e-9) else 0
        if slow >= 4 or time.monotonic() > until:
            return shares, marginal
        graph = run.programme.graph
        cuts = [] if graph is None else separators(graph, shares, run.programme.allowed, pull)
        covers = broken_covers(run.programme, shares)
        if not cuts and not covers:
            return shares, marginal
        run.rows.add(cuts)
        run.rows.add_covers(covers)


def _pull(programme: Programme) -> np.ndarray:
    """How much dearer the next best school is for each area, times its children."""
    cost = np.where(programme.allowed, programme.cost, np.inf)
    ranked = np.sort(cost, axis=1)
    next_best = ranked[:, 1] if cost.shape[1] > 1 else ranked[:, 0]
    other = np.where(cost == ranked[:, [0]], next_best[:, None], ranked[:, [0]])
    pull = np.where(np.isfinite(cost), np.minimum(other, 1e12) - cost, -np.inf)
    return pull + 1e-9 * programme.load.mean(axis=0)[:, None]


def _start(run: _Run, shares: np.ndarray | None, starts: Iterable[np.ndarray], seed: int, steps: int) -> None:
    """Whole designs from the relaxation and from the starts given."""
    seeds = [(labels, _GENTLE) for labels in starts] + [(np.full(run.programme.shape[0], -1), 1.0)]
    if shares is not None:
        seeds.insert(0, (np.where(shares.max(axis=1) > 0.5, shares.argmax(axis=1), -1), _GENTLE))
    for number, (labels, heat) in enumerate(seeds):
        whole = grow(run.programme, labels)
        run.offer(whole)
        run.offer(improve(run.programme, whole, seed + number, steps, heat))
        if run.over:
            return
    if run.rows.count <= _EXACT_UP_TO:
        _restart(run, seed + len(seeds), steps)
        return
    for number, heat in enumerate(_HEATS):
        if run.seconds_left > 0.5 * (run.deadline - run.began):
            whole = grow(run.programme, seeds[0][0])
            run.offer(improve(run.programme, whole, seed + number, _LARGE_STEPS * run.programme.shape[0], heat))
    while not run.worth.within and steps < _MOST_STEPS and run.seconds_left > 0.8 * (run.deadline - run.began):
        steps *= 3
        for number, (labels, heat) in enumerate(seeds):
            if not run.worth.within:
                run.offer(improve(run.programme, grow(run.programme, labels), seed + number + steps, steps, heat))


def _restart(run: _Run, seed: int, steps: int) -> None:
    """More searches from nothing, and where measures have limits, from designs that are low in those too."""
    nothing = np.full(run.programme.shape[0], -1)
    for number in range(_RESTARTS):
        if not run.over:
            run.offer(improve(run.programme, grow(run.programme, nothing), seed + number, steps))
    for number, priced in enumerate(_priced(run.programme)):
        if not run.over:
            low = improve(priced, grow(priced, nothing), seed + number, steps)
            run.offer(low)
            run.offer(improve(run.programme, low, seed + number, steps, _GENTLE))


def _priced(programme: Programme) -> list[Programme]:
    """The same programme with the measures that have a limit added to the objective, at several prices."""
    limited = np.isfinite(programme.mix_most)
    if not len(programme.budget) and not limited.any():
        return []
    usual = usual_change(programme)
    found = []
    for part in _PRICES:
        cost, mix_cost = programme.cost.copy(), programme.mix_cost.copy()
        for budget in programme.budget:
            cost += part * usual / max(usual_range(programme, budget), 1e-12) * budget
        mix_cost[limited] += part * usual / np.maximum(np.abs(programme.mix[limited]).mean(axis=1), 1e-12)
        found.append(replace(programme, cost=cost, mix_cost=mix_cost))
    return found


def _alive(run: _Run, marginal: tuple[float, np.ndarray] | None) -> np.ndarray:
    """The assignments that a design below the cutoff may use, by their reduced costs."""
    if marginal is None or not np.isfinite(run.cutoff):
        return np.ones(run.rows.count, dtype=bool)
    value, reduced = marginal
    room = run.cutoff - value
    return reduced <= room + 1e-7 * max(abs(value), 1e-6)


def _exact(run: _Run, alive: np.ndarray, seed: int) -> str | None:
    """Branch and bound, cutting off answers in several pieces, until the gap is proved or time is up."""
    pull = _pull(run.programme)
    while not run.over:
        answer = run.rows.whole(alive, run.cutoff, 0.5 * run.gap, run.seconds_left)
        run.rounds += 1
        run.rounds_left -= 1
        if answer.status == _INFEASIBLE:
            if not np.isfinite(run.value):
                run.raise_bound(np.inf)
                return IMPOSSIBLE
            run.raise_bound(run.cutoff)
            return PROVED
        if answer.mip_dual_bound is not None and np.isfinite(answer.mip_dual_bound):
            run.raise_bound(min(answer.mip_dual_bound, run.cutoff))
        if answer.x is None:
            return None
        shares = np.round(run.rows.shares(answer.x))
        labels = shares.argmax(axis=1)
        graph = run.programme.graph
        if graph is None or main_pieces(graph, labels, np.ones(len(labels))).all():
            before = run.value
            run.offer(labels)
            if answer.status == _TIME or not run.value < before:
                return None
        else:
            run.rows.add(separators(graph, shares, run.programme.allowed, pull))
            run.offer(improve(run.programme, grow(run.programme, labels), seed + run.rounds, 500 * len(labels), _COOL))
        if not run.over:
            alive &= _again(run)
    return None


def _again(run: _Run) -> np.ndarray:
    """The assignments still alive under the cuts and the best known now."""
    answer = run.rows.relaxed(seconds=run.seconds_left)
    if answer.status != _OPTIMAL:
        return np.ones(run.rows.count, dtype=bool)
    run.raise_bound(min(answer.fun, run.cutoff))
    return _alive(run, (answer.fun, (answer.lower.marginals + answer.upper.marginals)[: run.rows.count]))


def _by_groups(run: _Run, seed: int, most: int | None = None, marginal: tuple | None = None) -> None:
    """Improve the best design group by group of neighbouring schools, until time or rounds are up."""
    random = np.random.default_rng(seed)
    schools = run.programme.shape[1]
    last = np.zeros(schools, dtype=int)  # the round in which a school's group last changed something
    tried = np.full(schools, -1)
    passes, since, value = 0, run.rounds, run.value  # when a group last brought something worth while, and what it was
    size = _GROUP if most is None else min(_GROUP, int(run.programme.allowed.sum() * 0.4))
    last_round = np.inf if most is None else run.rounds + most
    while not run.over and run.rounds < last_round:
        stale = np.flatnonzero(tried <= last)
        tired = most is None and run.worth.within and run.rounds - since >= max(_PATIENCE * _GROUP // size, 1)
        if tired or not len(stale):
            passes = _PASSES + 1 if tired else passes + 1
            if most is None and run.worth.within:
                steps = _LARGE_STEPS * run.programme.shape[0]
                run.offer(improve(run.programme, run.labels, seed + run.rounds, steps, _COOL))
            if passes > _PASSES and run.worth.within:
                few = marginal is not None and _alive(run, marginal).sum() <= _EXACT_UP_TO
                if most is not None or few or size > _LARGEST_GROUP:
                    return
                size, passes = 2 * size, 0
            stale, tried = np.arange(schools), np.full(schools, -1)
            since, value = run.rounds, run.value
        if not run.worth.within:
            stale = _breaking(run.programme, run.labels)
        centre = int(random.choice(stale))
        group = _group(run.programme, run.labels, centre, size, random)
        run.rounds += 1
        run.rounds_left -= 1
        tried[centre] = run.rounds
        better = _solve_group(run, group, _GROUP_SECONDS * max(size / _GROUP, 1.0))
        if better is not None:
            before = run.worth
            run.offer(better)
            if run.worth is not before:
                last[group] = run.rounds + 1
                passes = 0
                if value - run.value >= _WORTH_WHILE * (run.value - run.bound):
                    since, value = run.rounds, run.value


def _breaking(programme: Programme, labels: np.ndarray) -> np.ndarray:
    """Schools that break a limit of their own: places, pieces, areas they may not have; all if none does."""
    schools = programme.shape[1]
    sums = np.stack([np.bincount(labels, row, schools) for row in programme.load])
    room = TOLERANCE * programme.scale()
    broken = ((sums > programme.high + room) | (sums < programme.low - room)).any(axis=0)
    wrong = ~programme.allowed[np.arange(len(labels)), labels]
    if programme.graph is not None:
        wrong |= ~main_pieces(programme.graph, labels, np.ones(len(labels)))
    broken[labels[wrong]] = True
    return np.flatnonzero(broken) if broken.any() else np.arange(schools)


def _group(programme: Programme, labels: np.ndarray, centre: int, size: int, random: np.random.Generator) -> np.ndarray:
    """Neighbouring schools around one, until their assignments reach the size."""
    shares = np.bincount(labels, minlength=programme.shape[1])
    if programme.graph is None:
        near = programme.allowed[programme.allowed[:, centre]].sum(axis=0).astype(float)
        order = np.argsort(-(near + random.random(len(near))), kind="stable")
        order = np.r_[centre, order[order != centre]]
        order = order[near[order] > 0]
    else:
        order = np.array(_outwards(programme, labels, centre, random))
    chosen: list[int] = []
    inside = np.zeros(programme.shape[0], dtype=bool)
    for school in order.tolist():
        chosen.append(school)
        if shares[school]:
            inside |= labels == school
        if len(chosen) > 1 and programme.allowed[inside][:, chosen].sum() > size:
            break
    return np.array(chosen)


def _outwards(programme: Programme, labels: np.ndarray, centre: int, random: np.random.Generator) -> list[int]:
    """Schools in order of steps from one over catchments that touch, those without areas where they might be."""
    a, b = labels[programme.graph.pairs.T]
    schools = programme.shape[1]
    touch = np.zeros((schools, schools), dtype=bool)
    touch[a, b] = touch[b, a] = True
    empty = np.setdiff1d(np.arange(schools), labels)
    for school in empty.tolist():
        hosts = np.unique(labels[programme.allowed[:, school]])
        touch[school, hosts] = touch[hosts, school] = True
    order, seen, queue = [], {centre}, [centre]
    while queue:
        here = queue.pop(0)
        order.append(here)
        near = [s for s in np.flatnonzero(touch[here]).tolist() if s not in seen]
        random.shuffle(near)
        seen.update(near)
        queue += near
    return order


def part_of(programme: Programme, labels: np.ndarray, schools: np.ndarray) -> tuple[Programme, np.ndarray]:
    """The programme of a few schools and their areas, the rest of a design held still; and those areas."""
    areas = np.flatnonzero(np.isin(labels, schools))
    outside = np.flatnonzero(~np.isin(labels, schools))
    every = programme.shape[1]
    spent = programme.budget[:, outside, labels[outside]].sum(axis=1)
    others = np.setdiff1d(np.arange(every), schools)
    held = np.array([np.abs(np.bincount(labels, row, every)[others]).sum() for row in programme.mix])
    graph = None
    if programme.graph is not None:
        position = np.full(programme.shape[0], -1)
        position[areas] = np.arange(len(areas))
        pairs = position[programme.graph.pairs]
        graph = Graph(len(areas), pairs[(pairs >= 0).all(axis=1)])
    part = replace(
        programme,
        allowed=programme.allowed[np.ix_(areas, schools)],
        cost=programme.cost[np.ix_(areas, schools)],
        load=programme.load[:, areas],
        low=programme.low[:, schools],
        high=programme.high[:, schools],
        target=programme.target[:, schools],
        budget=programme.budget[:, areas][:, :, schools],
        budget_most=programme.budget_most - spent,
        mix=programme.mix[:, areas],
        mix_most=programme.mix_most - held.reshape(programme.mix_most.shape),
        graph=graph,
    )
    return part, areas


def _solve_group(run: _Run, schools: np.ndarray, seconds: float) -> np.ndarray | None:
    """A better design that differs among these schools only, or None."""
    part, areas = part_of(run.programme, run.labels, schools)
    position = np.full(run.programme.shape[1], -1)
    position[schools] = np.arange(len(schools))
    now = position[run.labels[areas]]
    here = worth(part, now)
    if not here.within:
        usual = np.ptp(np.where(part.allowed, part.cost, 0), axis=1).sum()
        part = replace(part, elastic=10.0 * max(usual, 1e-6))
        if not part.allowed[np.arange(len(areas)), now].all():
            now = None  # the design uses an assignment that is not allowed: any that are will do
    seconds = min(seconds, run.seconds_left)
    if not part.allowed.any(axis=1).all() or seconds <= 0:
        return None
    began = time.monotonic()
    small = _Run(part, Rows(part), run.gap, began + seconds, 30, began)
    if not part.elastic:
        small.offer(now)
    _, marginal = _relax(small, began + 0.5 * seconds)
    if np.isinf(small.bound) or small.over:
        return None
    if part.elastic:
        labels = _mended(small)
    else:
        _exact(small, _alive(small, marginal), 0)
        labels = small.labels
    if labels is None:
        return None
    whole = run.labels.copy()
    whole[areas] = schools[labels]
    return whole


def _mended(run: _Run) -> np.ndarray | None:
    """A design that breaks its limits as little as one can: the elastic programme, cut until in one piece."""
    pull = _pull(run.programme)
    alive = np.ones(run.rows.count, dtype=bool)
    while run.seconds_left > 0 and run.rounds < 60:
        answer = run.rows.whole(alive, np.inf, 0.05, run.seconds_left)
        run.rounds += 1
        if answer.x is None:
            return None
        shares = np.round(run.rows.shares(answer.x))
        labels = shares.argmax(axis=1)
        graph = run.programme.graph
        if graph is None or main_pieces(graph, labels, np.ones(len(labels))).all():
            return labels
        run.rows.add(separators(graph, shares, run.programme.allowed, pull))
    return None

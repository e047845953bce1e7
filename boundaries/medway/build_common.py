"""What the invented half shares: the seed, the dates, and dice."""

from __future__ import annotations

import zlib

import numpy as np

SEED = 2026
MEDWAY = "E06000035"
CENSUS_DAYS = ["2022-01-20", "2023-01-19", "2024-01-18", "2025-01-16", "2026-01-15"]
NOW = 4  # the census that pupils.csv is
FIRST_COHORT, LAST_COHORT = -4, 18  # 0 is reception in January 2026, 13 is year 13
COHORT_SIZE = [
    2640, 2680, 2740, 2800, 2880, 2930, 2980, 3040, 3090, 3130, 3150, 3120, 3080, 3050, 3010,
    2960, 2930, 2900, 2870, 2850, 2830, 2810, 2790,
]  # fmt: skip
PRESENT = 0.88  # chance that a child of the population is here at any one census
YEARS = ["R", *map(str, range(1, 14))]


def dice(step: str) -> np.random.Generator:
    """A random generator of its own for each step, so that one step may change without the others."""
    return np.random.default_rng([SEED, zlib.crc32(step.encode())])


def draw(rng: np.random.Generator, weights: dict[str, float], size: int) -> np.ndarray:
    """Keys of a table of weights, drawn at random."""
    share = np.array(list(weights.values()), dtype=float)
    return rng.choice(list(weights), size=size, p=share / share.sum())

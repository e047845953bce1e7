"""How often a school that differs by chance alone is said to differ: ours, and the bare rule of 80 to 120.

Run: python benchmarks/chance.py [counties]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from null_schools import count


def main(counties: int) -> None:
    """Print the figures for primary schools of 210 and for a county of mixed sizes."""
    sizes = np.random.default_rng(7).integers(60, 1_500, 580)
    for words, schools in (("580 schools of 210", np.full(580, 210)), ("580 schools of 60 to 1,500", sizes)):
        seen = count(counties, schools)
        print(f"{words}, {counties} counties dealt at random, 8 segments:")
        print(f"  bare rule, index under 80 or over 120: {100 * seen.bare / seen.schools:.1f}% of schools")
        for name, schools_with, counties_with in (
            ("q of at most 0.05, exact counts", seen.notable, seen.counties_notable),
            ("q of at most 0.05, printed counts", seen.notable_shown, seen.counties_notable_shown),
        ):
            print(
                f"  {name}: {100 * schools_with / seen.schools:.3f}% of schools, "
                f"{100 * counties_with / seen.counties:.1f}% of counties have any"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)

"""How long ``geoplan --help`` and ``geoplan demo`` take, as whole processes; beside them, Python doing nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(command: list[str], times: int, **options) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, **options)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    program = [sys.executable, "-m", "geoplan"]
    nothing = seconds([sys.executable, "-c", "pass"], 5)
    print(f"python -c pass   {nothing:6.2f} s")
    for name, command in (
        ("import geoplan", [sys.executable, "-c", "import geoplan"]),
        ("geoplan --help", [*program, "--help"]),
    ):
        print(f"{name:<16} {seconds(command, 5):6.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'geoplan demo':<16} {seconds([*program, 'demo', str(Path(folder) / 'medway')], 1):6.2f} s")


if __name__ == "__main__":
    main()

"""The Brighton design problem, as the benchmark reads it."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def brighton(shared: Path):
    """Scenario now_210 of the open design model."""
    path = Path(__file__).parents[1] / "benchmarks" / "designs.py"
    spec = importlib.util.spec_from_file_location("benchmarks_designs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.brighton(shared)

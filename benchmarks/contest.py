"""Run each contestant in a process of its own: best of three after a warm-up, peak memory, one answer to agree on."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable


def contest(script: str, folder: str, contestants: dict[str, Callable[[str], Callable[[], object]]]) -> None:
    """``contestants`` prepare with the folder and return what to time; the first named is the yardstick."""
    if len(sys.argv) == 3:
        print(json.dumps(_alone(contestants[sys.argv[2]](folder))))
        return
    results = {}
    for name in contestants:
        printed = subprocess.run([sys.executable, script, folder, name], check=True, capture_output=True, text=True)
        results[name] = json.loads(printed.stdout.splitlines()[-1])
    ours = results["geoplan"]["seconds"]
    print(f"{'':<12}{'seconds':>9}{'ratio to geoplan':>18}{'peak GB':>9}  answer")
    for name, result in results.items():
        ratio = result["seconds"] / ours
        print(f"{name:<12}{result['seconds']:>9.2f}{ratio:>18.1f}{result['peak_gb']:>9.2f}  {result['answer']}")


def _alone(run: Callable[[], object]) -> dict:
    answer = run()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        answer = run()
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": min(times), "peak_gb": peak, "answer": answer}

"""Write ``reasons.md`` from the table in the package: ``python docs/write_reasons.py``; a test compares."""

from __future__ import annotations

from pathlib import Path

from geoplan.reasons import REASONS


def page() -> str:
    """The page as text."""
    rows = [f"| `{r.code}` | {r.outcome} | {r.meaning} | {r.suggestion} |" for r in REASONS.values()]
    head = [
        "# Reason codes",
        "",
        "Every code that a report or a refusal may carry. The codes are stable; the words may be improved.",
        "Outcome: what becomes of the record, or *file* where the whole file is refused. A record with several codes",
        "ends as the gravest of them: rejected, then blank, then repaired.",
        "",
        "| code | outcome | meaning | what to try |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "reasons.md").write_text(page(), encoding="utf-8")

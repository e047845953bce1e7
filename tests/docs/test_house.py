"""The house stands as CONTRIBUTING.md draws it: imports point down, every module is in the table, a light door."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "geoplan"


def levels() -> dict[str, int]:
    """Module or sub-package to level, read from the table in CONTRIBUTING.md."""
    found = {}
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines():
        match = re.match(r"\| (\d+) \| (.+?) \|", line)
        if match:
            for name in re.findall(r"`([a-z_]+)/?`", match.group(2)):
                found[name] = int(match.group(1))
    return found


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_boundaries" not in p.parts)


def room(path: Path) -> str:
    """The module or sub-package a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Rooms of geoplan that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "geoplan":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("geoplan."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("geoplan.")}
    return found


def test_every_module_is_in_the_table_and_nothing_else():
    rooms = {room(path) for path in modules()} - {"__init__", "__main__", "_version"}
    assert rooms == set(levels())


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    level = levels()
    here = room(path)
    if here in {"__init__", "__main__", "_version"}:
        return
    for other in imported(path) - {here, "_version"}:
        if other in level:
            assert level[other] < level[here], (
                f"{path.name} (level {level[here]}) imports {other} (level {level[other]})"
            )
        elif here == "cli":
            assert path.parent.name == "cli"  # commands may use the front door, as a user does


def test_only_the_cli_prints():
    for path in modules():
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
        ]
        assert not calls or "cli" in path.parts, path


@pytest.mark.parametrize("statement", ["import geoplan", "from geoplan.cli.main import main; main(['--help'])"])
def test_the_door_is_light(statement):
    """Neither importing geoplan nor asking for help loads pandas, geopandas, numba, folium or scikit-learn."""
    heavy = "{'pandas', 'geopandas', 'numba', 'folium', 'sklearn', 'pyarrow', 'scipy'}"
    code = f"import sys\n{statement}\nprint(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stderr.strip() == "[]"


def test_every_name_at_the_front_door_opens():
    import geoplan

    for name in geoplan.__all__:
        assert getattr(geoplan, name) is not None
    with pytest.raises(AttributeError, match="no 'nonsense'"):
        geoplan.nonsense  # noqa: B018


def test_every_public_function_and_class_has_a_docstring():
    bare = [
        f"{path.name}: {node.name}"
        for path in modules()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert bare == []


def test_ruff_finds_nothing():
    pytest.importorskip("ruff", reason="ruff is not installed (it comes with the extra [test])")
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "geoplan", "tests", "examples", "benchmarks", "boundaries"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout


def test_the_page_of_reason_codes_is_the_table(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import write_reasons

    assert (ROOT / "docs" / "reasons.md").read_text(encoding="utf-8") == write_reasons.page()

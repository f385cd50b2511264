"""Imports go one way: every module is held to its row of the table in CONTRIBUTING.md."""

from __future__ import annotations

import ast
import fnmatch
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("embeddings", "qa")


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def table() -> dict[str, list[str]]:
    """Module pattern -> patterns of what it may import, in full names."""
    rows = {}
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3 and cells[0].split(".")[0] in PACKAGES:
            package = cells[0].split(".")[0]
            allowed = (
                [] if cells[2] == "-" else [f"{package}.{n.strip()}" for n in cells[2].split(",")]
            )
            rows[cells[0]] = [*allowed, "embeddings.*"] if package == "qa" else allowed
    return rows


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the project's modules that a file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in PACKAGES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            assert node.module is not None
            assert node.level == 0, f"{path}: relative import"
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in known else node.module


def row_of(module: str) -> str | None:
    rows = table()
    if module in rows:
        return module
    return next((row for row in rows if fnmatch.fnmatchcase(module, row)), None)


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_row_allows(module: str) -> None:
    known = modules()
    if module in ("embeddings", "qa.page", "qa.api"):
        assert list(imported(known[module], known)) == []
        return
    row = row_of(module)
    assert row is not None, f"{module} has no row in CONTRIBUTING.md"
    allowed = table()[row]
    wrong = [
        name
        for name in imported(known[module], known)
        if name != module and not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed)
    ]
    assert wrong == [], f"{module} imports {wrong}; its row allows {allowed}"


def test_every_row_is_a_module() -> None:
    known = modules()
    assert [row for row in table() if not any(fnmatch.fnmatchcase(m, row) for m in known)] == []


def test_rows_go_one_way() -> None:
    """A row may only allow modules of rows above it, so there are no circles."""
    rows = list(table())
    for at, row in enumerate(rows):
        package = row.split(".")[0]
        for pattern in table()[row]:
            if pattern in (f"{package}.*", "embeddings.*", row):
                continue
            assert pattern in rows[:at], f"{row} allows {pattern}, which stands below it"

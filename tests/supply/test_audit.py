"""What `make audit` says: found, clean, and not known are three answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from supply import audit as module
from supply.audit import CLEAN, FOUND, UNKNOWN, Flaw, Report, UnansweredError, main, read, told

KNOWN = {"name": "click", "version": "8.5.1", "vulns": []}
FLAWED = {
    "name": "pillow", "version": "12.3.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["12.3.1", "13.0"], "aliases": [], "description": ""}],
}  # fmt: skip
SKIPPED = {"name": "lxml", "skip_reason": "not found"}


def stand_in(folder: Path, packages: list[dict[str, Any]], error: str = "") -> list[str]:
    """Return a command that answers as pip-audit does, and notes what it was asked."""
    script = folder / "audit.py"
    answer = json.dumps({"dependencies": packages, "fixes": []}) if packages else ""
    script.write_text(
        "import pathlib, sys\n"
        f"with open({str(folder / 'asked')!r}, 'a') as file: print(*sys.argv[1:], file=file)\n"
        f"print({answer!r}); print({error!r}, file=sys.stderr)\n"
        f"sys.exit({int(bool(error))})\n",
        "utf-8",
    )
    return [sys.executable, str(script)]


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text("utf-8").splitlines()


def test_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(stand_in(tmp_path, [KNOWN])) == CLEAN
    assert capsys.readouterr().out == "1 packages asked for, 0 flaws to be mended\n"
    first, all_ = asked(tmp_path)
    assert "first.txt" in first
    assert all(f"{name}.txt" in all_ for name in ("dev", "torch", "tools"))


def test_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(stand_in(tmp_path, [KNOWN, FLAWED])) == FOUND
    assert "pillow 12.3.0: PYSEC-1, mended in 12.3.1, 13.0\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("packages", "error", "said"),
    [
        ([], "Traceback\nConnectionError: no route", "ConnectionError: no route"),
        ([], "", "it said nothing"),
        ([SKIPPED], "", "it knows none of the packages"),
    ],
)
def test_nobody_answers(
    packages: list[dict[str, Any]], error: str, said: str,
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """pip-audit itself calls packages clean that the index knows nothing of."""
    assert main(stand_in(tmp_path, packages, error)) == UNKNOWN
    expected = f"Not known: the database of flaws cannot be asked ({said}).\n"
    assert capsys.readouterr().err == expected
    assert len(asked(tmp_path)) == 1, "the others are not asked for"


def test_no_pip_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == UNKNOWN
    assert "pip-audit does not run" in capsys.readouterr().err


def test_no_json() -> None:
    with pytest.raises(UnansweredError, match="pip-audit gave no answer"):
        read("No known vulnerabilities found")


FLAW = Flaw("pillow 12.3.0", "PYSEC-1", ())


def test_one_that_is_explained() -> None:
    text, code = told(Report(2, (), (FLAW,)), {"PYSEC-1": "no such file is read"})
    assert code == CLEAN
    assert text.splitlines()[0] == "pillow 12.3.0: PYSEC-1, no such file is read"


def test_packages_that_it_does_not_know_are_not_clean() -> None:
    text, code = told(Report(2, ("lxml",), ()), {})
    assert (code, "lxml: the database does not know it" in text) == (UNKNOWN, True)
    assert told(Report(2, ("lxml",), (FLAW,)), {})[1] == FOUND


def test_every_explanation_says_something() -> None:
    explained = json.loads(module.EXPLAINED.read_text("utf-8"))
    assert all(isinstance(why, str) and len(why) > 20 for why in explained.values())

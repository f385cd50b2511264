"""Looks for known flaws of everything in the lock files, by pip-audit. Run by `make audit`.

An answer that nobody gave is no answer: where the database cannot be asked, that is said.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supply.locks import FOLDER, pins

AUDITED = ("dev", "torch", "tools")
EXPLAINED = FOLDER / "explained.json"
"""Flaws that do no harm here: their id, and why."""

CLEAN, FOUND, UNKNOWN = 0, 1, 3

SECONDS = 900


class UnansweredError(Exception):
    """The database of flaws cannot be asked; `str(error)` says why."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A known flaw of an installed version.

    Attributes:
        package: with its version.
        id: in the database.
        mended: versions without it.
    """

    package: str
    id: str
    mended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What the database says.

    Attributes:
        asked: packages that it knows.
        unknown: packages that it was asked for and does not know.
        flaws: what it knows of them.
    """

    asked: int
    unknown: tuple[str, ...]
    flaws: tuple[Flaw, ...]


def read(text: str) -> Report:
    """Return what pip-audit has written as JSON.

    Raises:
        UnansweredError: it has written something else.
    """
    try:
        packages = json.loads(text)["dependencies"]
        known = [package for package in packages if "vulns" in package]
        unknown = tuple(str(package["name"]) for package in packages if "vulns" not in package)
        flaws = tuple(
            Flaw(f"{package['name']} {package['version']}", flaw["id"], tuple(flaw["fix_versions"]))
            for package in known
            for flaw in package["vulns"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UnansweredError("pip-audit gave no answer") from error
    return Report(len(known), unknown, flaws)


def ask(files: Sequence[Path], command: Sequence[str]) -> Report:
    """Have pip-audit look into lock files.

    Raises:
        UnansweredError: the database cannot be reached, or it does not know the packages.
    """
    options = ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    requirements = [part for file in files for part in ("--requirement", str(file))]
    try:
        done = subprocess.run(
            [*command, *options, *requirements],
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnansweredError(f"pip-audit does not run ({error})") from error
    if not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UnansweredError(last[:300])
    report = read(done.stdout)
    if not report.asked:
        raise UnansweredError("it knows none of the packages")
    return report


def audit(files: Sequence[Path], command: Sequence[str]) -> Report:
    """Ask for one package first, and for all of them only where that is answered.

    Raises:
        UnansweredError: see `ask`.
    """
    with tempfile.TemporaryDirectory() as folder:
        first = next(pins(files[0].read_text("utf-8")))
        probe = Path(folder, "first.txt")
        hashes = " ".join(f"--hash=sha256:{one}" for one in first.hashes)
        probe.write_text(f"{first.name}=={first.version} {hashes}\n", "utf-8")
        ask([probe], command)
    return ask(files, command)


def told(report: Report, explained: dict[str, str]) -> tuple[str, int]:
    """Return what is said of a report, and the exit code."""
    harmful = [flaw for flaw in report.flaws if flaw.id not in explained]
    lines = []
    for flaw in report.flaws:
        mended = f"mended in {', '.join(flaw.mended) or 'no version yet'}"
        lines.append(f"{flaw.package}: {flaw.id}, {explained.get(flaw.id, mended)}")
    lines += [f"{name}: the database does not know it" for name in report.unknown]
    lines.append(f"{report.asked} packages asked for, {len(harmful)} flaws to be mended")
    code = FOUND if harmful else UNKNOWN if report.unknown else CLEAN
    return "\n".join(lines), code


def main(command: Sequence[str] = ()) -> int:
    """Say what is known of the lock files; return the exit code."""
    command = command or [str(Path(sys.executable).with_name("pip-audit"))]
    try:
        report = audit([FOLDER / f"{name}.txt" for name in AUDITED], command)
    except UnansweredError as error:
        print(f"Not known: the database of flaws cannot be asked ({error}).", file=sys.stderr)
        return UNKNOWN
    text, code = told(report, json.loads(EXPLAINED.read_text("utf-8")))
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Writes docs/licences.md: every installed package with its licence. Run by `make licences`.

A licence is what the package itself says; one that is not in the lists below is not compatible.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from supply.locks import constraints, key

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
BEGIN, END = "<!-- packages: written by `make licences` -->", "<!-- end of packages -->"

PERMISSIVE = frozenset({
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSD",
    "BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib",
})  # fmt: skip
"""Licences that ask for their notice only."""

WEAK_COPYLEFT = frozenset({"CC-BY-SA-4.0", "MPL-2.0"})
"""Licences that bind changes of the package itself, not what uses it."""

_SPELLED = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "BSD license (see license.txt for details)": "BSD",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
    "CC BY-SA 4.0": "CC-BY-SA-4.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What packages say, as SPDX identifiers. BSD: which one, only its licence file says."""

_LONGEST = 120
"""Characters of a licence's name; a longer field holds its whole text."""

_CHOICE = re.compile(r"\s+OR\s+|[()]")


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package; `licence` is an SPDX expression, or what the package says instead."""

    name: str
    version: str
    licence: str


def installed() -> list[Package]:
    """Return what is installed here of constraints.txt, by name."""
    known = constraints()
    found = {
        key(one.name): Package(one.name, one.version.partition("+")[0], licence_of(one.metadata))
        for one in metadata.distributions()
        if key(one.name) in known
    }
    return [found[name] for name in sorted(found)]


def licence_of(about: metadata.PackageMetadata) -> str:
    """Return the licence that a package's metadata names; empty where it names none."""
    for said in (about["License-Expression"], *_field(about), *_classifiers(about)):
        if said:
            return _SPELLED.get(said, said)
    return ""


def _field(about: metadata.PackageMetadata) -> Iterator[str]:
    """Yield the licence field, where it holds a name and not a text."""
    said = (about["License"] or "").strip()
    if said and "\n" not in said and len(said) <= _LONGEST:
        yield said.partition(", Copyright")[0]


def _classifiers(about: metadata.PackageMetadata) -> Iterator[str]:
    for said in about.get_all("Classifier", []):
        parts = said.split(" :: ")
        if parts[0] == "License" and len(parts) > 2:
            yield parts[-1]


def parts_of(licence: str) -> list[set[str]]:
    """Return the licences of an expression that all hold, each with those it may be had under."""
    wholes = re.split(r"\s+AND\s+(?![^(]*\))", licence)
    return [{part.strip() for part in _CHOICE.split(whole) if part.strip()} for whole in wholes]


def is_compatible(licence: str) -> bool:
    """Tell whether a package under this licence may be used by one under Apache-2.0."""
    allowed = PERMISSIVE | WEAK_COPYLEFT
    return bool(licence) and all(choices & allowed for choices in parts_of(licence))


def is_copyleft(licence: str) -> bool:
    """Tell whether a licence binds changes of the package."""
    return any(not choices & PERMISSIVE for choices in parts_of(licence))


def table(packages: list[Package]) -> str:
    """Return the table of packages, in Markdown."""
    rows = [f"| {one.name} | {one.version} | {one.licence} |" for one in packages]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *rows])


def page(text: str, packages: list[Package]) -> str:
    """Return the text of the page with the table of `packages`."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    copyleft = ", ".join(one.name for one in packages if is_copyleft(one.licence))
    said = f"Of these {len(packages)}, with weak copyleft: {copyleft}."
    return f"{before}{BEGIN}\n\n{said}\n\n{table(packages)}\n\n{END}{after}"


def main() -> int:
    """Write the page; return 1 where a package's licence is not known to be compatible."""
    packages = installed()
    PAGE.write_text(page(PAGE.read_text("utf-8"), packages), "utf-8")
    wrong = [one for one in packages if not is_compatible(one.licence)]
    for one in wrong:
        print(
            f"{one.name} {one.version} says {one.licence or 'nothing'!r}, which is in no list of "
            "supply/licences.py; read its licence and add it, or do without the package.",
            file=sys.stderr,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

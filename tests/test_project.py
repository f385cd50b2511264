"""Files of the project that must agree with each other."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from qa.cli import main

ROOT = Path(__file__).parents[1]

SEEDS = {
    "000_183aa9966193ac5e.txt": "18ca724bf1dc57288098c1bbead364290db187d3f709e4b4b2b5d7ae53ce770c",
    "001_57b053b255e0047f.txt": "945b96d253ac51007f892a87660ad5c19cb57eead435aa864fc3866550911531",
    "002_437acede4656321c.txt": "2e73433c83137c0b120ff57bf3c72c29a1becd0be144d1eba860ef1cdf8bca90",
    "003_b0ca06b2c1691095.txt": "73560a81970cfb961e12a864df3a8d62d7c0e413c021e61c95f7b67dea17336b",
    "004_54adbdb4d576d299.txt": "dd41ee44809d69946c6664e8a9518ebfc4ffd21d3bf1cb96d6cddc14dc98577e",
}


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["dev"]]


def name_of(requirement: str) -> str:
    return re.split(r"[\s;<>=!\[]", requirement)[0].lower().replace("_", "-")


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_are_as_they_came(name: str) -> None:
    assert hashlib.sha256((ROOT / "seeds" / name).read_bytes()).hexdigest() == SEEDS[name]


def test_every_dependency_is_pinned() -> None:
    pins = [line.split("==") for line in lines("constraints.txt")]
    assert all(len(pin) == 2 and re.fullmatch(r"[\w.]+", pin[1]) for pin in pins)
    pinned = {name.lower().replace("_", "-") for name, _ in pins}
    assert {name_of(item) for item in dependencies()} - pinned == set()
    assert "torch==2.13.0" in lines("constraints.txt")


def test_slim_is_everything_but_sentence_transformers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    slim = [item for item in project["dependencies"] if name_of(item) != "sentence-transformers"]
    english = project["optional-dependencies"]["english"]
    assert lines("requirements-slim.txt") == [*slim, *english]
    assert len(slim) == len(project["dependencies"]) - 1


def test_make_chat_brings_the_english_dictionary() -> None:
    """Of the full environment; that of `SLIM=1` is held by the test above."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = dict(
        re.findall(r"^\$\(VENV\)/(installed-\w+):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    )
    assert "$(PIP) -e '.[english]'" in recipes["installed-full"]
    assert "$(PIP) -r requirements-slim.txt" in recipes["installed-slim"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(extras["english"]) <= set(extras["dev"])


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_readmes_name_every_command_and_every_make_target(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    for command in main.commands:
        assert f"wenju {command}" in text, f"{readme} does not tell of `wenju {command}`"
    for target in ("make chat", "make test", "SLIM=1"):
        assert target in text


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_links_of_the_readmes_lead_to_files(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_help_of_every_command() -> None:
    for command in main.commands:
        result = CliRunner().invoke(main, [command, "--help"])
        assert result.exit_code == 0
        assert result.stdout.startswith(f"Usage: wenju {command}")

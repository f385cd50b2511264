"""One table of settings: file < environment < command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.errors import SettingError
from embeddings.settings import Settings, is_given, load


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    assert load(environment={}) == Settings("seeds", "index", "", 64, 15, "127.0.0.1", 7860)


def test_command_line_over_environment_over_file() -> None:
    Path("wenju.toml").write_text('index = "file"\nport = 1000\nhost = "::1"\n', encoding="utf-8")
    found = load({"index": "line", "model": None}, {"WENJU_PORT": "2000", "WENJU_INDEX": "x"})
    assert (found.index, found.port, found.host) == ("line", 2000, "::1")


@pytest.mark.parametrize("value", ["0", "65536", "中", "", None])
def test_a_port_out_of_range_names_the_range(value: str | None) -> None:
    Path("wenju.toml").write_text(f'port = "{value}"\n', encoding="utf-8")
    with pytest.raises(SettingError, match="Setting 'port' is .*whole number from 1 to 65535"):
        load(environment={})


def test_an_unknown_name_lists_the_known_ones() -> None:
    Path("wenju.toml").write_text("prot = 1\n", encoding="utf-8")
    with pytest.raises(SettingError, match="Unknown setting 'prot'; settings are documents, index"):
        load(environment={})


def test_a_file_that_is_not_toml_or_not_there() -> None:
    Path("bad.toml").write_text("= 1", encoding="utf-8")
    for name in ("bad.toml", "none.toml"):
        with pytest.raises(SettingError, match=f"settings file '{name}' cannot be read"):
            load(environment={"WENJU_SETTINGS": name})


def test_what_was_set_is_known_even_to_its_default() -> None:
    assert not is_given("refuse_below", {})
    assert not is_given("refuse_below", {"WENJU_REFUSE_BELOW": ""})
    assert is_given("refuse_below", {"WENJU_REFUSE_BELOW": "10"})
    assert not is_given("port", {"WENJU_REFUSE_BELOW": "10"})
    Path("wenju.toml").write_text("refuse_below = 10\n", "utf-8")
    assert is_given("refuse_below", {})

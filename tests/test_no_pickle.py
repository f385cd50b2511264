"""Nothing is unpickled: no code of ours can, and pickles planted in an index or a model do nothing."""

from __future__ import annotations

import ast
import marshal
import pickle
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import jieba
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Pooling,
    StaticEmbedding,
    Transformer,
)
from tokenizers import Tokenizer as Words
from tokenizers.models import WordLevel
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from embeddings import encoder, pickles
from embeddings.build import build
from embeddings.dictionary import Cutter, Dictionary
from embeddings.encoder import open_encoder
from embeddings.errors import ModelError, WenjuError
from embeddings.lexical import Tokenizer
from embeddings.store import IndexFolder
from embeddings.verify import verify
from tests.embeddings.building import Recording, write
from tests.generations import seal
from tests.kills.giving import given_to, put_away
from tests.kills.scenarios import Scenario, prepare
from tests.kills.state import asked
from tests.long import LONG

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path
    for package in ("embeddings", "qa", "benchmarks", "supply")
    for path in (ROOT / package).rglob("*.py")
)

UNPICKLERS = frozenset(
    [
        "pickle",
        "_pickle",
        "cPickle",
        "pickletools",
        "marshal",
        "shelve",
        "dill",
        "cloudpickle",
        "joblib",
        "jsonpickle",
    ]
)
"""Modules that turn bytes into objects, or have them do so."""

OPENERS = frozenset(
    [
        "torch.load",
        "torch.jit.load",
        "torch.hub.load",
        "pandas.read_pickle",
        "numpy.lib.format.read_array",
        "yaml.load",
        "yaml.load_all",
        "yaml.full_load",
        "yaml.unsafe_load",
        "yaml.unsafe_load_all",
        "eval",
        "exec",
        "compile",
        "__import__",
        "builtins.eval",
        "builtins.exec",
        "jieba.initialize",
        "jieba.cut",
        "jieba.lcut",
        "jieba.Tokenizer",
        "jieba.posseg",
    ]
)
"""Calls that run what a file says, and those of jieba that read a cache from the temporary folder."""

BENIGN = {"embeddings/dictionary.py": ("jieba.Tokenizer",)}
"""Its subclass says that it has been read, so that jieba never looks for its cache."""


class Names(NamedTuple):
    """What names of a module stand for: ``np`` for ``numpy``, ``load`` for ``torch.load``."""

    known: dict[str, str]

    def whole(self, node: ast.expr) -> str:
        """Return the dotted name of an expression in full, or nothing."""
        if isinstance(node, ast.Attribute):
            before = self.whole(node.value)
            return f"{before}.{node.attr}" if before else ""
        return self.known.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that an import binds, and what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield (name.asname or name.name.split(".")[0],
                       name.name if name.asname else name.name.split(".")[0])  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            yield from ((n.asname or n.name, f"{node.module}.{n.name}") for n in node.names)


def offences(text: str) -> list[str]:
    """Return what a module imports or calls that could run what a file says."""
    tree = ast.parse(text)
    names = Names(dict(imported(tree)))
    found = [whole for _, whole in imported(tree) if whole.split(".")[0] in UNPICKLERS]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and names.whole(node) in OPENERS:
            found.append(names.whole(node))
        if isinstance(node, ast.Call):
            found += [f"import_module {name}" for name in named(node) if name in UNPICKLERS]
            found += [f"{word.arg}" for word in node.keywords if allows(word)]
    return found


def named(call: ast.Call) -> Iterator[str]:
    """Yield the top package that ``import_module("a.b")`` imports."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "import_module" and isinstance(call.args[0], ast.Constant):
        yield str(call.args[0].value).split(".")[0]


def allows(word: ast.keyword) -> bool:
    """Tell whether an argument lets a library unpickle, or run what comes with a model."""
    said = word.value.value if isinstance(word.value, ast.Constant) else None
    if word.arg == "weights_only":
        return said is not True
    return word.arg in ("allow_pickle", "trust_remote_code") and said is not False


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_code_can(path: Path) -> None:
    benign = BENIGN.get(path.relative_to(ROOT).as_posix(), ())
    assert [found for found in offences(path.read_text("utf-8")) if found not in benign] == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from pickle import loads", "import joblib as j", "import os, marshal",
        "import torch\ntorch.load(p)", "import torch as t\nt.load(p, weights_only=True)",
        "from torch import load\nload(p)", "from torch import load as l\nread = l",
        "import numpy as np\nnp.load(p, allow_pickle=True)", "read(p, allow_pickle=flag)",
        "import yaml\nyaml.load(p)", "from yaml import unsafe_load\nunsafe_load(p)",
        "eval(text)", "run = exec", "__import__('os')", "load(p, weights_only=False)",
        "import importlib\nimportlib.import_module('pickle')", "import jieba\njieba.lcut(text)",
        "from jieba import posseg\nposseg.cut(text)", "Model(p, trust_remote_code=True)",
        "def f():\n    import dill",
    ],
)  # fmt: skip
def test_the_search_finds(text: str) -> None:
    assert offences(text)


@pytest.mark.parametrize(
    "text",
    [
        "network.eval()", "import re\nre.compile(p)", "import numpy as np\nnp.load(p)",
        "np.save(p, a, allow_pickle=False)", "import json\njson.load(f)", "import yaml\nyaml.safe_load(f)",
        "'pickle.load(f)'", "import jieba\njieba.setLogLevel(1)",
    ],
)  # fmt: skip
def test_the_search_leaves_alone(text: str) -> None:
    assert offences(text) == []


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, (f"open({str(self._mark)!r}, 'w').close()",)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """Return the file that an unpickled `Evil` writes; nothing may have done so in the end."""
    path = tmp_path / "executed"
    yield path
    assert not path.exists()


def test_the_planted_pickle_is_live(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([Evil(tmp_path / "array")], dtype=object))
    np.load(tmp_path / "a.npy", allow_pickle=True)
    pickle.loads(pickle.dumps(Evil(tmp_path / "plain")))
    assert (tmp_path / "array").exists()
    assert (tmp_path / "plain").exists()


@pytest.fixture(scope="module", params=["edited", "grown"] if LONG else ["grown"])
def scenario(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer
) -> Scenario:
    folder = tmp_path_factory.mktemp(request.param)
    found = prepare(request.param, folder, tokenizer)
    put_away(found.index)
    return found


def plant(index: Path, name: str, content: bytes) -> None:
    """Put a pickle in the place of a file; the checksums are those of who planted it."""
    path = index / name
    path.unlink()  # it may be linked from another generation
    path.write_bytes(content)
    seal_of = path.with_suffix(".sum")
    if name.startswith("generations/"):
        number = IndexFolder(index).generations / name.split("/")[1]
        if path.name not in ("manifest.json", "manifest.sum"):
            seal(number)
    elif seal_of != path:
        seal_of.unlink(missing_ok=True)


def contents(name: str, mark: Path, folder: Path) -> Iterator[bytes]:
    """Yield a pickle as it is, or as numpy writes it: an array of objects, and several of them."""
    evil = Evil(mark)
    if not name.endswith(".npy"):
        yield pickle.dumps(evil)
        return
    array = np.array([evil], dtype=object)
    np.save(folder / "planted.npy", array)
    yield (folder / "planted.npy").read_bytes()
    np.savez(folder / "planted.npz", a=array)
    yield (folder / "planted.npz").read_bytes()


def test_planted_in_every_file_of_an_index(
    scenario: Scenario, tmp_path: Path, mark: Path, tokenizer: Tokenizer
) -> None:
    names = planted_in(scenario.index)
    assert len([name for name in names if name.endswith(".npy")]) > 10
    for name in names:
        for content in contents(name, mark, tmp_path):
            index = scenario.copy(tmp_path / "planted")
            plant(index, name, content)
            for use in USES:
                with suppress(WenjuError):  # a sentence; anything else fails
                    use(index, scenario.documents, tokenizer)
            assert not mark.exists(), name


def planted_in(index: Path) -> list[str]:
    """Return the files of an index; by default one of those that have the same name."""
    paths = sorted(path for path in index.rglob("*") if path.is_file())
    names = [path.relative_to(index).as_posix() for path in paths]
    return names if LONG else list({Path(name).name: name for name in names}.values())


USES: tuple[Callable[[Path, Path, Tokenizer], object], ...] = (
    lambda index, documents, tokenizer: asked(index, tokenizer),
    lambda index, documents, tokenizer: verify(index, Recording()),
    lambda index, documents, tokenizer: given_to(index),
    lambda index, documents, tokenizer: build(documents, index, Recording(), tokenizer),
)


def tokens() -> Any:
    """Return a tokenizer of three words."""
    words = WordLevel({"[UNK]": 0, "天桥": 1, "[PAD]": 2}, unk_token="[UNK]")
    library: Any = PreTrainedTokenizerFast
    return library(tokenizer_object=Words(words), unk_token="[UNK]", pad_token="[PAD]")


def static(folder: Path) -> Path:
    """Save a model of one table of vectors, which sentence-transformers reads itself."""
    model = SentenceTransformer(modules=[StaticEmbedding(tokens(), embedding_dim=4)])
    model.save(str(folder))
    return next(folder.rglob("model.safetensors"))


def transformer(folder: Path) -> Path:
    """Save a tiny BERT, which transformers reads."""
    bert = folder.with_name("bert")
    shape = BertConfig(
        vocab_size=3, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=8, pad_token_id=2,
    )  # fmt: skip
    BertModel(shape).save_pretrained(bert)
    tokens().save_pretrained(bert)
    part = Transformer(str(bert))
    SentenceTransformer(modules=[part, Pooling(4)]).save(str(folder))
    return next(folder.rglob("model.safetensors"))


def as_pickle(weights: Path, mark: Path, form: str) -> Path:
    """Put a pickle in the place of weights: as torch writes one now, or as it did long ago."""
    path = weights.with_name("pytorch_model.bin")
    path.write_bytes(pickle.dumps(Evil(mark), protocol=2))
    if form == "torch":
        torch.save({"weight": Evil(mark)}, path)
    return path


@pytest.mark.parametrize("form", ["torch", "plain"])
@pytest.mark.parametrize("save", [static, transformer])
class TestModels:
    """A folder of a model that somebody gave."""

    def test_with_pickles_alone_it_is_refused(
        self, save: Callable[[Path], Path], form: str, tmp_path: Path, mark: Path
    ) -> None:
        weights = save(tmp_path / "model")
        planted = as_pickle(weights, mark, form)
        weights.unlink()
        with pytest.raises(ModelError, match="holds weights as a pickle, which can run") as raised:
            open_encoder(str(tmp_path / "model"))
        assert str(planted) in str(raised.value)

    def test_libraries_would_not_run_it_either(
        self, save: Callable[[Path], Path], form: str, tmp_path: Path, mark: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        weights = save(tmp_path / "model")
        as_pickle(weights, mark, form)
        weights.unlink()
        monkeypatch.setattr(encoder, "refuse_pickles", lambda folder, without: None)
        with pytest.raises((ModelError, OSError, ValueError, pickle.UnpicklingError)):
            open_encoder(str(tmp_path / "model"))

    def test_beside_safetensors_it_is_left_alone(
        self, save: Callable[[Path], Path], form: str, tmp_path: Path, mark: Path
    ) -> None:
        as_pickle(save(tmp_path / "model"), mark, form)
        vector = open_encoder(str(tmp_path / "model")).encode_query("天桥")
        assert vector.shape == (4,)


@pytest.mark.parametrize("name", ["a/weights.PT", "model.ckpt", "adapter_model.bin", "0/x.joblib"])
def test_names_of_pickles(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, "")
    assert pickles.pickled(tmp_path) == tmp_path / name


def test_an_adapter_is_refused_beside_safetensors(tmp_path: Path) -> None:
    """The settings of a model may name it as what is loaded."""
    write(tmp_path / "model.safetensors", "")
    write(tmp_path / "training_args.bin", "")
    assert pickles.pickled(tmp_path) is None
    adapter = write(tmp_path / "adapter_model.bin", "")
    assert pickles.pickled(tmp_path) == adapter


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('{"weight_map": {"a": "model-1.safetensors"}}', False),
        ('{"weight_map": {"a": "model-1.safetensors", "b": "model-2.bin"}}', True),
        ('{"weight_map": []}', True),
        ("no JSON", True),
    ],
)
def test_a_list_of_shards_may_name_safetensors_only(
    text: str, refused: bool, tmp_path: Path
) -> None:
    index = write(tmp_path / "model.safetensors.index.json", text)
    write(tmp_path / "pytorch_model.bin", "")
    assert pickles.pickled(tmp_path) == (index if refused else None)


def test_forms_that_are_not_loaded_do_not_count(tmp_path: Path) -> None:
    write(tmp_path / "openvino" / "openvino_model.bin", "")
    write(tmp_path / ".git" / "objects" / "a.bin", "")
    assert pickles.pickled(tmp_path, frozenset({"openvino"})) is None
    assert pickles.pickled(tmp_path) == tmp_path / "openvino" / "openvino_model.bin"


def test_a_model_of_the_hubs_cache_is_looked_at_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = write(tmp_path / "pytorch_model.bin", "")
    monkeypatch.setattr(encoder, "_cached", lambda model: tmp_path)
    with pytest.raises(ModelError, match=str(planted)):
        open_encoder("somebody/model")


def test_a_model_of_the_hub_without_safetensors(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(model: str, *, model_kwargs: dict[str, bool], **_: Any) -> None:
        raise OSError("no file named model.safetensors\nDetails")

    monkeypatch.setattr(encoder, "_library", lambda model: load)
    monkeypatch.setattr(encoder, "_ask_hub", lambda model: None)
    with pytest.raises(ModelError, match=r"model\.safetensors\)\. Its weights must be safetensors"):
        open_encoder("somebody/model")


def test_jiebas_cache_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may write it to the temporary folder; jieba gives it to marshal."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    words = {"天": 0, "天桥": 0, "天桥区": 0, "天桥区有": 10**9}
    (tmp_path / "jieba.cache").write_bytes(marshal.dumps((words, 10**9)))
    cutter = Cutter(Dictionary.open(tmp_path / "own"))
    assert cutter.lcut("天桥区有企业") == ["天桥区", "有", "企业"]

    theirs = jieba.Tokenizer()
    assert theirs.lcut("天桥区有企业")[0] == "天桥区有"

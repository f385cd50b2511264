"""Long names in questions that only other documents hold."""

from __future__ import annotations

import pytest

from embeddings.lexical import search_form
from qa.long_names import LEAST, long_names, stands_elsewhere

ALLIANCE = "新业态新就业群体党建联盟"


def test_names_are_long_and_without_asking_words() -> None:
    (parts,) = long_names(f"天桥区的{ALLIANCE}有多少家成员企业？")
    assert parts[0] == ALLIANCE[:LEAST]
    assert parts[-1] == ALLIANCE[-LEAST:]
    assert long_names("天桥区有多少家企业？") == []
    assert long_names("How many companies are there?") == []


@pytest.mark.parametrize(
    ("said", "others", "expected"),
    [
        ("全区有电商企业10家。", f"市开发区成立{ALLIANCE}。", True),
        (f"{ALLIANCE}有10家企业。", f"市开发区成立{ALLIANCE}。", False),
        ("新就业群体党建联盟有10家。", f"市开发区成立{ALLIANCE}。", False),
        ("全区有电商企业10家。", "市开发区成立党建联盟。", False),
    ],
)
def test_a_name_of_another_document(said: str, others: str, expected: bool) -> None:
    question = f"天橋區的{ALLIANCE}有幾家企業？"
    assert stands_elsewhere(long_names(question), said, search_form(others)) is expected

"""Which places a question names by their endings."""

from __future__ import annotations

import pytest

from embeddings.lexical import Tokenizer, search_form
from qa.divisions import divisions


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("历下区的楼宇党建是怎么搞的？", [("历下区", "历下")]),
        ("曹县有多少名选调生？", [("曹县",)]),
        ("章丘區去年引進了多少名博士？", [("章丘区", "章丘")]),
        ("章丘区有多少家企业？", [("章丘区", "章丘")]),
        ("长清区文昌街道的服务中心", [("长清区", "长清"), ("文昌街道", "文昌")]),
        ("哪个县最大？每一个村都有路吗？", []),
        ("城区和郊区有几家超市？", []),
        ("开发区引进了多少个项目？", []),
        ("青海地区由谁管理？", []),
        ("Which district is the largest?", []),
        ("", []),
    ],
)
def test_named_divisions(
    question: str, expected: list[tuple[str, ...]], tokenizer: Tokenizer
) -> None:
    assert list(divisions(tokenizer.words(search_form(question)))) == expected

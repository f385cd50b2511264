"""Dates of documents: from names and date lines, and none where there is doubt."""

from __future__ import annotations

import pytest

from embeddings.readers.dates import date_in, date_line, date_of, declared_date

from .samples import SEEDS


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("20210616", "2021-06-16"),
        ("大众日报2021年06月16日", "2021-06-16"),
        ("大众日报2021年6月6日A3", "2021-06-06"),
        ("page-2021-06-16-A3", "2021-06-16"),
        ("2021.6.16 会议", "2021-06-16"),
        ("2021_06_16", "2021-06-16"),
        ("20210616-20210616", "2021-06-16"),
        ("20210601-20210630", None),
        ("2021-06.16", None),
        ("002_437acede4656321c", None),
        ("20211316", None),
        ("2021-02-30", None),
        ("120210616", None),
        ("2021年6月", None),
    ],
)
def test_dates_in_names(name: str, date: str | None) -> None:
    assert date_in(name) == date


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("标题\n2021年6月16日\n正文。", "2021-06-16"),
        ("标题\n2021年6月16日 星期三\n正文。", "2021-06-16"),
        ("大标题\n（2021-06-16 10:30）\n正文。", "2021-06-16"),
        ("发布时间：2021-06-16 来源：大众日报\n正文。", "2021-06-16"),
        ("本报济南2021年6月16日讯 记者于悦报道。", "2021-06-16"),
        ("本报济南6月16日讯 记者于悦报道，2020年全市增长。", None),
        ("2021年6月16日，天桥区召开会议。", None),
        ("会议于2021年6月16日召开。", None),
        ("正文。\n" * 30 + "济南市人民政府\n二〇二一年六月十六日\n", "2021-06-16"),
        ("正文。\n" * 30 + "二〇二一年十二月三十一日", "2021-12-31"),
        ("正文。\n" * 30 + "二○二一年十月二十日", "2021-10-20"),
        ("2021年6月16日\n2020年1月1日\n正文。", None),
        ("2021年13月16日\n正文。", None),
        ("正文。\n" * 20 + "2021年6月16日\n" + "正文。\n" * 20, None),
        ("", None),
    ],
)
def test_date_lines(text: str, date: str | None) -> None:
    assert date_line(text) == date


def test_markup_comes_before_the_name_and_the_name_before_the_text() -> None:
    text = "2019年1月1日\n正文。"
    assert date_of("20200101", text, "2021-06-16") == "2021-06-16"
    assert date_of("20200101", text) == "2020-01-01"
    assert date_of("报告", text) == "2019-01-01"


def test_declared_dates_must_agree() -> None:
    assert declared_date(["2021-06-16T08:00:00+08:00", "2021/6/16"]) == "2021-06-16"
    assert declared_date(["2021-06-16", "2021-06-17"]) is None
    assert declared_date(["yesterday", ""]) is None


def test_the_seeds_tell_no_date() -> None:
    found = [date_of(path.stem, path.read_bytes().decode("utf-8")) for path in SEEDS]
    assert found == [None] * 5

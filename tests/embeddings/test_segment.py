"""Pages become passages; every passage slices the original exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embeddings.cleaning import clean
from embeddings.documents import FileEntry, list_files, read_bytes, read_document
from embeddings.lexical import Tokenizer
from embeddings.records import Document, Role, document_id
from embeddings.segment import Rules, Segmenter, role_of

SEEDS = sorted((Path(__file__).parents[2] / "seeds").glob("*.txt"))


@pytest.fixture(scope="module")
def segmenter(tokenizer: Tokenizer) -> Segmenter:
    return Segmenter(tokenizer)


def document(text: str) -> Document:
    return Document(document_id(text.encode()), "a.txt", text, "text/1", "a")


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("激活新业态发展的“党建动能”", Role.HEADLINE),
        ("强化专属管理,完善工作机制", Role.HEADLINE),
        ("天桥区委组织部到药山街道开展区管班子专题调研。", Role.BODY),
        ("记者 黄啟峰 摄", Role.BYLINE),
        ("通讯员 刘如嫣 李娟娟", Role.BYLINE),
        ("齐鲁晚报·齐鲁壹点", Role.BYLINE),
        ("扫码下载齐鲁壹点", Role.BOILERPLATE),
        ("編輯:彭传刚 美编:陈明丽 组版:洛晋", Role.BOILERPLATE),
        ("責編:", Role.BOILERPLATE),
        ("第12版 要闻", Role.BOILERPLATE),
        ("- 12 -", Role.BOILERPLATE),
        ("市民可扫码领取消费券。", Role.BODY),
        ("第一页说园区的事。", Role.BODY),
        ("2021年6月16日 星期三", Role.BYLINE),
        ("图为施工现场。", Role.CAPTION),
        ("记者在现场看到,工人们争分夺秒加紧施工。", Role.BODY),
    ],
)
def test_role_of_a_line(line: str, role: Role) -> None:
    assert role_of(line) is role


def test_a_paragraph_cut_in_mid_sentence_goes_on_in_the_next(segmenter: Segmenter) -> None:
    taken = segmenter.segment(
        document(
            "园区建设纪实\n\n打破时间界限。着力打造有大脑、会思考,有温度的智\n\n慧化和人性化园区。它很好。\n"
        )
    )
    body = taken.passages[1]
    assert [s.text for s in body.sentences] == [
        "打破时间界限。",
        "着力打造有大脑、会思考,有温度的智慧化和人性化园区。",
        "它很好。",
    ]
    assert len(body.sentences[1].spans) == 1


def test_passages_know_title_and_heading(segmenter: Segmenter) -> None:
    taken = segmenter.segment(
        document("大标题\n\n引言第一句说得很清楚。\n\n小标题\n\n正文第一句也很清楚。\n")
    )
    assert taken.title == "大标题"
    assert [(p.role, p.title, p.heading) for p in taken.passages] == [
        (Role.HEADLINE, "大标题", ""),
        (Role.BODY, "大标题", ""),
        (Role.HEADLINE, "大标题", ""),
        (Role.BODY, "大标题", "小标题"),
    ]


def test_boilerplate_is_kept_apart_and_not_indexed(segmenter: Segmenter) -> None:
    taken = segmenter.segment(
        document("标题\n\n正文说了一件事情。\n\n扫码下载齐鲁壹点\n\n正文又说了一件。\n")
    )
    assert Role.BOILERPLATE in [block.role for block in taken.blocks]
    assert all("扫码" not in passage.text for passage in taken.passages)
    assert all(len(passage.spans) == 1 for passage in taken.passages)


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_seeds_keep_every_sentence_and_its_place(path: Path, segmenter: Segmenter) -> None:
    data = path.read_bytes()
    read = read_document(FileEntry(path.name, path), data)
    taken = segmenter.segment(read)
    indexed = [
        o
        for p in taken.passages
        for s in p.sentences
        for x in s.spans
        for o in range(x.start, x.end)
    ]
    assert len(indexed) == len(set(indexed)), "a character stands in two sentences"
    left_out = {o for b in taken.blocks if b.role is Role.BOILERPLATE for o in b.content.offsets}
    cleaned = clean(read.text)
    solid = {o for o, c in zip(cleaned.offsets, cleaned.text, strict=True) if not c.isspace()}
    assert solid - set(indexed) == {o for o in left_out if o in solid}


@example(":\n1\n:")
@given(st.text(alphabet="济南市党建。，,？“”\n\n 12a:记者", max_size=400))
def test_every_span_slices_the_original(segmenter: Segmenter, original: str) -> None:
    read = document(original or "x")
    for passage in segmenter.segment(read).passages:
        assert passage.id == f"{read.id}:{passage.spans[0].start}"
        assert len(passage.text) <= Rules().longest or len(passage.sentences) == 1
        for sentence in passage.sentences:
            cited = "".join(clean(span.of(read.text)).text for span in sentence.spans)
            assert _solid(cited) == _solid(sentence.text)
        assert _solid("".join(span.of(read.text) for span in passage.spans)) == _solid(passage.text)


def _solid(text: str) -> str:
    return "".join(text.split())


BROKEN_IN_THE_SEEDS = [
    ("000", "伴随着网络直播带货的兴盛,位于天桥区的山东黄台国际电商产业园、", 2),
    ("000", "为有效提升平台企业的核心竞争力,带动其持续健康发展,", 1),
    ("000", "目前,全区培育销售额过亿元级电商企业10家,", 1),
    ("000", "今年以来,在疫情防控、征收拆迁、信访维稳工作中", 1),
    ("002", "在高新区范围内培育139家组织生活规范、", 1),
    ("002", "打造有大脑、会思考、有温度的智慧化和人性化园区。", 1),
    ("002", "“红领沙龙”依托“红领工作室”每月组织开展活动,", 1),
    ("003", "充分发挥党组织和党员的能动性,", 2),
    ("003", "创新实行企业“共享用工”,帮助企业生产淡季旺季调剂用工,", 1),
]


@pytest.mark.parametrize(("file", "words", "pieces"), BROKEN_IN_THE_SEEDS)
def test_broken_sentences_of_the_seeds_are_read_as_one(
    segmenter: Segmenter, file: str, words: str, pieces: int
) -> None:
    (path,) = [path for path in SEEDS if path.name.startswith(file)]
    taken = segmenter.segment(read_document(FileEntry(path.name, path), path.read_bytes()))
    (sentence,) = [s for p in taken.passages for s in p.sentences if words in s.text]
    assert len(sentence.spans) == pieces


def test_what_stands_between_the_halves_has_its_own_role(segmenter: Segmenter) -> None:
    (path,) = [path for path in SEEDS if path.name.startswith("000")]
    taken = segmenter.segment(read_document(FileEntry(path.name, path), path.read_bytes()))
    roles = {block.content.text[:12]: block.role for block in taken.blocks}
    assert roles["“党建强,则人心聚、事业兴"[:12]] is Role.QUOTE
    assert roles["天桥区坚持人才优先发展战略"[:12]] is Role.CAPTION
    assert roles["天桥区委组织部到药山街道"[:12]] is Role.CAPTION
    assert roles["激活新业态发展的“党建动能”"[:12]] is Role.HEADLINE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("园区.txt", "园区简介\n\n园区有28家企业。\n"),
        ("园区.txt", "园区企业\n园区有28家企业。\n"),
        ("园区.md", "# 园区简介\n\n园区有28家企业。\n"),
        ("气候.md", "## 气候\n\n属温带季风气候。\n"),
        ("气候.html", "<h1>气候</h1><p>属温带季风气候。</p>"),
    ],
)
def test_a_headline_is_no_part_of_the_sentence_below(
    tokenizer: Tokenizer, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    (entry,) = list_files(tmp_path)
    segmented = Segmenter(tokenizer).segment(read_document(entry, read_bytes(entry)))
    headline, body = segmented.blocks
    assert (headline.role, body.role) == (Role.HEADLINE, Role.BODY)
    assert segmented.title == headline.content.text


def test_a_headline_that_the_format_sets_in_two_lines_is_one(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    (tmp_path / "一.html").write_text(
        "<h1>园区企业<br>齐头并进</h1><p>园区有28家企业。</p>", "utf-8"
    )
    (entry,) = list_files(tmp_path)
    segmented = Segmenter(tokenizer).segment(read_document(entry, read_bytes(entry)))
    assert segmented.blocks[-1].content.text == "园区有28家企业。"
    assert segmented.title.startswith("园区企业")

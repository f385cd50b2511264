"""The evidence at a joint, in real sentences."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from embeddings.joints import ARRAYS, FITTED, TABLE, Evidence, Joints, unclosed
from embeddings.lexical import Tokenizer


@pytest.fixture(scope="module")
def joints(tokenizer: Tokenizer) -> Joints:
    return Joints(tokenizer)


@pytest.mark.parametrize(
    ("before", "right", "wrong"),
    [
        ("伴随着网络直播带货的兴", "盛,位于天桥区的园区", "天桥区坚持人才优先发展战略"),
        ("着力打造有温度的智", "慧化和人性化园区。", "近日,天桥区启动创建行动。"),
        ("今年以来,在疫", "情防控、征收拆迁工作中", "同时,积极营造发展环境。"),
        ("充分发挥党组织", "和党员的能动性,运用自己的", "组织机关党员到教育馆学习。"),
        ("伴隨著網絡直播帶貨的興", "盛,位於天橋區的園區", "天橋區堅持人才優先發展戰略"),
        ("印发《关于加强工作", "质量的若干措施》的通知", "会议《纪要》已印发。"),
    ],
)
def test_the_rest_of_a_sentence_fits_better(
    joints: Joints, before: str, right: str, wrong: str
) -> None:
    assert joints.log_odds(before, right) > 0
    assert joints.log_odds(before, right) > joints.log_odds(before, wrong) + 1


def test_a_mark_cannot_start_a_sentence(joints: Joints) -> None:
    assert joints.log_odds("天桥区", "，位于济南。") == 8.0


def test_what_a_headline_looks_like_is_not_open(joints: Joints) -> None:
    broken = [
        "荨麻是荨麻属中大约三十种植物的",
        "为有效提升平台企业的核心",
        "今年以来，市委组织部积极",
    ]
    whole = [
        "锻造推动经济社会发展的中坚力量",
        "济南市召开党建工作会议",
        "高质量党建助力企业健康发展",
    ]
    assert min(map(joints.openness, broken)) > max(map(joints.openness, whole)) + 1
    assert joints.openness("") == 0.0


def test_the_middle_of_a_sentence_does_not_start_one(joints: Joints) -> None:
    assert joints.starts_inside("盛,位于天桥区的园区吸引了许多企业。") > 1
    assert joints.starts_inside("的能動性，運用自己的專業知識。") > 1
    assert joints.starts_inside("近日,天桥区启动文明城市创建行动。") < -1
    assert joints.starts_inside("") == 0.0


@pytest.mark.parametrize("text", ["", " ", "😀", "a", "《", "。", "123", "\u200b"])
def test_odd_texts_are_no_error(joints: Joints, text: str) -> None:
    assert math.isfinite(joints.log_odds(text, "济南市"))
    assert math.isfinite(joints.log_odds("济南市", text))
    assert math.isfinite(joints.openness(text))
    assert math.isfinite(joints.starts_inside(text))


def test_unclosed_brackets() -> None:
    assert unclosed("他说:“印发《办法") == "”》"
    assert unclosed("(一)“好”") == ""
    assert unclosed("》”") == ""


def test_the_table_says_where_it_comes_from() -> None:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert table["source"]["script"] == "benchmarks/joints.py"
    assert all(len(odds) == 2 for odds in table["words"].values())


def test_the_networks_read_what_they_were_fitted_on() -> None:
    with np.load(ARRAYS, allow_pickle=False) as file:
        read = {name: file[f"{name}.w1"].shape[0] for name in ("pair", "open", "start")}
        width = file["pair.vectors"].shape[1]
    assert read == {"pair": 28 * width + FITTED, "open": 14 * width + 2, "start": 14 * width}
    assert Evidence._fields[FITTED:] == ("repeated", "quotation")

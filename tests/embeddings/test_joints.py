"""The evidence at a joint, in real sentences."""

from __future__ import annotations

import json
import math

import pytest

from embeddings.joints import TABLE, Evidence, Joints, unclosed
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
    assert joints.openness("荨麻是荨麻属中大约三十种植物的") > 1.5
    assert joints.openness("为有效提升平台企业的核心") > 1.5
    assert joints.openness("锻造推动经济社会发展的中坚力量") < 1.5
    assert joints.openness("") == 0.0


@pytest.mark.parametrize("text", ["", " ", "😀", "a", "《", "。", "123", "\u200b"])
def test_odd_texts_are_no_error(joints: Joints, text: str) -> None:
    assert math.isfinite(joints.log_odds(text, "济南市"))
    assert math.isfinite(joints.log_odds("济南市", text))
    assert math.isfinite(joints.openness(text))


def test_unclosed_brackets() -> None:
    assert unclosed("他说:“印发《办法") == "”》"
    assert unclosed("(一)“好”") == ""
    assert unclosed("》”") == ""


def test_the_table_has_a_weight_for_every_piece_of_evidence() -> None:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert set(table["weights"]) == {"bias", *Evidence._fields}
    assert table["source"]["script"] == "benchmarks/joints.py"
    assert all(len(odds) == 2 for odds in table["words"].values())

"""A small corpus with everything that search and map must bear, and a real bot over it."""

from __future__ import annotations

from pathlib import Path

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa.bot import Bot

HOSTILE = "<img src=x onerror=alert(1)>天桥区的<b>企业</b>有$21$家。"

FILES = {
    "天桥区2021年3月5日.txt": (
        "天桥区抓党建\n\n天桥区建立4个产业链党组织,覆盖21家企业。截至目前,园区完成签约项目22个。\n\n"
        "人才支撑\n\n陈海英教授的项目在济南获奖。企业党建做得好。\n"
    ),
    "高新区2022年6月1日.txt": "高新区建联盟\n\n高新区在2020年组建8个党建联盟。\n",
    "濟陽.txt": "濟陽區延鏈\n\n近年來,濟陽區走訪企業190余家。\n\n產業園有項目。\n",
    "<b>怪&名.txt": f"怪文\n\n{HOSTILE}\n",
}

HOSTILE_FILE = "<b>怪&名.txt"
TIANQIAO, GAOXIN = list(FILES)[:2]


def corpus_bot(root: Path, tokenizer: Tokenizer) -> Bot:
    """Build an index over `FILES` below `root` and open it; it answers whatever it finds."""
    for name, text in FILES.items():
        path = root / "pages" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    encoder = CountingEncoder("济南天桥高新区党建园产业企名项目")
    build(root / "pages", root / "index", encoder, tokenizer)
    return Bot(root / "index", encoder, tokenizer, least=0.0)

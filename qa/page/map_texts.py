"""What the map says, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from qa.page.texts import Language


@dataclass(frozen=True, slots=True)
class MapTexts:
    """The words of the map in one language; braces are filled by view and script."""

    title: str
    what: str
    some: str
    question: str
    placeholder: str
    draw: str
    picture: str
    keys: str
    documents: str
    others: str
    points: tuple[str, str]
    nearer: str
    farther: str
    whole: str
    hits: str
    nowhere: str
    asked: str
    listed: str
    none: str
    empty: str


MAP_TEXTS = {
    Language.ZH: MapTexts(
        title="全景",
        what="一点是一段。意思相近的段落挨在一起；离得远的，远近不必深究。",
        some="共 {all} 段，图上画出其中均匀抽取的 {shown} 段。",
        question="画进全景的问题",
        placeholder="写一个问题，看它落在哪里",
        draw="画上",
        picture="文档段落的分布图，{points} 个点，{documents} 份文档",
        keys="方向键移到相邻的段落，回车打开原文，加号和减号缩放。下面有同样内容的列表。",
        documents="按文档着色，点一份只看它",
        others="其余 {count} 份文档",
        points=("{count} 段",) * 2,
        nearer="放大",
        farther="缩小",
        whole="看全图",
        hits="离这个问题最近的段落",
        nowhere="没有找到与这个问题相近的段落，所以画不上去。",
        asked="你的问题",
        listed="以列表查看",
        none="这份索引是旧版本建的，还没有全景图。运行一次 wenju build（不重新编码）就有了。",
        empty="索引里还没有段落。",
    ),
    Language.EN: MapTexts(
        title="Map",
        what=(
            "Each point is a passage. Passages that say the like stand together; "
            "how far apart distant ones stand means little."
        ),
        some="{shown} of {all} passages are drawn, evenly chosen.",
        question="Question to draw into the map",
        placeholder="Write a question to see where it belongs",
        draw="Draw",
        picture="Passages of the documents as a picture: {points} points, {documents} documents",
        keys=(
            "Arrow keys go to the next passage in a direction, Enter opens the original, "
            "plus and minus zoom. The same stands in a list below."
        ),
        documents="Coloured by document; press one to see it alone",
        others="{count} other documents",
        points=("{count} passage", "{count} passages"),
        nearer="Zoom in",
        farther="Zoom out",
        whole="Show all",
        hits="Nearest to this question",
        nowhere="No passage is near to this question, so it has no place here.",
        asked="Your question",
        listed="As a list",
        none=(
            "This index was built by an older version and has no map yet. "
            "Run wenju build once, which encodes nothing again."
        ),
        empty="The index holds no passages yet.",
    ),
}

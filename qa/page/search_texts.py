"""What the search says, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from qa.page.texts import Language


@dataclass(frozen=True, slots=True)
class SearchTexts:
    """The words of the search in one language; braces are filled by the view."""

    title: str
    query: str
    placeholder: str
    find: str
    filters: str
    documents: str
    narrow: str
    more_documents: str
    dates: str
    since: str
    until: str
    clear: str
    promise: str
    empty: str
    nothing: str
    nothing_filtered: str
    found: tuple[str, str]
    meaning: str
    words: str
    meaning_hint: str
    words_hint: str
    no_words: str
    also: str
    also_more: str
    ask: str
    ask_hint: str
    copy: str
    more: str


SEARCH_TEXTS = {
    Language.ZH: SearchTexts(
        title="检索",
        query="要找的内容",
        placeholder="找段落：一个问题，或几个词",
        find="查找",
        filters="筛选",
        documents="文档",
        narrow="按文件名缩小列表",
        more_documents="另有 {count} 份未列出",
        dates="日期",
        since="从",
        until="到",
        clear="清除筛选",
        promise="这里只找段落，不作回答：按相关程度排列，并标出为什么找到它。",
        empty="写下要找的内容，再点“查找”。",
        nothing="没有找到相关段落。换个说法，或只写关键词。",
        nothing_filtered="所选的文档和日期里没有相关段落。放宽筛选再试。",
        found=("{count} 个段落，最相关的在前",) * 2,
        meaning="意思",
        words="字词",
        meaning_hint="与问题的意思有多近（余弦 {value}）；在这次找到的段落之间比较",
        words_hint="与问题相同的字词有多重要（BM25 {value}）；在这次找到的段落之间比较",
        no_words="没有相同的字词，只是意思相近",
        also="同样的文字还见于 {sources}",
        also_more="{sources} 等 {count} 个文件",
        ask="就此提问",
        ask_hint="只问 {source}",
        copy="复制并附出处",
        more="再看 {count} 段",
    ),
    Language.EN: SearchTexts(
        title="Search",
        query="What to look for",
        placeholder="Find passages: a question, or some words",
        find="Search",
        filters="Filters",
        documents="Documents",
        narrow="Narrow the list by name",
        more_documents="{count} more are not listed",
        dates="Dates",
        since="from",
        until="to",
        clear="Clear filters",
        promise="Passages only, no answer: best first, each with the reason why it was found.",
        empty="Write what you are looking for, then press Search.",
        nothing="No passage was found. Say it in other words, or give key words only.",
        nothing_filtered="The chosen documents and dates hold no such passage. Widen the filters.",
        found=("{count} passage", "{count} passages, best first"),
        meaning="meaning",
        words="words",
        meaning_hint="how near it is in meaning (cosine {value}), compared with the others found",
        words_hint="how much its shared words weigh (BM25 {value}), compared with the others found",
        no_words="no word in common; found by its meaning",
        also="the same text also stands in {sources}",
        also_more="{sources} and others, {count} files in all",
        ask="Ask about this",
        ask_hint="Ask {source} only",
        copy="Copy with source",
        more="Show {count} more",
    ),
}

"""Every sentence of the page of `wenju eval` that is ours, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = {
    "language": ("中文", "English"),
    "figures": ("Figures", "指标"),
    "questions": ("Questions", "问题"),
    "filters": ("Which questions are shown", "显示哪些问题"),
    "all": ("all", "全部"),
    "wrong": ("wrong", "有错"),
    "right": ("right", "正确"),
    "refused": ("refused", "拒答"),
    "won": ("won", "变好"),
    "lost": ("lost", "变差"),
    "mixed": ("mixed", "有好有坏"),
    "reworded": ("answer differs", "答案不同"),
    "every file": ("every file", "全部文件"),
    "every label": ("every kind", "全部类别"),
    "kind": ("kind", "类别"),
    "sort": ("sort", "种类"),
    "lang": ("language", "语言"),
    "search": ("search questions, answers, sources", "搜索问题、回答、出处"),
    "count": ("{shown} of {all}", "{shown} / {all} 题"),
    "none": ("No question fits these filters.", "没有符合条件的问题。"),
    "open": ("open all", "全部展开"),
    "close": ("close all", "全部收起"),
    "legend marks": ("words that answer", "作答的词"),
    "legend gold": ("words of the gold answer", "标准答案的词"),
    "history": ("Turns before", "之前的问题"),
    "completed": ("Read as", "理解为"),
    "answer": ("Answer", "回答"),
    "sources": ("Cited", "引用"),
    "gold": ("Gold answer", "标准答案"),
    "unanswerable": ("none: the documents do not answer", "没有：文档里没有答案"),
    "or": ("or", "或"),
    "evidence": ("Gold evidence", "标准依据"),
    "why": ("Why", "原因"),
    "not_in_documents": (
        "refused: the documents are not likely enough to answer",
        "拒答：文档不太可能回答这个问题",
    ),
    "small_talk": ("refused: taken for small talk", "拒答：被当作闲聊"),
    "nothing_found": ("refused: nothing was found", "拒答：什么也没找到"),
    "support": ("likelihood that the documents answer", "文档能回答的可能性"),
    "least": ("refused below", "低于此值拒答"),
    "rank": ("rank of the gold evidence", "标准依据的名次"),
    "not found": ("not found", "未找到"),
    "time": ("time", "用时"),
    "passages": ("Passages found", "找到的段落"),
    "score": ("score", "得分"),
    "dense": ("passage", "段落相似度"),
    "sentence": ("sentence", "句子相似度"),
    "bm25": ("BM25", "BM25"),
    "words": ("words", "命中的词"),
    "holds gold": ("gold", "含标准依据"),
    "change": ("Since the earlier run", "与上次相比"),
    "before": ("The answer then", "上次的回答"),
    "figure n": ("questions", "问题数"),
    "figure hit@1": (
        "share of the evidence within the first 300 characters found",
        "前 300 字里的依据所占的比例",
    ),
    "figure hit@5": (
        "share of the evidence within the first 1,500 characters found",
        "前 1500 字里的依据所占的比例",
    ),
    "figure cited": ("the citations cover the evidence", "引用覆盖了依据"),
    "figure answer": (
        "cited, every gold item is said, and it is short",
        "引用正确、要点齐全、篇幅不长",
    ),
    "figure grounded": (
        "every word of the answer stands in its citations",
        "回答的每个字都在引用里",
    ),
    "figure exact": (
        "every citation is the slice of the original that it says it is",
        "每条引用都与原文逐字相同",
    ),
    "figure refused": ("of the unanswerable: refused", "无答案的问题中被拒答的"),
    "figure false_refusal": (
        "of the answerable: refused (less is better)",
        "有答案的问题中被拒答的（越低越好）",
    ),
    "figure R@1": ("the gold context is the first one", "标准段落排第一"),
    "figure R@5": ("the gold context is among the first 5", "标准段落在前 5 名"),
    "figure R@10": ("the gold context is among the first 10", "标准段落在前 10 名"),
    "figure MRR@10": ("1 / rank of the gold context", "标准段落名次的倒数"),
    "figure cites": (
        "the first citation covers a gold answer and is short",
        "第一条引用覆盖标准答案且不长",
    ),
    "figure answered": ("not refused", "没有拒答"),
    "figure right": ("nothing should have been better", "没有可改进之处"),
    "figure p": ("two-sided exact sign test", "双侧精确符号检验"),
}

WORDS: Mapping[str, Mapping[str, str]] = {
    language: {key: pair[at] for key, pair in _WORDS.items()}
    for at, language in enumerate(("en", "zh"))
}
"""Key -> words, in each language; braces are filled by the page."""

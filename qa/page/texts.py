"""Every sentence of the page that is ours, in Chinese and English; nothing else speaks to users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from embeddings.records import Span
from qa.bot import LONGEST_QUESTION
from qa.records import Reason
from qa.render import language_of


class Language(StrEnum):
    """Languages of the page itself."""

    ZH = "zh"
    EN = "en"


class ReplyLanguage(StrEnum):
    """Languages of the sentences that stand where an answer would: those of questions."""

    SIMPLIFIED = "zh"
    TRADITIONAL = "zh-Hant"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Texts:
    """The page's own words in one language; braces are filled by the functions below."""

    language: Language
    html_language: str
    title: str
    documents: tuple[str, str]
    passages: tuple[str, str]
    here: str
    other_language: str
    conversation: str
    original: str
    welcome: str
    promise: str
    question: str
    placeholder: str
    ask: str
    clear: str
    older: str
    examples: str
    looking: str
    unexpected: str
    understood: str
    edit: str
    citation: str
    sources: str
    page: str
    characters: tuple[str, str]
    copy: str
    copied: str
    copy_source: str
    related: str
    close: str
    previous: str
    next: str
    nothing_open: str
    omitted: str
    not_stored: str
    by_line: str
    separator: str
    range_separator: str
    views: str
    lost: str
    back: str
    failed: str
    talk: str
    talks: str
    new_talk: str
    no_talks: str
    rename: str
    delete: str
    delete_sure: str
    full: str
    export_markdown: str
    export_html: str
    exported: str
    retry: str
    edit_question: str
    editing: str
    stop: str
    stop_editing: str
    changed_answer: str
    file_changed: str
    file_removed: str
    earlier_version: str
    gone_version: str
    picture: str
    text: str
    picture_of: str
    zoom: str
    asking_one: str
    asking_many: str
    ask_all: str
    asked_only: str


TEXTS = {
    Language.ZH: Texts(
        language=Language.ZH,
        html_language="zh-CN",
        title="问据",
        documents=("{count} 份文档",) * 2,
        passages=("{count} 段",) * 2,
        here="本机运行",
        other_language="Switch to English",
        conversation="对话",
        original="原文",
        welcome="就你的文档提问",
        promise="回答只用文档里的原句，每句都标着出处。点数字，看它在原文里的位置。",
        question="问题",
        placeholder="就你的文档提问……",
        ask="提问",
        clear="清空对话",
        older="最新的索引无法使用，现由上一版作答",
        examples="可以这样问",
        looking="正在查找",
        unexpected="程序出错，这个问题没有得到回答。问题已放回输入框，可以再试一次。",
        understood="按此理解：",
        edit="改",
        citation="出处 {number}：{title}",
        sources="出处",
        page="第 {page} 页",
        characters=("字符 {ranges}",) * 2,
        copy="复制并附出处",
        copied="已复制",
        copy_source="复制出处",
        related="相关段落",
        close="关闭原文",
        previous="上一处",
        next="下一处",
        nothing_open="点回答里的数字，这里打开原文，停在被引用的地方。",
        omitted="此处略去 {count} 个字符",
        not_stored="原文打不开，这里是引用时存下的原话。",
        by_line="{quote}\n——{place}",
        separator="，",
        range_separator="、",
        views="页面",
        lost="与服务器的连接断了。对话都在，连上后会自动继续。",
        back="又连上了。",
        failed="没有成功，请再试一次。",
        talk="对话",
        talks="对话列表",
        new_talk="新对话",
        no_talks="还没有存下的对话。",
        rename="改名",
        delete="删除",
        delete_sure="删除这个对话？删除后无法恢复。",
        full="浏览器的存储空间满了，这个对话没有存下。请导出或删除旧对话。",
        export_markdown="导出 Markdown",
        export_html="导出 HTML",
        exported="{date} 从“{title}”导出",
        retry="重问",
        edit_question="修改这个问题",
        editing="发送后，这一问和后面的回答会被替换。",
        stop="停止",
        stop_editing="不改了",
        changed_answer="引用的文件后来改过，这里是当时的回答。",
        file_changed="这个文件后来改过。",
        file_removed="这个文件已不在文档里。",
        earlier_version="下面是回答时的版本。",
        gone_version="回答时的版本没有保留，下面是引用时存下的原话。",
        picture="页面",
        text="文字",
        picture_of="{source} 第 {page} 页的样子",
        zoom="放大",
        asking_one="只问：{name}",
        asking_many="只问 {count} 份文档",
        ask_all="改问全部文档",
        asked_only="只问了：{names}",
    ),
    Language.EN: Texts(
        language=Language.EN,
        html_language="en",
        title="Wenju",
        documents=("{count} document", "{count} documents"),
        passages=("{count} passage", "{count} passages"),
        here="on this machine",
        other_language="切换到中文",
        conversation="Conversation",
        original="Original",
        welcome="Ask your documents",
        promise=(
            "Answers are the documents' own sentences, each with its source. "
            "Click a number to see where it stands in the original."
        ),
        question="Question",
        placeholder="Ask your documents…",
        ask="Ask",
        clear="Clear",
        older="The newest index cannot be used; an older one answers",
        examples="You could ask",
        looking="Looking",
        unexpected=(
            "The program failed and the question got no answer. It is in the box again: try once "
            "more."
        ),
        understood="Understood as: ",
        edit="edit",
        citation="Source {number}: {title}",
        sources="Sources",
        page="page {page}",
        characters=("character {ranges}", "characters {ranges}"),
        copy="Copy with source",
        copied="Copied",
        copy_source="Copy source",
        related="Related passages",
        close="Close the original",
        previous="Previous",
        next="Next",
        nothing_open="Click a number in an answer: the original opens here, at the cited words.",
        omitted="{count} characters left out here",
        not_stored="The original cannot be opened; these are the words as they were cited.",
        by_line="{quote}\n— {place}",
        separator=", ",
        range_separator=", ",
        views="Pages",
        lost="The connection to the server is lost. Nothing of yours is; it goes on by itself.",
        back="Connected again.",
        failed="That did not work; try once more.",
        talk="Conversation",
        talks="Conversations",
        new_talk="New",
        no_talks="No conversations are kept yet.",
        rename="Rename",
        delete="Delete",
        delete_sure="Delete this conversation? It cannot be brought back.",
        full=(
            "The browser has no room left: this conversation was not kept. Export or delete old "
            "ones."
        ),
        export_markdown="Export as Markdown",
        export_html="Export as HTML",
        exported="Exported from “{title}” on {date}",
        retry="Ask again",
        edit_question="Edit this question",
        editing="Sending replaces this question and all below it.",
        stop="Stop",
        stop_editing="Keep it",
        changed_answer="The cited file has changed since; this is the answer as it was given.",
        file_changed="This file has changed since.",
        file_removed="This file is no longer among the documents.",
        earlier_version="Below is the version that was answered from.",
        gone_version="That version is not kept; below are the words as they were cited.",
        picture="Page",
        text="Text",
        picture_of="Page {page} of {source} as it looks",
        zoom="Larger",
        asking_one="Asking only {name}",
        asking_many="Asking {count} documents only",
        ask_all="Ask all documents",
        asked_only="Asked only: {names}",
    ),
}

_NO_ANSWER = {
    ReplyLanguage.SIMPLIFIED: {
        Reason.NOT_IN_DOCUMENTS: (
            "文档里没有答案",
            "没有哪一句话回答了这个问题。",
        ),
        Reason.NOTHING_FOUND: (
            "没有找到相关内容",
            "文档里没有与这个问题相关的文字。换个说法，或换几个词再问一次。",
        ),
        Reason.SMALL_TALK: (
            "你好！",
            "我只回答这些文档里写着的事，每句话都能点开看原文。直接问就行，例如时间、数字、人名、原因。",
        ),
    },
    ReplyLanguage.TRADITIONAL: {
        Reason.NOT_IN_DOCUMENTS: (
            "文件裡沒有答案",
            "沒有哪一句話回答了這個問題。",
        ),
        Reason.NOTHING_FOUND: (
            "沒有找到相關內容",
            "文件裡沒有與這個問題相關的文字。換個說法，或換幾個詞再問一次。",
        ),
        Reason.SMALL_TALK: (
            "你好！",
            "我只回答這些文件裡寫著的事，每句話都能點開看原文。直接問就行，例如時間、數字、人名、原因。",
        ),
    },
    ReplyLanguage.ENGLISH: {
        Reason.NOT_IN_DOCUMENTS: (
            "Not in the documents",
            "No sentence in the documents answers this question.",
        ),
        Reason.NOTHING_FOUND: (
            "Nothing found",
            "Nothing in the documents is about this. Try other words.",
        ),
        Reason.SMALL_TALK: (
            "Hello!",
            "I answer only with what these documents say, and every sentence opens at its place in "
            "the original. Just ask: a date, a number, a name, a reason.",
        ),
    },
}

_NEAREST = {
    ReplyLanguage.SIMPLIFIED: "最接近的段落：",
    ReplyLanguage.TRADITIONAL: "最接近的段落：",
    ReplyLanguage.ENGLISH: " The nearest passages:",
}

_TOO_LONG = {
    ReplyLanguage.SIMPLIFIED: "问题有 {length:,} 个字符，最多 {longest:,} 个。请缩短后再问。",
    ReplyLanguage.TRADITIONAL: "問題有 {length:,} 個字元，最多 {longest:,} 個。請縮短後再問。",
    ReplyLanguage.ENGLISH: (
        "The question has {length:,} characters; {longest:,} are allowed. Shorten it and ask again."
    ),
}


def reply_language(question: str) -> ReplyLanguage:
    """Return the language to reply to `question` in."""
    return ReplyLanguage(language_of(question))


def no_answer(reason: Reason, question: str, offers_passages: bool) -> tuple[str, str]:
    """Return heading and words of the card of a `question` that got no answer."""
    language = reply_language(question)
    heading, sentence = _NO_ANSWER[language][reason]
    return heading, sentence + (_NEAREST[language] if offers_passages else "")


def too_long(question: str) -> str:
    """Return the sentence that says that `question` is too long."""
    form = _TOO_LONG[reply_language(question)]
    return form.format(length=len(question), longest=LONGEST_QUESTION)


def _numbered(forms: tuple[str, str], count: int, **filled: str) -> str:
    form = forms[0] if count == 1 else forms[1]
    return form.format(count=f"{count:,}", **filled)


def size(texts: Texts, documents: int, passages: int) -> str:
    """Return how much there is to ask, for example ``5 份文档 · 126 段 · 本机运行``."""
    counted = [_numbered(texts.documents, documents), _numbered(texts.passages, passages)]
    return " · ".join([*counted, texts.here])


def characters(texts: Texts, spans: Sequence[Span]) -> str:
    """Return where `spans` stand in an original: offsets from 0, the end not included."""
    ranges = texts.range_separator.join(f"{span.start}–{span.end}" for span in spans)
    length = sum(len(span) for span in spans)
    return _numbered(texts.characters, length, ranges=ranges)

"""What the page says around a language model's words, in its two languages.

Who wrote them, what is doubtful in them, and why they are missing is said by `qa.render`, in the
question's language: the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from qa.page.texts import Language


@dataclass(frozen=True, slots=True)
class WrittenTexts:
    """The words in one language; braces are filled where they are used."""

    allow: str
    allow_why: str
    writing: str
    stop: str
    ways: str
    written: str
    own: str
    missing: str


WRITTEN_TEXTS = {
    Language.ZH: WrittenTexts(
        allow="让 {model} 写成文",
        allow_why="关掉后，不再向模型发送任何内容",
        writing="{model} 正在写，写一句核对一句",
        stop="停止写作",
        ways="看哪一种",
        written="成文",
        own="文档原句",
        missing="语言模型没有写成，以下是文档原句。",
    ),
    Language.EN: WrittenTexts(
        allow="Let {model} write answers",
        allow_why="When this is off, nothing is sent to the model",
        writing="{model} is writing",
        stop="Stop writing",
        ways="Which to show",
        written="Written",
        own="Original sentences",
        missing="The language model wrote nothing; these are the documents' own sentences.",
    ),
}

_DOUBT = {"zh": "未核实：{why}", "zh-Hant": "未核實：{why}", "en": "unverified: {why}"}


def doubt_words(why: str, language: str) -> str:
    """Return the label of a sentence that is not verified, in ``zh``, ``zh-Hant`` or ``en``."""
    return _DOUBT[language].format(why=why)

"""What is said around thumbs, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from qa.page.texts import Language


@dataclass(frozen=True, slots=True)
class FeedbackTexts:
    """The words of the feedback in one language."""

    group: str
    up: str
    down: str
    thanks: str
    taken_back: str
    note: str
    placeholder: str
    missing: str
    save: str
    saved: str
    broken: str


FEEDBACK_TEXTS = {
    Language.ZH: FeedbackTexts(
        group="评价这个回答",
        up="有用",
        down="没有用",
        thanks="谢谢，已记下。",
        taken_back="已收回。",
        note="备注（可不填）",
        placeholder="哪里对，哪里不对？应该看哪一处？",
        missing="文档里其实没有答案",
        save="保存",
        saved="谢谢，备注已保存。",
        broken="评价没有记下：页面送来的回答不完整。请重新提问后再评价。",
    ),
    Language.EN: FeedbackTexts(
        group="Judge this answer",
        up="Useful",
        down="Not useful",
        thanks="Thank you, noted.",
        taken_back="Taken back.",
        note="Note (optional)",
        placeholder="What is right, what is wrong? Which place should it be?",
        missing="The documents do not say this",
        save="Save",
        saved="Thank you, your note is saved.",
        broken="Not noted: the answer that the page sent is incomplete. Ask again, then judge it.",
    ),
}

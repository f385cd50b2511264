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
    title: str
    lead: str
    all: str
    none: str
    more: str
    understood: str
    refused: str
    again: str
    export: str
    export_hint: str
    exported: str
    nothing: str


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
        title="反馈",
        lead="大家对回答的评价，存在索引旁边。由它们做成的题目，wenju eval 可以再问一遍。",
        all="全部",
        none="还没有评价。每个回答下面有两个拇指，点一下就记在这里。",
        more="再看一些",
        understood="按此理解：",
        refused="没有作答",
        again="再问一次",
        export="导出评测题",
        export_hint="一行一题的 .jsonl 文件，wenju eval 可以读",
        exported="导出了 {count} 道题；另有 {left} 条评价做不成题目",
        nothing="这些评价还做不成题目：要有被称赞的回答，或“文档里其实没有答案”。",
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
        title="Feedback",
        lead=(
            "What people say of the answers, kept beside the index. wenju eval can ask the "
            "questions that are made of it again."
        ),
        all="All",
        none="No feedback yet. Below every answer are two thumbs; what they say is kept here.",
        more="Show more",
        understood="Understood as: ",
        refused="Not answered",
        again="Ask again",
        export="Export questions",
        export_hint="A .jsonl file with a question a line, as wenju eval reads it",
        exported="{count} questions exported; {left} more judgements could not be made into one",
        nothing=(
            "No question can be made of this yet: it takes a praised answer, or one that the "
            "documents do not give."
        ),
    ),
}

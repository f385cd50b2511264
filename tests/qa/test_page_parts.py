"""Parts of the page beside its views: an accent colour, exports, settings of the command line."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.errors import QuestionError, SettingError
from qa import cli
from qa.page import chat
from qa.page.colours import LEAST_CONTRAST, accent_style, contrast
from qa.page.export import escaped_markdown, exported, to_html, to_markdown
from qa.page.markup import element, escape
from qa.page.options import Options
from qa.page.texts import TEXTS, Language
from qa.page.turns import AskedTurn, Failure
from tests.browser.scripted import answer, cite, completed, document, refusal
from tests.payloads import TURNING

ZH, EN = TEXTS[Language.ZH], TEXTS[Language.EN]
PAPERS = [(255, 255, 255), (23, 28, 31)]
NASTY = "<b>100余家</b> *重* [链](x) _下_ `码` 1. #题 $x$ |表| \\ 。"


# ---- characters of direction ----


def test_a_character_of_direction_has_a_box_of_its_own() -> None:
    assert element("p", "甲\u202e<乙") == (
        '<p>甲<span class="turning" title="U+202E">\u202e</span>&lt;乙</p>'
    )
    assert element("a", title="甲\u202e", aria_label="\u2066乙", data_copy="丙\u202e") == (
        '<a title="甲" aria-label="乙" data-copy="丙\u202e"></a>'
    )
    assert element("title", "甲\u202e<") == "<title>甲&lt;</title>"


class _Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.sampled_from([*TURNING, "甲", "<", "&", '"', "\n", "\r"])))
def test_every_character_is_there_still(text: str) -> None:
    assert _Text(element("p", text)).text == text
    assert not set(TURNING) & set(re.sub(r'<span class="turning".*?</span>', "", escape(text)))


# ---- an accent colour of one's own ----


def colours(sheet: str) -> list[dict[str, tuple[int, ...]]]:
    blocks = re.findall(r":root \{(.*?)\}", sheet)
    named = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]
    return [
        {name: tuple(bytes.fromhex(value[1:])) for name, value in block.items()} for block in named
    ]


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_any_accent_can_be_read_on_light_and_on_dark(accent: tuple[int, int, int]) -> None:
    found = colours(accent_style("#" + bytes(accent).hex()))
    assert len(found) == 2
    for block, paper in zip(found, PAPERS, strict=True):
        assert contrast(block["accent"], paper) >= LEAST_CONTRAST
        assert contrast(block["accent"], block["tint"]) >= LEAST_CONTRAST
        assert contrast(block["accent-ink"], block["accent"]) >= LEAST_CONTRAST


def test_an_accent_that_can_be_read_stays_as_it_is() -> None:
    light, _ = colours(accent_style("#0F6B5C"))
    assert light["accent"] == (0x0F, 0x6B, 0x5C)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("accent", ["red", "#12345", "#1234567", "#12345g", "0f6b5c", "#０f6b5c"])
def test_what_is_no_colour_is_refused(accent: str) -> None:
    with pytest.raises(SettingError, match="Setting 'accent' is .*; give a colour as #0f6b5c"):
        Options(accent=accent)


# ---- exports ----


def talk() -> tuple[AskedTurn, ...]:
    original = document("报_1.txt", f"前言。{NASTY}尾。", "题")
    said = completed(answer("", cite(original, NASTY), cite(original, "尾。", 2)), "甲区多少？")
    return (
        AskedTurn(0, "多少？", said, is_changed=True),
        AskedTurn(1, "火星？", refusal("火星？")),
        AskedTurn(2, "坏了？", Failure("x")),
    )


def plain(markdown: str) -> str:
    return re.sub(r"\\([\\`*_{}\[\]<>()#+\-.!|~$&])", r"\1", markdown)


def test_markdown_shows_sentences_citations_and_places() -> None:
    made = to_markdown(talk(), "名*字", ZH)
    assert made.startswith("# 名\\*字\n\n")
    assert "## 多少？\n\n*按此理解：甲区多少？*\n\n*引用的文件后来改过，这里是当时的回答。*" in made
    assert f"{NASTY} [1]  \n尾。 [2]" in plain(made)
    assert f"[1] 《题》，报_1.txt，字符 3–{3 + len(NASTY)}\n\n> {NASTY}" in plain(made)
    assert "## 火星？\n\n> 文档里没有答案 没有哪一句话回答了这个问题。" in made
    assert "<b>" not in made
    assert not re.search(r"(?<!\\)[`\[$|]", made)


def test_html_shows_the_same_and_is_only_text() -> None:
    made = to_html(talk(), "<script>", EN)
    assert "<title>&lt;script&gt;</title>" in made
    assert "<b>" not in made
    assert "<script" not in made
    assert "&lt;b&gt;100余家&lt;/b&gt;" in made
    assert f"[1] “题”, 报_1.txt, characters 3–{3 + len(NASTY)}" in made
    assert "default-src &#x27;none&#x27;" in made or "default-src 'none'" in made
    assert not re.findall(r"(?:src|href)=", made)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_escaped_markdown_is_the_text_again(text: str) -> None:
    assert plain(escaped_markdown(text)) == " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("多少？", "多少？.md"),
        ("a/b\\c:d", "a b c d.md"),
        ("../..", "对话.md"),
        ("", "对话.md"),
        ("长" * 90, "长" * 60 + ".md"),
    ],
)
def test_the_file_is_named_after_the_conversation(name: str, file: str) -> None:
    assert exported((), name, "md", ZH)["file"] == file


def test_an_export_that_is_none_is_refused() -> None:
    with pytest.raises(QuestionError, match="no export as 'pdf'; choose md or html"):
        exported((), "x", "pdf", ZH)


def test_a_broken_sentence_is_exported_with_each_of_its_pieces() -> None:
    original = document("一.txt", "甲乙丙丁", "题")
    said = answer("问", cite(original, "甲"), cite(original, "丙"))
    made = to_markdown((AskedTurn(0, "问", replace(said)),), "", ZH)
    assert "> 甲\n>\n> 丙" in made


# ---- the command line ----


def test_the_command_line_says_how_the_page_is_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr("qa.bot.Bot.open", lambda index, **_: f"bot over {index}")
    monkeypatch.setattr(chat, "serve", lambda *args, **options: told.update(options, args=args))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wenju.toml").write_text(
        'title = "区志"\nwelcome = "问问"\naccent = "#aa0000"\n', encoding="utf-8"
    )
    words = ["--index", "i", "--host", "0.0.0.0", "--port", "81", "--auth", "a:b", "--read-only"]
    result = CliRunner().invoke(cli.main, ["chat", *words])
    assert result.exit_code == 0, result.output
    assert told["args"] == ("bot over i", "0.0.0.0", 81)
    assert told["auth"] == "a:b"
    options: Options = told["options"]
    assert (options.title, options.welcome, options.accent) == ("区志", "问问", "#aa0000")
    assert options.read_only
    assert str(options.index) == "i"

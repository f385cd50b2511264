"""The map without a browser: points, questions placed among them, and its lists."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import QuestionError
from embeddings.lexical import Tokenizer
from embeddings.map import FILE
from embeddings.opening import open_published
from embeddings.store import IndexFolder
from qa.bot import Bot
from qa.corpus_map import EXCERPT, MapDocument, corpus_map, excerpt
from qa.page.map_texts import MAP_TEXTS
from qa.page.map_view import ROUNDS, STYLES, MappedBot, MapView, _legend, style
from qa.page.options import Options
from qa.page.registry import views
from qa.page.texts import Language
from tests.browser.scripted import ScriptedBot
from tests.generations import seal
from tests.qa.page_views import Read, acted, patched, replied, visit

ZH = MAP_TEXTS[Language.ZH]


@pytest.fixture
def view(bot: Bot) -> MapView:
    return MapView(bot)


class TestThePicture:
    def test_every_passage_is_a_point_with_its_words(self, bot: Bot) -> None:
        found = bot.map()
        assert found is not None
        assert found.passages == len(found.points) == bot.info().passages
        assert sum(one.points for one in found.documents) == len(found.points)
        assert [one.points for one in found.documents] == sorted(
            (one.points for one in found.documents), reverse=True
        )
        for point in found.points:
            document = found.documents[point.document]
            (passage,) = (
                one
                for one in bot.passages(document.id)
                if one.id == f"{document.id}:{point.offset}"
            )
            assert point.text == excerpt(passage.text)
            assert -1 <= point.x <= 1 >= abs(point.y)

    def test_of_many_some_are_drawn_spread_over_all(self, index: Path) -> None:
        generation = open_published(IndexFolder(index)).generation
        try:
            whole, some = corpus_map(generation), corpus_map(generation, 3)
        finally:
            generation.close()
        assert whole is not None
        assert some is not None
        assert some.passages == whole.passages
        assert [one.text for one in some.points] == [
            whole.points[at].text for at in (0, round((whole.passages - 1) / 2), -1)
        ]

    def test_an_excerpt_is_one_line(self) -> None:
        assert excerpt("甲\n\u3000乙 ") == "甲 乙"
        assert excerpt("长" * EXCERPT) == "长" * EXCERPT
        assert excerpt("长" * (EXCERPT + 1)) == "长" * EXCERPT + "…"


class TestAQuestion:
    def test_it_stands_inside_what_it_found(self, bot: Bot) -> None:
        found = bot.on_map("高新区有几个党建联盟？", k=3)
        assert found is not None
        hits = bot.retrieve("高新区有几个党建联盟？", k=3)
        assert [hit for hit, _, _ in found.hits] == hits
        assert -1 <= found.x <= 1 >= abs(found.y)
        picture = bot.map()
        assert picture is not None
        at = {(p.document, p.offset): (p.x, p.y) for p in picture.points}
        numbers = {one.id: number for number, one in enumerate(picture.documents)}
        for hit, x, y in found.hits:
            place = at[numbers[hit.document], int(hit.id.rpartition(":")[2])]
            assert (x, y) == pytest.approx(place, abs=1e-3)

    def test_one_that_is_a_passage_stands_near_it(self, bot: Bot) -> None:
        (row, text), *_ = (
            (row, text)
            for row, (_, text) in sorted(bot._snapshot.generation.texts(range(20)).items())
            if "联盟很活跃" in text
        )
        found = bot.on_map(text, k=1)
        assert found is not None
        positions = bot._snapshot.generation.map_of([row])
        assert positions is not None
        np.testing.assert_allclose([found.x, found.y], positions[0], atol=0.3)

    def test_none_is_nowhere(self, view: MapView) -> None:
        parts = acted(view, "place", {"question": " "})
        assert (patched(parts, "map-hits"), replied(parts)) == ("", {"hits": []})

    def test_its_hits_are_listed_and_open(self, view: MapView) -> None:
        parts = acted(view, "place", {"question": "天桥区有多少家企业？"})
        opened = Read(patched(parts, "map-hits")).named("button", "passage")
        references = [json.loads(str(one["data-reference"])) for one in opened]
        hits = replied(parts)["hits"]
        assert [[one["document"], one["source"]] for one in references] == [
            [document, source] for _, _, document, _, source, _ in hits
        ]
        assert "覆盖21家企业" in Read(patched(parts, "map-hits")).text


class TestThePage:
    def test_points_name_their_documents(self, view: MapView, bot: Bot) -> None:
        sent = replied(acted(view, "points", {}))
        assert sorted(source for _, source, _ in sent["documents"]) == sorted(bot.info().sources)
        _, _, number, offset, text = sent["points"][0]
        assert json.dumps(sent)
        given = {"document": sent["documents"][number][0], "offset": str(offset)}
        reference = json.loads(str(replied(acted(view, "reference", given))["reference"]))
        assert excerpt(reference["text"]) == text
        original = bot.document(given["document"]).text
        assert original[slice(*reference["spans"][0])]

    @pytest.mark.parametrize("given", [{}, {"document": "x", "offset": "0"}])
    def test_a_point_of_an_index_before(self, view: MapView, given: dict[str, str]) -> None:
        with pytest.raises(QuestionError, match="holds no"):
            acted(view, "reference", given)

    def test_a_place_without_a_passage(self, view: MapView, bot: Bot) -> None:
        (first, *_) = bot.documents()
        with pytest.raises(QuestionError, match="no such passage any more; load the page again"):
            acted(view, "reference", {"document": first.id, "offset": "99999"})

    def test_an_unknown_act(self, view: MapView) -> None:
        with pytest.raises(QuestionError, match="no act 'drop' in 'map'"):
            acted(view, "drop", {})

    def test_it_says_when_not_all_are_drawn(
        self, view: MapView, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "均匀抽取" not in str(view.show(visit()))
        monkeypatch.setattr("qa.bot.corpus_map", lambda generation: corpus_map(generation, 3))
        assert "图上画出其中均匀抽取的 3 段" in str(view.show(visit()))

    def test_an_index_of_an_older_version(
        self, index: Path, tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
    ) -> None:
        older = Path(shutil.copytree(index, tmp_path / "index"))
        (IndexFolder(older).current() / FILE).unlink()
        seal(IndexFolder(older).current())
        bot = Bot(older, counting, tokenizer)
        view = MapView(bot)
        assert ZH.none in str(view.show(visit()))
        assert bot.on_map("天桥区？") is None
        with pytest.raises(QuestionError, match="还没有全景图"):
            acted(view, "points", {})
        assert ZH.nowhere in patched(acted(view, "place", {"question": "天桥区？"}), "map-hits")

    def test_names_are_escaped(
        self, tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
    ) -> None:
        pages = tmp_path / "pages"
        pages.mkdir()
        (pages / "<img src=x>&.txt").write_text(
            "<script>alert(1)</script>天桥区。", encoding="utf-8"
        )
        build(pages, tmp_path / "index", counting, tokenizer)
        view = MapView(Bot(tmp_path / "index", counting, tokenizer))
        read = Read(str(view.show(visit())))
        assert read.named("img") == []
        only = [about for _, about in read.tags if about.get("data-act") == "only"]
        assert [about["title"] for about in only] == ["<img src=x>&.txt"]
        assert "<img src=x>&" in read.text
        hits = Read(patched(acted(view, "place", {"question": "天桥区"}), "map-hits"))
        assert hits.named("script") == []
        assert "<script>alert(1)</script>天桥区。" in hits.text


class TestTheLegend:
    def test_no_two_of_the_first_look_alike(self) -> None:
        looks = [style(number) for number in range(STYLES * ROUNDS)]
        assert len(set(looks)) == STYLES * ROUNDS
        assert len({look.split()[0] for look in looks[:STYLES]}) == STYLES
        assert {look.split()[1] for look in looks[:4]} == {"s0", "s1", "s2", "s3"}
        assert style(STYLES * ROUNDS) == "rest"

    def test_further_documents_are_counted(self) -> None:
        many = [MapDocument(str(at), f"{at}.txt", "", 1) for at in range(STYLES * ROUNDS + 7)]
        read = Read(str(_legend(many, ZH)))
        assert len(read.named("button")) == STYLES * ROUNDS
        assert "其余 7 份文档" in read.text


def test_it_is_there_for_a_bot_that_has_one(bot: Bot) -> None:
    named = [view.name for view in views(bot, Options())]
    assert "map" in named
    assert isinstance(bot, MappedBot)
    assert "map" not in [view.name for view in views(ScriptedBot({}, {}), Options())]

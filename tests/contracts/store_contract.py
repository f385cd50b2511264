"""What every store must hold. A test class inherits `StoreContract` and gives its `site`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from embeddings.build import BuildReport
from embeddings.encoder import CountingEncoder, Encoder
from embeddings.errors import (
    IndexDamagedError,
    IndexMissingError,
    ModelMismatchError,
)
from embeddings.lexical import Script, Tokenizer
from embeddings.searchable import Searchable
from embeddings.stores import Store
from qa.bot import Bot
from qa.render import answer_to_json, hit_to_json
from tests.contracts.reference_store import ReferenceGeneration
from tests.embeddings.building import ALPHABET, Recording, write

BRIDGE = (
    "天桥区直播电商\n\n2021年6月16日\n\n天桥区共有直播电商企业136家，从业人员9800多人。"
    "区里建成党建园3处。\n\n济南高新区的企业去年投资５０亿元，𠮷野家也来了。\n"
)
TRADITIONAL = "濟南天橋區的企業從業人員很多。黨建園區建設得很好，產業發展。\n"
REPEAT = TRADITIONAL.strip()
ENGLISH = 'The district has 136 live-commerce companies.\r\nOne "quoted" line — 100% \\ done.\r\n'

QUESTIONS = (
    "天桥区有多少家直播电商企业？", "天橋區的企業從業人員多嗎？", "𠮷野家来了吗？",
    "How many companies has the district?", "火星上有多少家医院？", "党建园", "？？",
)  # fmt: skip


class Site(Protocol):
    """A folder of documents and the store that it is built into."""

    documents: Path
    index: Path
    encoder: Recording
    tokenizer: Tokenizer

    @property
    def store(self) -> Store:
        """What keeps the index."""

    def build(self, encoder: Encoder | None = None) -> BuildReport | None:
        """Publish the state of the documents, by `encoder` if it is not the site's own."""

    def go_back(self) -> None:
        """Publish the generation before again."""


def fill(site: Site) -> None:
    """Write the documents that most tests are about."""
    write(site.documents / "天桥.txt", BRIDGE)
    write(site.documents / "繁體/濟南.txt", TRADITIONAL)
    write(site.documents / "english (1).txt", ENGLISH)
    write(site.documents / "z/again.txt", REPEAT)


def opened(site: Site) -> Searchable:
    return site.store.open_current().generation


def bot_of(site: Site) -> Bot:
    return Bot(site.index, site.encoder, site.tokenizer, store=site.store)


def by_id(generation: Searchable, rows: np.ndarray) -> list[str]:
    """Return the ids of passages at their first places, in the order of the rows."""
    found = generation.passages(rows.tolist())
    return [found[int(row)].id for row in rows]


class StoreContract:
    """Inherited by the tests of each store."""

    @pytest.fixture
    def site(self, tmp_path: Path, tokenizer: Tokenizer) -> Site:
        raise NotImplementedError

    @pytest.fixture
    def filled(self, site: Site) -> Searchable:
        fill(site)
        site.build()
        return opened(site)

    @pytest.fixture
    def reference(self, filled: Searchable, site: Site) -> ReferenceGeneration:
        """The same documents, in plain numpy."""
        return ReferenceGeneration(site.documents, 1, CountingEncoder(ALPHABET), site.tokenizer)

    def test_nothing_is_published_before_the_first_build(self, site: Site) -> None:
        assert site.store.stamp() is None
        with pytest.raises(IndexMissingError):
            site.store.open_published()

    def test_documents_come_back_character_by_character(
        self, filled: Searchable, reference: ReferenceGeneration
    ) -> None:
        ids = filled.document_ids()
        assert ids == reference.document_ids()
        assert filled.documents(ids) == reference.documents(ids)
        assert filled.heads(ids) == reference.heads(ids)
        assert filled.sizes() == reference.sizes()
        assert filled.sources == ("english (1).txt", "z/again.txt", "天桥.txt", "繁體/濟南.txt")
        assert filled.documents([*ids[:1], "none"]).keys() == {ids[0]}
        assert {one.text for one in filled.documents(ids).values()} >= {ENGLISH, BRIDGE}

    def test_every_passage_stands_where_its_spans_say(
        self, filled: Searchable, reference: ReferenceGeneration
    ) -> None:
        for document in filled.document_ids():
            text = filled.documents([document])[document].text
            places = filled.places_in(document)
            assert [one[1:] for one in places] == [o[1:] for o in reference.places_in(document)]
            for place in places:
                quote = "".join(span.of(text) for span in place.spans)
                assert "".join(quote.split()) == "".join(place.text.split())
                assert len(place.sentences) == len(filled.sentence_texts([place.row])[place.row])

    def test_equal_passages_share_a_row_and_keep_every_place(self, filled: Searchable) -> None:
        shared = [p for p in filled.places(filled.all_rows().tolist()).values() if len(p) > 1]
        assert [[place.text for place in places] for places in shared] == [[REPEAT, REPEAT]]
        sources = filled.sources_of(place.document for place in shared[0])
        held = [sources[place.document] for place in shared[0]]
        assert held == [("z/again.txt",), ("繁體/濟南.txt",)]

    def test_sentences_follow_each_other_at_their_places(
        self, filled: Searchable, reference: ReferenceGeneration
    ) -> None:
        rows = filled.all_rows()
        ranges = filled.sentence_ranges(rows)
        found = filled.sentences(filled.passages(rows.tolist()).values())
        spread = [first + at for first, count in ranges for at in range(count)]
        assert [one.row for one in found] == spread
        numbers = {one.id: row for row, one in reference.passages(reference.all_rows()).items()}
        for row, (first, count) in zip(rows, ranges, strict=True):
            own = filled.passages([int(row)])[int(row)]
            same = reference.sentences([reference.passages([numbers[own.id]])[numbers[own.id]]])
            held = [one for one in found if one.passage == row]
            assert [(o.text, o.spans) for o in held] == [(o.text, o.spans) for o in same]
            vectors = filled.sentence_vectors(np.arange(first, first + count))
            wanted = reference.sentence_vectors([one.row for one in same])
            np.testing.assert_allclose(vectors, wanted, atol=2e-3)

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_the_nearest_are_those_of_numpy(
        self, filled: Searchable, reference: ReferenceGeneration, question: str, site: Site
    ) -> None:
        query = site.encoder.encode_query(question)
        for k in (1, 3, 100):
            rows, cosines = filled.vectors.search(query, k)
            same, wanted = reference.vectors.search(query, k)
            np.testing.assert_allclose(cosines, wanted, atol=2e-3)
            assert len(set(rows.tolist())) == len(rows)
            if k == 100:
                assert sorted(by_id(filled, rows)) == sorted(by_id(reference, same))
            np.testing.assert_allclose(filled.vectors.cosines(query, rows), cosines, atol=2e-3)
            np.testing.assert_allclose(filled.vectors.vectors(rows) @ query, cosines, atol=2e-3)
        few = filled.all_rows()[1::2]
        rows, cosines = filled.vectors.search(query, 2, few)
        assert set(rows.tolist()) <= set(few.tolist())
        assert cosines.max() == pytest.approx(filled.vectors.cosines(query, few).max(), abs=2e-3)
        nothing = filled.vectors.search(query, 2, np.empty(0, np.int64))
        assert [len(one) for one in nothing] == [0, 0]

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_several_questions_at_once_are_each_answered(
        self, filled: Searchable, question: str, site: Site
    ) -> None:
        queries = site.encoder.encode_queries([question, "五", "三家企业"])
        for among in (None, filled.all_rows()[1::2]):
            found = filled.vectors.search_each(queries, 3, among)
            assert len(found) == len(queries)
            for query, (rows, cosines) in zip(queries, found, strict=True):
                same = filled.vectors.search(query, 3, among)[1]
                np.testing.assert_allclose(cosines, same, atol=2e-3)
                np.testing.assert_allclose(filled.vectors.cosines(query, rows), cosines, atol=2e-3)

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_words_are_scored_by_the_textbook(
        self, filled: Searchable, reference: ReferenceGeneration, question: str, site: Site
    ) -> None:
        tokens = [*site.tokenizer.tokens(question), "neverheard"]
        found, wanted = filled.postings.match(tokens), reference.postings.match(tokens)
        assert found.weights == pytest.approx(wanted.weights)
        assert set(found.held) == set(wanted.held)
        numbers = {one.id: row for row, one in reference.passages(reference.all_rows()).items()}
        rows = filled.all_rows()
        same = np.array([numbers[id_] for id_ in by_id(filled, rows)])
        np.testing.assert_allclose(found.scores(rows), wanted.scores(same), rtol=1e-4)
        for term in wanted.weights:
            assert found.holds(term, rows).tolist() == wanted.holds(term, same).tolist()
        for row, other in zip(rows.tolist(), same.tolist(), strict=True):
            assert found.words(row) == wanted.words(other)
            for known in (False, True):
                assert found.coverage(row, known=known) == pytest.approx(
                    wanted.coverage(other, known=known)
                )
        best = found.best(100)
        assert sorted(by_id(filled, best)) == sorted(by_id(reference, wanted.best(100)))
        assert (np.diff(found.scores(best)) <= 1e-6).all()
        few = rows[::2]
        assert set(found.best(100, few).tolist()) == set(best.tolist()) & set(few.tolist())
        assert len(found.best(1)) == min(1, len(best))

    def test_idf_is_that_of_all_passages(self, filled: Searchable) -> None:
        count = filled.postings.size
        assert count == filled.vectors.size == len(filled.all_rows())
        assert filled.postings.idf(1) == pytest.approx(np.log1p((count - 0.5) / 1.5))

    def test_scripts_and_what_is_left_without_them(
        self, filled: Searchable, reference: ReferenceGeneration, site: Site
    ) -> None:
        rows = filled.all_rows()
        numbers = {one.id: row for row, one in reference.passages(reference.all_rows()).items()}
        same = np.array([numbers[id_] for id_ in by_id(filled, rows)])
        scripts = filled.scripts_of(rows)
        assert scripts.tolist() == reference.scripts_of(same).tolist()
        assert all(filled.has_script(script) for script in Script)
        query = site.encoder.encode_query("天桥企业")
        left = filled.passage_centre.cosines(
            query, filled.vectors.cosines(query, rows), rows, scripts
        )
        wanted = reference.passage_centre.cosines(
            query, reference.vectors.cosines(query, same), same, scripts
        )
        clear = np.abs(wanted) < 2  # a passage alone in its script has nothing left
        np.testing.assert_allclose(left[clear], wanted[clear], atol=2e-2)

    @pytest.mark.parametrize(
        "chosen",
        [None, ["天桥.txt"], ["繁體/"], "z/", ["z\\again.txt"], ["english (1).txt", "z/"], ["none"],
         [""], ["*"], ['a"b\\'], ["天桥"], ["./天桥.txt"], ["繁體"], []],
        ids=str,
    )  # fmt: skip
    def test_files_and_folders_are_selected(
        self, filled: Searchable, reference: ReferenceGeneration, chosen: list[str] | None
    ) -> None:
        selection, wanted = filled.select(chosen), reference.select(chosen)
        assert selection == wanted
        found = by_id(filled, filled.rows_of(selection))
        assert sorted(found) == sorted(by_id(reference, reference.rows_of(wanted)))
        inside = filled.passages(filled.all_rows().tolist(), selection)
        assert sorted(inside) == filled.rows_of(selection).tolist()
        assert {place.document for place in inside.values()} <= selection.sources.keys()

    @pytest.mark.parametrize(
        "days",
        [("2021-06-16", None), (None, "2021-06-16"), ("2021-06-17", None), (None, "2021-06-15"),
         ("2021-06-16", "2021-06-16")],
        ids=str,
    )  # fmt: skip
    def test_documents_are_selected_by_day(
        self,
        filled: Searchable,
        reference: ReferenceGeneration,
        days: tuple[str | None, str | None],
    ) -> None:
        assert filled.select(None, *days) == reference.select(None, *days)

    def test_what_stands_around_a_passage(
        self, filled: Searchable, reference: ReferenceGeneration
    ) -> None:
        document = next(d for d, (_, count) in filled.sizes().items() if count > 2)
        for at, place in enumerate(filled.places_in(document)):
            own = reference.places_in(document)[at]
            for count in (0, 1, 5):
                found = [one.id for one in filled.around(place, count)]
                assert found == [one.id for one in reference.around(own, count)]
        assert filled.headlines() == reference.headlines()
        assert by_id(filled, filled.rows_in(document)) != []

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_a_bot_finds_and_answers_the_same(
        self, filled: Searchable, reference: ReferenceGeneration, question: str, site: Site
    ) -> None:
        bot = bot_of(site)
        hits = [hit_to_json(hit) for hit in bot.retrieve(question, 3)]
        assert len({hit["id"] for hit in hits}) == len(hits)
        answer = answer_to_json(bot.ask(question))
        for citation in answer["citations"]:
            text = bot.document(citation["document"]).text
            assert text[citation["start"] : citation["end"]] == citation["quote"]
        limited = bot.retrieve(question, 3, sources=["z/"])
        assert {hit.source for hit in limited} <= {"z/again.txt"}

    def test_a_second_build_encodes_only_what_is_new(self, site: Site) -> None:
        fill(site)
        site.build()
        kept = by_id(opened(site), opened(site).all_rows())
        site.encoder.encoded.clear()
        write(site.documents / "新.txt", "党建产业园新添了天桥。")
        site.build()
        assert set(site.encoder.encoded) == {"党建产业园新添了天桥。"}
        after = by_id(opened(site), opened(site).all_rows())
        assert set(after) > set(kept)
        assert len(after) == len(kept) + 1

    def test_what_is_deleted_is_never_found(self, site: Site) -> None:
        fill(site)
        site.build()
        (site.documents / "天桥.txt").unlink()
        (site.documents / "z/again.txt").unlink()
        site.build()
        found = opened(site)
        assert found.sources == ("english (1).txt", "繁體/濟南.txt")
        query = site.encoder.encode_query("天桥区直播电商企业")
        nearest, _ = found.vectors.search(query, 100)
        matches = found.postings.match(site.tokenizer.tokens("天桥区直播电商"))
        for rows in (nearest, matches.best(100), found.all_rows()):
            texts = [text for _, text in found.texts(rows.tolist()).values()]
            assert not any("直播电商企业" in text for text in texts)
        assert "直播" not in matches.held
        assert [len(p) for p in found.places(found.all_rows().tolist()).values()] == [1] * len(
            found.all_rows()
        )
        assert found.select(["天桥.txt"]).sources == {}
        assert not [h for h in bot_of(site).retrieve("天桥区直播电商", 9) if "直播" in h.text]

    def test_what_is_put_back_is_found_again(self, site: Site) -> None:
        fill(site)
        site.build()
        first = by_id(opened(site), opened(site).all_rows())
        (site.documents / "天桥.txt").unlink()
        site.build()
        fill(site)
        site.build()
        assert sorted(by_id(opened(site), opened(site).all_rows())) == sorted(first)
        matches = opened(site).postings.match(["直播"])
        assert matches.held
        assert len(matches.best(9)) >= 1

    def test_an_edit_takes_the_place_of_the_older_text(self, site: Site) -> None:
        fill(site)
        site.build()
        write(site.documents / "天桥.txt", BRIDGE.replace("136", "137"), age=1800)
        site.build()
        texts = [text for _, text in opened(site).texts(opened(site).all_rows().tolist()).values()]
        assert any("137" in text for text in texts)
        assert not any("电商企业136" in text for text in texts)

    def test_a_reader_sees_one_generation_until_it_opens_the_next(self, site: Site) -> None:
        fill(site)
        site.build()
        before, stamp = opened(site), site.store.stamp()
        kept = by_id(before, before.all_rows())
        (site.documents / "天桥.txt").unlink()
        write(site.documents / "新.txt", "党建产业园新添了天桥。")
        site.build()
        assert site.store.stamp() != stamp
        assert by_id(before, before.all_rows()) == kept
        query = site.encoder.encode_query("党建产业园新添了天桥")
        texts = before.texts(before.vectors.search(query, 100)[0].tolist()).values()
        assert not any("新添了" in text for _, text in texts)
        assert before.postings.match(["直播"]).held
        assert "新.txt" in opened(site).sources

    def test_a_bot_notices_a_new_generation_between_two_questions(self, site: Site) -> None:
        fill(site)
        site.build()
        bot = bot_of(site)
        assert "新.txt" not in bot.info().sources
        write(site.documents / "新.txt", "党建产业园新添了天桥。")
        site.build()
        assert bot.retrieve("党建产业园新添了天桥", 1)[0].source == "新.txt"
        assert bot.info().generation == 2

    def test_nothing_new_publishes_nothing(self, site: Site) -> None:
        fill(site)
        site.build()
        stamp = site.store.stamp()
        report = site.build()
        assert report is None or not report.published
        assert site.store.stamp() == stamp or report is None

    def test_going_back_and_on_again(self, site: Site) -> None:
        fill(site)
        site.build()
        bot = bot_of(site)
        document = bot.retrieve("天桥区直播电商", 1)[0].document
        write(site.documents / "天桥.txt", "天桥区的产业没有了。", age=1800)
        site.build()
        assert not bot.retrieve("直播电商企业136家", 9, sources=["天桥.txt"])[0].text.count("136")
        earlier = bot.earlier_document(document)
        assert earlier is not None
        assert earlier.text == BRIDGE
        site.go_back()
        assert bot.info().generation == 1
        assert bot.retrieve("直播电商企业136家", 1)[0].text.count("136")
        with pytest.raises(IndexDamagedError):
            site.go_back()
        site.build()
        assert "没有了" in bot.retrieve("天桥区的产业没有了", 1)[0].text
        assert bot.info().generation > 1

    def test_another_model_is_refused(self, site: Site) -> None:
        fill(site)
        site.build()
        other = CountingEncoder("产业企天桥区高新党建园济南")
        with pytest.raises(ModelMismatchError, match="was made by the model"):
            Bot(site.index, other, site.tokenizer, store=site.store)

    def test_long_texts_come_back_whole(self, site: Site) -> None:
        line = "天桥区的第{}家企业在党建园，𠮷野家、e\u0301tude、👨‍👩‍👧和\t制表。"
        text = "".join(line.format(number) for number in range(4000))
        write(site.documents / "long.txt", text)
        write(site.documents / "list.txt", "\n".join(f"· 第{n}项 天桥" for n in range(2000)))
        site.build()
        found = opened(site)
        held = found.select(["long.txt"]).sources
        document = next(iter(held))
        assert found.documents([document])[document].text == text
        assert len(text.encode()) > 4 * 65535
        places = found.places_in(document)
        assert [place.spans for place in places] == sorted(place.spans for place in places)
        read = "".join("".join(span.of(text) for span in place.spans) for place in places)
        assert "".join(read.split()) == "".join(text.split())
        matches = found.postings.match(site.tokenizer.tokens("第3999家企业"))
        best = matches.best(1)
        assert "3999" in found.texts(best.tolist())[int(best[0])][1]

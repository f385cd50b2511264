"""The official client against our /v1: answers, streams, annotations, errors, history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from qa.api.messages import Message, question_and_turns
from qa.conversation import Turn
from qa.records import Answer
from qa.render import answer_to_json
from tests.qa.api.conftest import QUESTION, TOKEN, Served, serving

TWO = "天桥区有多少个产业链党组织，高新区有多少个党建联盟？"


def client_of(served: Served, key: str = "any") -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{served.url}/v1", api_key=key, max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False, timeout=120),
    )  # fmt: skip


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[openai.OpenAI]:
    with client_of(served) as found:
        yield found


def citations_of(answer: Answer) -> Any:
    """Return the citations of an answer in the one JSON form of records."""
    return list(answer_to_json(answer)["citations"])


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def test_the_corpus_is_the_one_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["wenju"]
    model = client.models.retrieve("wenju")
    assert (model.id, model.owned_by, model.object) == ("wenju", "wenju", "model")
    assert model.created > 1_700_000_000


@pytest.mark.parametrize("question", [QUESTION, TWO])
def test_an_answer_with_footnotes_and_annotations(
    served: Served, client: openai.OpenAI, question: str
) -> None:
    answer = served.bot.ask(question)
    found = client.chat.completions.create(model="wenju", messages=[user(question)])
    (choice,) = found.choices
    message = choice.message
    assert (choice.finish_reason, message.role, message.refusal) == ("stop", "assistant", None)
    assert found.usage is not None
    content = message.content or ""
    said, _, notes = content.partition("\n\n---\n")
    assert said == "".join(f"{one.text}[{one.number}]" for one in answer.sentences)
    assert [note.split(" · ")[1] for note in notes.split("  \n")] == [
        one.source for one in answer.citations
    ]
    assert message.annotations is not None
    for noted, cited in zip(message.annotations, answer.citations, strict=True):
        place = noted.url_citation
        text = content[place.start_index : place.end_index]
        assert text in [one.text for one in answer.sentences if one.number == cited.number]
        assert content[place.end_index :].startswith(f"[{cited.number}]")
        assert place.title == cited.title
        document = served.get(place.url.removeprefix(served.url)).json()
        assert document["text"] == cited.quote
    assert message.model_extra is not None
    assert message.model_extra["citations"] == citations_of(answer)


@pytest.mark.parametrize("question", [QUESTION, TWO, "熊猫有多少只？", "你好"])
def test_a_stream_says_the_same(client: openai.OpenAI, question: str) -> None:
    whole = client.chat.completions.create(model="wenju", messages=[user(question)]).choices[0]
    chunks = list(
        client.chat.completions.create(model="wenju", messages=[user(question)], stream=True)
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.message.content
    )
    last = chunks[-1].choices[0]
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert last.finish_reason == "stop"
    extra = last.delta.model_extra or {}
    assert extra["citations"] == (whole.message.model_extra or {})["citations"]
    annotations = [one.model_dump() for one in whole.message.annotations or []]
    assert extra["annotations"] == annotations
    assert len({chunk.id for chunk in chunks}) == 1


def test_sentences_are_chunks_of_their_own(served: Served, client: openai.OpenAI) -> None:
    sentences = served.bot.ask(TWO).sentences
    assert len(sentences) > 1
    stream = client.chat.completions.create(model="wenju", messages=[user(TWO)], stream=True)
    said = [chunk.choices[0].delta.content for chunk in stream]
    assert said[1 : len(sentences) + 1] == [f"{one.text}[{one.number}]" for one in sentences]


def test_the_helper_for_streams_of_the_client(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="wenju", messages=[user(QUESTION)]) as stream:
        final = stream.get_final_completion()
    assert (final.choices[0].message.content or "").startswith("截至目前,园区完成签约项目22个。[1]")


def test_usage_is_sent_where_it_is_wanted(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="wenju", messages=[user(QUESTION)], stream=True,
            stream_options={"include_usage": True},
        )
    )  # fmt: skip
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_a_refusal_is_a_message(served: Served, client: openai.OpenAI) -> None:
    found = client.chat.completions.create(model="wenju", messages=[user("熊猫有多少只？")])
    message = found.choices[0].message
    assert (message.content or "").startswith("文档里没有答案。\n")
    assert (message.refusal, message.annotations) == (None, [])
    assert found.choices[0].finish_reason == "stop"
    english = client.chat.completions.create(model="wenju", messages=[user("How many pandas?")])
    assert (english.choices[0].message.content or "").startswith(
        "The documents do not answer this."
    )


def test_a_talk_goes_on(served: Served, client: openai.OpenAI) -> None:
    """What the client sends back is our own message, with its footnotes."""
    messages: list[Any] = [
        {"role": "system", "content": "You are a pirate."},
        user("高新区组建多少个党建联盟？"),
    ]
    first = client.chat.completions.create(model="wenju", messages=messages).choices[0].message
    said = served.bot.ask("高新区组建多少个党建联盟？")
    messages += [{"role": "assistant", "content": first.content}, user("那天桥区呢？")]
    found = client.chat.completions.create(model="wenju", messages=messages)
    wanted = served.bot.ask("那天桥区呢？", [Turn("高新区组建多少个党建联盟？", said.text)])
    assert wanted.question != "那天桥区呢？"
    extra = found.choices[0].message.model_extra or {}
    assert extra["citations"] == citations_of(wanted)


def test_filters_go_in_the_extra_body(client: openai.OpenAI) -> None:
    found = client.chat.completions.create(
        model="wenju", messages=[user(QUESTION)], extra_body={"sources": ["高新.txt"]}
    )
    extra = found.choices[0].message.model_extra or {}
    assert {one["source"] for one in extra["citations"]} <= {"高新.txt"}


def test_messages_in_parts(client: openai.OpenAI) -> None:
    parts: Any = [{"type": "text", "text": QUESTION[:4]}, {"type": "text", "text": QUESTION[4:]}]
    found = client.chat.completions.create(
        model="wenju", messages=[{"role": "user", "content": [parts[0] | {"text": QUESTION}]}]
    )
    assert "22个" in (found.choices[0].message.content or "")
    assert (
        question_and_turns([Message(role="user", content=parts)])[0] == "天桥区签\n约项目有多少个？"
    )


def test_errors_are_those_of_the_client(served: Served, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-4o' here") as unknown:
        client.chat.completions.create(model="gpt-4o", messages=[user(QUESTION)])
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError, match="This model calls no tools") as refused:
        client.chat.completions.create(
            model="wenju", messages=[user(QUESTION)],
            tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        )  # fmt: skip
    assert refused.value.code == "unsupported_parameter"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="wenju", input="x")


def test_a_key_is_a_token(served: Served) -> None:
    with serving(served.bot, served.service.library.index, tokens=[TOKEN]) as closed:
        with client_of(closed, TOKEN) as right:
            assert right.models.list().data[0].id == "wenju"
        with (
            client_of(closed, "sk-wrong-key-of-somebody") as wrong,
            pytest.raises(openai.AuthenticationError, match="not one of this server's") as told,
        ):
            wrong.models.list()
    assert told.value.code == "invalid_api_key"
    assert "sk-wrong" not in str(told.value)


def test_a_raw_stream_ends_as_the_protocol_says(served: Served) -> None:
    body = {"model": "wenju", "messages": [user(QUESTION)], "stream": True}
    with served.client.stream("POST", "/v1/chat/completions", json=body) as response:
        text = response.read().decode()
    lines = text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    for line in lines[:-2]:
        chunk = json.loads(line.removeprefix("data: "))
        assert chunk["object"] == "chat.completion.chunk"

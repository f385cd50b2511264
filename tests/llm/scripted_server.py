"""A real HTTP server that speaks the OpenAI chat protocol and does what a test tells it.

    with scripted("wrong_number", key=KEY) as server:
        settings = Settings(llm_url=server.url, llm_model=server.model, llm_key=KEY)
        ...
        assert server.requests[0].authorization == f"Bearer {KEY}"

A behaviour is a name of `BEHAVIOURS` or a function of an `Exchange`. ``hold`` writes its first
sentence, then waits for `Server.release`.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "scripted-7b"

STEP = 0.05
"""Seconds between the tokens of the slow ones."""


@dataclass(frozen=True)
class Request:
    """A request as it came; header names in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")

    @property
    def prompt(self) -> str:
        """What the user's message says: the passages and the question."""
        return str(self.body["messages"][-1]["content"])


class Server:
    """A running server.

    Attributes:
        url: base URL for clients.
        model: the name that a request must give.
        requests: what came, in order.
    """

    def __init__(self, behaviour: Behaviour, key: str, model: str, other: str) -> None:
        self.key, self.model, self.other = key, model, other
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.ended = threading.Event()
        self.held = threading.Event()
        self._released = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def release(self) -> None:
        """Let a behaviour that holds go on."""
        self._released.set()

    def wait(self) -> None:
        """Wait for `release`, or for the end of the server."""
        self.held.set()
        while not self._released.wait(0.02) and not self.ended.is_set():
            pass

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()


@dataclass
class Exchange:
    """One request and the ways to answer it."""

    server: Server
    request: Request
    handler: BaseHTTPRequestHandler
    pieces: int = field(default=0)

    @property
    def passages(self) -> list[str]:
        """The texts that stand in the prompt, without their titles; the first is number 1."""
        system = self.request.body["messages"][0]["content"]
        fence = re.escape(re.findall(r"==[0-9a-f]+==", system)[0])
        blocks = re.findall(rf"^{fence}\n(.*?)\n{fence}$", self.request.prompt, re.M | re.S)
        return [block.partition("\n")[2] for block in blocks]

    @property
    def question(self) -> str:
        return re.split(r"问题：|問題：|Question: ", self.request.prompt)[-1]

    def best(self) -> tuple[int, str]:
        """Return the sentence that shares most with the question, and its passage's number."""
        wanted = _pairs(self.question)
        told = [
            (number, sentence)
            for number, text in enumerate(self.passages, 1)
            for sentence in re.findall(r"[^。！？!?\n]+(?:[。！？!?]|$)", text)
        ]
        return max(told, key=lambda one: (len(wanted & _pairs(one[1])), -one[0]))

    def status(self, code: int, message: str = "", **headers: str) -> None:
        """Answer with an error of the protocol."""
        error = {"message": message or f"scripted {code}", "type": "scripted", "code": None}
        self.send(code, "application/json", json.dumps({"error": error}), **headers)

    def send(self, code: int, kind: str, body: str, **headers: str) -> None:
        content = body.encode()
        self.handler.send_response(code)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.send_header("content-type", kind)
        self.handler.send_header("content-length", str(len(content)))
        self.handler.end_headers()
        self.handler.wfile.write(content)

    def begin(self) -> None:
        """Send the head of a stream."""
        self.handler.send_response(200)
        self.handler.send_header("content-type", "text/event-stream")
        self.handler.end_headers()

    def raw(self, text: str) -> None:
        """Send text as it is."""
        self.handler.wfile.write(text.encode())
        self.handler.wfile.flush()

    def delta(self, finish: str | None = None, **delta: Any) -> None:
        """Send one chunk of a stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": self.server.model,
            "choices": [choice],
        }
        self.raw(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n")

    def write(self, text: str, step: float = 0.0) -> None:
        """Send text in pieces of a few characters."""
        for at in range(0, len(text), 3):
            if self.server.ended.is_set():
                return
            self.delta(content=text[at : at + 3])
            time.sleep(step)

    def finish(self) -> None:
        """End a stream as the protocol wants it."""
        self.delta(finish="stop")
        self.raw("data: [DONE]\n\n")

    def say(self, text: str, step: float = 0.0) -> None:
        """Send a whole answer."""
        self.begin()
        self.delta(role="assistant", content="")
        self.write(text, step)
        self.finish()

    def pause(self, seconds: float) -> None:
        """Wait, though not beyond the end of the server."""
        self.server.ended.wait(seconds)


Behaviour = Callable[[Exchange], None]


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def cited(number: int, sentence: str) -> str:
    """Return a sentence with its citation before the full stop."""
    sentence = sentence.strip()
    return f"{sentence[:-1]}[{number}]{sentence[-1]}"


def good(to: Exchange) -> None:
    to.say(cited(*to.best()))


def slow(to: Exchange) -> None:
    """As `good`, each token late."""
    to.say(cited(*to.best()), STEP)


def hold(to: Exchange) -> None:
    """Two sentences, the second one when the test releases it."""
    number, sentence = to.best()
    to.begin()
    to.write(cited(number, sentence) + "另外")
    to.server.wait()
    to.write(f"，{cited(number, sentence)}")
    to.finish()


def late(to: Exchange) -> None:
    """Nothing, not even a head."""
    to.pause(60)


def keep_alive(to: Exchange) -> None:
    """Comments for ever."""
    to.begin()
    while not to.server.ended.is_set():
        to.raw(": keep-alive\n\n")
        to.pause(STEP)


def dripping(to: Exchange) -> None:
    """Tokens for ever, none of which ends a sentence."""
    to.begin()
    while not to.server.ended.is_set():
        to.delta(content="园区")
        to.pause(STEP)


def busy(to: Exchange) -> None:
    to.status(429, retry_after="7")


def busy_until(to: Exchange) -> None:
    to.status(429, retry_after=formatdate(time.time() + 31, usegmt=True))


def busy_silent(to: Exchange) -> None:
    to.status(429)


def failing(to: Exchange) -> None:
    to.status(500)


def denied(to: Exchange) -> None:
    to.status(401, "Incorrect API key provided")


def telltale(to: Exchange) -> None:
    """An error that repeats the key, in body and head."""
    to.status(401, f"Incorrect API key: {to.request.authorization}", x_key=to.request.authorization)


def telltale_stream(to: Exchange) -> None:
    """The same in the middle of a stream."""
    to.begin()
    to.write("园区")
    to.raw(f'data: {{"error": {{"message": "bad {to.request.authorization}"}}}}\n\n')


def telltale_json(to: Exchange) -> None:
    """The same in JSON that is none."""
    to.begin()
    to.raw(f'data: {{"choices": "{to.request.authorization}\n\n')


def unknown_model(to: Exchange) -> None:
    to.status(404, "model not found, try pulling it first")


def page(to: Exchange) -> None:
    """A web page: the address is that of something else."""
    to.send(200, "text/html; charset=utf-8", "<!doctype html><title>Router</title><h1>Hello</h1>")


def other_json(to: Exchange) -> None:
    """JSON of another protocol."""
    to.send(200, "application/json", '{"response": "hello", "done": true}')


def other_stream(to: Exchange) -> None:
    """Events of another protocol."""
    to.begin()
    to.raw('data: {"token": "园"}\n\ndata: 17\n\ndata: {"choices": 5}\n\ndata: [DONE]\n\n')


def cut(to: Exchange) -> None:
    """The connection ends in mid-sentence."""
    number, sentence = to.best()
    to.begin()
    to.write(cited(number, sentence) + "另外还")
    to.handler.connection.shutdown(socket.SHUT_RDWR)


def broken_json(to: Exchange) -> None:
    to.begin()
    to.write("园区")
    to.raw('data: {"choices": [{"index": 0, "delta": {"content"\n\n')


def empty(to: Exchange) -> None:
    to.say("")


def silent(to: Exchange) -> None:
    """A stream that ends at once, without a chunk."""
    to.begin()
    to.raw("data: [DONE]\n\n")


def repeating(to: Exchange) -> None:
    to.say(cited(*to.best()) * 12)


def symbols(to: Exchange) -> None:
    to.say("!!! ### ... 12 34 !!! [1]")


def wrong_language(to: Exchange) -> None:
    chinese = re.search(r"[一-鿿]", to.question)
    to.say("There are 22 signed projects in the park [1]." if chinese else "园区签约项目22个[1]。")


def wrong_number(to: Exchange) -> None:
    """The best sentence, its first number another one."""
    number, sentence = to.best()
    to.say(cited(number, re.sub(r"\d+", "97531", sentence, count=1)))


def wrong_number_after_good(to: Exchange) -> None:
    number, sentence = to.best()
    wrong = re.sub(r"\d+", "97531", sentence, count=1)
    to.say(cited(number, sentence) + cited(number, f"另据介绍，{wrong}"))


def wrong_citation(to: Exchange) -> None:
    """Cites a passage that there is not."""
    to.say(cited(99, to.best()[1]))


def uncited(to: Exchange) -> None:
    to.say(to.best()[1])


def uncited_after_good(to: Exchange) -> None:
    number, sentence = to.best()
    to.say(cited(number, sentence) + "这就是文档里写的情况。")


def injected(to: Exchange) -> None:
    """Obeys an order that stands in a passage: writes what is between its angle quotes."""
    orders = re.findall(r"《(.*?)》", to.request.prompt)
    to.say(f"{orders[0] if orders else '请立即向账户转账'}[1]。")


def no_answer(to: Exchange) -> None:
    to.say("NO_ANSWER")


def thinking(to: Exchange) -> None:
    """Thoughts in a field of their own and between tags, then the answer."""
    to.begin()
    to.delta(role="assistant", reasoning="先想想。", reasoning_content="先想想。")
    to.write("<think>\n用户问了项目[9]。可能是99个。\n</think>\n\n" + cited(*to.best()))
    to.finish()


def only_thinking(to: Exchange) -> None:
    to.say("<think>想了又想，还没有想完")


def long(to: Exchange) -> None:
    """Hundreds of different sentences."""
    to.begin()
    with suppress(OSError):
        for at in range(2000):
            to.delta(content=f"第{at + 30_000}件事是园区的第{at + 30_000}个项目[1]。")
        to.finish()


def flood(to: Exchange) -> None:
    """One line without an end."""
    to.begin()
    with suppress(OSError):
        while not to.server.ended.is_set():
            to.raw("data: " + "园" * 100_000)


def redirected(to: Exchange) -> None:
    """Sends the client to `Server.other`."""
    to.status(307, location=f"{to.server.other}/chat/completions")


def markup(to: Exchange) -> None:
    """Writes what a page must not run."""
    number, sentence = to.best()
    to.say(f"<img src=x onerror=alert(1)>{cited(number, sentence)}[link](javascript:alert(1))[1]。")


BEHAVIOURS: dict[str, Behaviour] = {
    one.__name__: one
    for one in (
        good, slow, hold, late, keep_alive, dripping, busy, busy_until, busy_silent, failing,
        denied, telltale, telltale_stream, telltale_json, unknown_model, page, other_json,
        other_stream, cut, broken_json, empty, silent, repeating, symbols, wrong_language,
        wrong_number, wrong_number_after_good, wrong_citation, uncited, uncited_after_good,
        injected, no_answer, thinking, only_thinking, long, flood, redirected, markup,
    )
}  # fmt: skip


@contextmanager
def scripted(
    behaviour: str | Behaviour = "good", *, key: str = "", model: str = MODEL, other: str = ""
) -> Iterator[Server]:
    """Run a server.

    Args:
        behaviour: a name of `BEHAVIOURS`, or a function of an `Exchange`.
        key: requests with another one are refused (401); empty to take any.
        model: requests for another one are refused (404).
        other: where ``redirected`` sends to, a base URL.
    """
    chosen = BEHAVIOURS[behaviour] if isinstance(behaviour, str) else behaviour
    server = Server(chosen, key, model, other)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def closed_url() -> str:
    """Return a base URL at which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}/v1"


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            server.requests.append(request)
            to = Exchange(server, request, self)
            with suppress(OSError):  # a client that has gone
                if server.key and request.authorization != f"Bearer {server.key}":
                    denied(to)
                elif self.path != "/v1/chat/completions" or body.get("model") != server.model:
                    unknown_model(to)
                else:
                    server.behaviour(to)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler

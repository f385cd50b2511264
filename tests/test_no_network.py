"""No network is asked: by a hook on every connection, and where there is no network at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.model

# What a day of use asks for: a model made anew, an index, an answer, the page, a question to it.
USE = """
import json, sys, urllib.request
from pathlib import Path

asked = []

def heard(event, given):
    if event == "socket.connect" and isinstance(given[1], tuple):
        asked.append(given[1][0])
    elif event == "socket.getaddrinfo":
        asked.append(given[0])

sys.addaudithook(heard)

from embeddings.build import build
from embeddings.encoder import open_encoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from qa.bot import Bot
from qa.page.chat import running

documents, index, with_page = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "page"
build(documents, index, open_encoder(), Tokenizer(home() / "jieba"))
bot = Bot.open(index)
answer = bot.ask("园区有多少家企业？")
if with_page:
    with running(bot) as address:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert opener.open(address, timeout=30).status == 200
own = {None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0"}
print(json.dumps([answer.text, sorted({str(one) for one in asked if one not in own})]))
"""


def used(folder: Path, *before: str, page: bool) -> subprocess.CompletedProcess[str]:
    """Run `USE` over one document, with these words before the command."""
    (folder / "documents").mkdir()
    (folder / "documents/园区.txt").write_text("园区简介\n\n园区有28家企业。\n", "utf-8")
    where = [str(folder / "documents"), str(folder / "index"), "page" if page else ""]
    return subprocess.run(
        [*before, sys.executable, "-c", USE, *where],
        capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip


def said_by(done: subprocess.CompletedProcess[str]) -> tuple[str, list[str]]:
    """Return the answer, and who else than this machine was asked."""
    assert done.returncode == 0, done.stderr
    text, asked = json.loads(done.stdout.splitlines()[-1])
    return text, asked


def test_nobody_but_this_machine_is_asked(tmp_path: Path) -> None:
    text, asked = said_by(used(tmp_path, page=True))
    assert "28家" in text
    assert asked == []


def _can_be_cut_off() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(not _can_be_cut_off(), reason="needs `unshare -rn`, which is not allowed here")
def test_it_answers_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    text, _ = said_by(used(tmp_path, "unshare", "-rn", page=False))
    assert "28家" in text

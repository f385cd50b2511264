"""The nginx of docs/deploy, run as it stands there but for ports and files, with Chromium before it."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from qa.page.chat import running
from qa.page.options import Options
from tests.browser.conftest import browser_that_knows
from tests.browser.scripted import ScriptedBot, answer, cite, document
from tests.browser.visitor import PATIENCE

NGINX, OPENSSL = shutil.which("nginx") or "/usr/sbin/nginx", shutil.which("openssl")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(NGINX).exists(), reason="no nginx: apt-get install -y nginx-light"),
    pytest.mark.skipif(OPENSSL is None, reason="no openssl"),
]

EXAMPLE = Path(__file__).parents[2] / "docs" / "deploy" / "nginx.conf"
NAME, USER, PASSWORD = "wenju.example.org", "office", "a long one"
ASKED = "有多少家企业？"
PAGE = document("报.txt", "天桥区有企业100余家。\n", "题")


@pytest.fixture
def bot() -> ScriptedBot:
    return ScriptedBot({PAGE.id: PAGE}, {ASKED: answer(ASKED, cite(PAGE, "天桥区有企业100余家。"))})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def configured(folder: Path, port: int, behind: int) -> Path:
    """Write the example with this machine's ports and files, in the frame that Debian gives it."""
    text = EXAMPLE.read_text("utf-8")
    for stands, here in (
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("server 127.0.0.1:7860", f"server 127.0.0.1:{behind}"),
        ("/etc/ssl/certs/wenju.pem", str(folder / "wenju.pem")),
        ("/etc/ssl/private/wenju.key", str(folder / "wenju.key")),
        ("/etc/nginx/wenju.passwords", str(folder / "passwords")),
    ):
        assert stands in text
        text = text.replace(stands, here)
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    frame = folder / "nginx.conf"
    frame.write_text(
        f"{'user root;' if os.getuid() == 0 else ''}\npid {folder / 'pid'};\nerror_log {folder / 'errors'};\ndaemon off;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}}}\n",
        encoding="utf-8",
    )
    return frame


def certify(folder: Path) -> None:
    command = (
        f"{OPENSSL} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={NAME} "
        f"-keyout {folder / 'wenju.key'} -out {folder / 'wenju.pem'}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    made = subprocess.run(
        [str(OPENSSL), "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True
    )
    (folder / "passwords").write_text(f"{USER}:{made.stdout.strip()}\n", encoding="utf-8")


def listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def proxy(folder: Path, behind: int) -> Iterator[int]:
    """Run nginx before a port; gives its own."""
    port = free_port()
    certify(folder)
    frame = configured(folder, port, behind)
    with subprocess.Popen(
        [NGINX, "-p", str(folder), "-c", str(frame)], stderr=subprocess.PIPE
    ) as nginx:
        try:
            until = time.monotonic() + 20
            while not listens(port):
                assert nginx.poll() is None, nginx.stderr and nginx.stderr.read().decode()
                assert time.monotonic() < until
                time.sleep(0.05)
            yield port
        finally:
            nginx.terminate()


@pytest.fixture
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """A browser for which the proxy's name leads to this machine."""
    with browser_that_knows(playwright, NAME) as browser:
        yield browser


def context_of(chromium: Browser) -> BrowserContext:
    return chromium.new_context(
        ignore_https_errors=True,
        locale="zh-CN",
        http_credentials={"username": USER, "password": PASSWORD},
    )


def test_a_browser_asks_through_the_proxy(
    bot: ScriptedBot, chromium: Browser, tmp_path: Path
) -> None:
    with (
        running(bot, options=Options(public_name=NAME)) as address,
        proxy(tmp_path, int(address.rstrip("/").rpartition(":")[2])) as port,
        context_of(chromium) as context,
    ):
        page, errors, requested = context.new_page(), [], []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: requested.append(request.url))
        page.goto(f"https://{NAME}:{port}/")
        expect(page.locator("#question")).to_be_visible(timeout=PATIENCE)
        page.locator("#question").fill(ASKED)
        page.locator("#question").press("Enter")
        page.locator(".cite").click(timeout=PATIENCE)
        expect(page.locator("#panel mark")).to_have_text("天桥区有企业100余家。")
        assert errors == []
        own = (f"https://{NAME}:{port}/", "data:", "blob:")
        assert [url for url in requested if not url.startswith(own)] == []


def asked(port: int, path: str = "/", **headers: str) -> httpx.Response:
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    given = {"host": f"{NAME}:{port}", "authorization": f"Basic {basic}"} | headers
    with httpx.Client(verify=False, trust_env=False) as client:
        return client.get(
            f"https://127.0.0.1:{port}{path}", headers=given, extensions={"sni_hostname": NAME}
        )


def test_the_proxy_lets_in_who_is_known_and_no_page_of_another_site(
    bot: ScriptedBot, tmp_path: Path
) -> None:
    with (
        running(bot, options=Options(public_name=NAME)) as address,
        proxy(tmp_path, int(address.rstrip("/").rpartition(":")[2])) as port,
    ):
        assert asked(port).status_code == 200
        assert "strict-transport-security" in asked(port).headers
        assert asked(port, authorization="").status_code == 401
        assert asked(port, origin="https://evil.example").status_code == 403
        assert asked(port, "/wenju/state", sec_fetch_site="cross-site").status_code == 200
        crossing = {"sec-fetch-site": "cross-site"}
        assert asked(port, "/wenju/state", **crossing).status_code == 403
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"https://127.0.0.1:{port}/", verify=False, trust_env=False)
        direct = httpx.get(address, headers={"host": "evil.example"}, trust_env=False)
        assert direct.status_code == 403


def test_without_its_name_the_proxy_is_refused(bot: ScriptedBot, tmp_path: Path) -> None:
    with (
        running(bot) as address,
        proxy(tmp_path, int(address.rstrip("/").rpartition(":")[2])) as port,
    ):
        assert asked(port).status_code == 403

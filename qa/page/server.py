"""Serves the page's blocks: gradio with its generous defaults switched off, behind the guard."""

from __future__ import annotations

import secrets
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI

from qa.connections import Connection
from qa.page.acts import Acts, fault
from qa.page.blocks import style
from qa.page.colours import accent_style
from qa.page.frame import ASSETS
from qa.page.guard import Application, Guard
from qa.page.handlers import Page
from qa.question_log import Logging

PATIENCE_SECONDS = 1
"""How long answers on their way may keep a server that was told to stop."""

Beside = Callable[[Application], Application]
"""Puts what is served beside the page in front of it."""


class PageServer(uvicorn.Server):
    """A server of one page; `run` serves until it is interrupted or `should_exit` is set."""

    def __init__(
        self,
        page: Page,
        blocks: gr.Blocks,
        host: str,
        auth: str | None = None,
        beside: Beside | None = None,
    ) -> None:
        token = secrets.token_urlsafe(32)
        name = page.options.public_name
        self._guard = Guard(_mounted(page, blocks, token), host, token, auth, name)
        super().__init__(
            uvicorn.Config(
                _logged(self._guard if beside is None else beside(self._guard), page),
                http=Connection,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=PATIENCE_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of the open pages, then stop."""
        self._guard.close()
        await super().shutdown(sockets)


def _logged(application: Application, page: Page) -> Application:
    log = page.options.log
    return application if log is None else Logging(application, log)


def _mounted(page: Page, blocks: gr.Blocks, token: str) -> FastAPI:
    routes = Acts(page, token).routes()
    mounted: FastAPI = gr.mount_gradio_app(
        FastAPI(
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            routes=[*routes],
            exception_handlers={Exception: fault},
        ),
        blocks,
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        blocked_paths=[str(Path.cwd()), tempfile.gettempdir()],
        favicon_path=str(ASSETS / "favicon.svg"),
        show_error=False,
        max_file_size="1mb",
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=_theme(),
        # Not `css`: gradio rewrites its selectors and gets some of them wrong.
        head=f"<style>{_style(page)}</style>",
    )
    return mounted


def _style(page: Page) -> str:
    accent = page.options.accent
    return style(page) + (accent_style(accent) if accent else "")


def _theme() -> gr.themes.Base:
    fonts = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
    return gr.themes.Base(font=fonts, font_mono=["ui-monospace", "monospace"])

"""Serves the page's blocks: gradio with its generous defaults switched off, behind the guard."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI

from qa.page.frame import ASSETS, asset
from qa.page.guard import Guard

PATIENCE_SECONDS = 1
"""How long answers on their way may keep a server that was told to stop."""


class PageServer(uvicorn.Server):
    """A server of one page; `run` serves until it is interrupted or `should_exit` is set."""

    def __init__(self, blocks: gr.Blocks, host: str) -> None:
        self._guard = Guard(_mounted(blocks), host)
        super().__init__(
            uvicorn.Config(
                self._guard,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=PATIENCE_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of the open pages, then stop."""
        self._guard.close()
        await super().shutdown(sockets)


def _mounted(blocks: gr.Blocks) -> FastAPI:
    mounted: FastAPI = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
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
        head=f"<style>{asset('page.css')}</style>",
    )
    return mounted


def _theme() -> gr.themes.Base:
    fonts = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
    return gr.themes.Base(font=fonts, font_mono=["ui-monospace", "monospace"])

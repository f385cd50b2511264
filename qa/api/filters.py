"""Files and folders that a question is limited to: unknown ones are told, not passed over."""

from __future__ import annotations

from collections.abc import Sequence

from qa.api.problems import ApiError
from qa.api.service import ServedBot
from qa.terminal import unknown_sources

_TOLD = 3


def check_sources(bot: ServedBot, sources: Sequence[str] | None) -> None:
    """Refuse files and folders that the index does not hold.

    Raises:
        ApiError: when there are any; names what is near.
    """
    if not sources:
        return
    unknown = list(unknown_sources(sources, bot.info().sources))
    if unknown:
        more = f"; and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
        said = "; ".join(unknown[:_TOLD]) + more
        raise ApiError(404, f"{said[0].upper()}{said[1:]}", "unknown_source", "sources")

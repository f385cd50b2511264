"""The read side: a question becomes passages and an answer with citations.

from qa import Bot, retrieve
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.bot import Bot, retrieve

__all__ = ["Bot", "retrieve"]


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used, so that `wenju --help` is instant."""
    if name not in __all__:
        raise AttributeError(f"module 'qa' has no attribute {name!r}; it has {', '.join(__all__)}")
    from qa import bot

    return getattr(bot, name)

"""The table of views: what is not in it does not show on the page."""

from __future__ import annotations

from qa.page.ask_view import AskView
from qa.page.documents_view import documents_view
from qa.page.feedback_view import FeedbackView
from qa.page.map_view import MappedBot, MapView
from qa.page.options import Options
from qa.page.protocols import AnsweringBot
from qa.page.search_view import SearchView
from qa.page.views import View


def views(bot: AnsweringBot, options: Options) -> tuple[View, ...]:
    """Return the views of a page over `bot`, in the order of the navigation."""
    found: list[View] = [AskView(bot)]
    documents = documents_view(bot, options)
    if documents is not None:
        found.append(documents)
    found.append(SearchView(bot))
    if isinstance(bot, MappedBot):
        found.append(MapView(bot))
    if options.index is not None and not options.read_only:
        found.append(FeedbackView(bot, options.index))
    return tuple(found)

"""How much one request may ask for. More is refused with a sentence, never cut off in silence."""

from __future__ import annotations

from qa.bot import LONGEST_QUESTION as LONGEST_QUESTION

LARGEST_BODY = 1024 * 1024
"""Bytes of the body of a request."""

MOST_TURNS = 100
"""Turns of a history; of a chat with more messages, which clients send whole, the last count."""

MOST_HITS = 100
"""Passages that one search gives."""

NEAREST = 5
"""Nearest passages that stand beside an answer, at most."""

MOST_SOURCES = 200
"""Files and folders that a question may be limited to."""

MOST_FILES = 1000
"""Files of one part of the list of documents."""

LONGEST_PART = 20_000
"""Characters of a document that a language model is given at once; it is told what is left."""

LARGEST_OFFSET = 2**53 - 1
"""Highest number of a character or file: every JSON reader holds it exactly."""

ASKED_AT_ONCE = 4
"""Questions that are answered at the same time; more would only slow each other down."""

WRITTEN_AT_ONCE = 8
"""Answers that are written by a language model at the same time; most of it is waiting."""

READ_AT_ONCE = 16
"""Other requests that are answered at the same time."""

WATCHED_AT_ONCE = 2
"""Requests whether the server works that are answered at the same time."""

WAITING = 64
"""Requests of either kind that may wait; more are told to come again."""

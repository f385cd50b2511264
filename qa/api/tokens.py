"""Bearer tokens: where they are read from, and whether a request carries one.

Only their digests are kept, so none can get into a log, an error or a traceback.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from embeddings.errors import SettingError

VARIABLE = "WENJU_TOKENS"
"""Environment variable with tokens, white space or commas between them."""

SHORTEST = 16
"""Characters of a token at least."""

_TOKEN = re.compile(r"[!-~]+")
_ADVICE = 'make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'


class Tokens:
    """The tokens that open a server; without any it is open to whoever reaches it.

    Args:
        given: the tokens themselves.

    Raises:
        SettingError: when one is too short, or no header could carry it.
    """

    def __init__(self, given: Iterable[str] = ()) -> None:
        self._digests = tuple(_digest(_checked(token)) for token in given)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def __repr__(self) -> str:
        return f"Tokens({len(self._digests)})"

    def open(self, authorization: str) -> bool:
        """Tell whether an Authorization header carries one, in a time that tells nothing."""
        kind, _, given = authorization.partition(" ")
        digest = _digest(given.strip())
        same = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(same) and kind.lower() == "bearer"


def read(
    given: Iterable[str] = (), file: str = "", environment: Mapping[str, str] | None = None
) -> Tokens:
    """Return all tokens that are set.

    Args:
        given: on the command line.
        file: holds one a line; empty lines and those that begin with ``#`` do not count.
        environment: None for the process environment.

    Raises:
        SettingError: when the file cannot be read or holds none, or a token cannot be used.
    """
    variables = os.environ if environment is None else environment
    found = re.split(r"[\s,]+", variables.get(VARIABLE, ""))
    return Tokens([*given, *(_lines(Path(file)) if file else ()), *filter(None, found)])


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SettingError(
            f"The file of tokens {str(file)!r} cannot be read ({why}); give a file with one "
            "token a line: --token-file FILE"
        ) from None
    found = [line.strip() for line in text.splitlines()]
    tokens = [line for line in found if line and not line.startswith("#")]
    if not tokens:
        raise SettingError(f"The file of tokens {str(file)!r} holds none; {_ADVICE}")
    return tokens


def _checked(token: str) -> str:
    if len(token) < SHORTEST:
        raise SettingError(
            f"A token has {len(token)} characters; it needs {SHORTEST} or more: {_ADVICE}"
        )
    if not _TOKEN.fullmatch(token):
        raise SettingError(
            "A token holds a space or a character outside of ASCII, which no client could send; "
            + _ADVICE
        )
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()

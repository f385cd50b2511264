"""Where a language model is and how it is asked; what is said when it fails. Contacts nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from embeddings.errors import SettingError
from embeddings.settings import Settings
from qa.records import Failure

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ModelFailedError(Exception):
    """The model gave no answer; it never reaches a user.

    Attributes:
        failure: what went wrong.
        wait: seconds after which it may be asked again, where the server said so.
    """

    def __init__(self, failure: Failure, wait: float | None = None) -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Access:
    """Where the model is, and how it is asked.

    Attributes:
        url: base URL, as ``http://127.0.0.1:11434/v1``.
        model: its name there.
        key: never shown.
        timeout: seconds that a whole answer may take.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 60.0

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """Return what the settings say.

        Raises:
            SettingError: no model is set, or URL or key cannot be used. Neither is repeated in the
                error: people paste keys into the wrong one.
        """
        url, model = settings.llm_url.strip(), settings.llm_model.strip()
        key = settings.llm_key.strip()
        _check_set(url, model)
        if wrong := _wrong_in(url):
            raise SettingError(
                f"The setting 'llm_url' {wrong}; give the base URL of an OpenAI-compatible server, "
                "such as http://127.0.0.1:11434/v1"
            )
        if not all("!" <= character <= "~" for character in key):
            raise SettingError(
                "The setting 'llm_key' holds a space or a character outside of ASCII, which no "
                "header can carry; give the key as its server shows it"
            )
        return cls(url, model, key, settings.llm_timeout)

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine: no proxy leads to it."""
        return urlsplit(self.url).hostname in _LOOPBACK


def is_set(settings: Settings) -> bool:
    """Tell whether the settings name a language model, be it in part."""
    return bool(settings.llm_url.strip() or settings.llm_model.strip())


def _check_set(url: str, model: str) -> None:
    if not url and not model:
        raise SettingError(
            "No language model is set; give llm_url and llm_model in wenju.toml, or "
            "WENJU_LLM_URL (such as http://127.0.0.1:11434/v1) and WENJU_LLM_MODEL"
        )
    if not url:
        raise SettingError(
            "The setting 'llm_model' names a language model, but 'llm_url' is empty; give the base "
            "URL of its server, such as http://127.0.0.1:11434/v1"
        )
    if not model:
        raise SettingError(
            "The setting 'llm_url' names a server, but 'llm_model' is empty; give the name of a "
            "model there, such as qwen2.5:7b"
        )


def _wrong_in(url: str) -> str:
    """Return what is wrong with a base URL, without repeating it; empty if nothing is."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds a space"
    if not url.lower().startswith(("http://", "https://")):
        return "does not begin with http:// or https://"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address"
    return _wrong_parts(parts, port)


def _wrong_parts(parts: SplitResult, port: int | None) -> str:
    if "@" in parts.netloc:
        return "holds a user name or a password, and the key has the setting 'llm_key'"
    if not parts.hostname:
        return "names no server"
    if port == 0:
        return "has the port 0"
    return "goes on with ? or #" if parts.query or parts.fragment else ""

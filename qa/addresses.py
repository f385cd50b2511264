"""Where a server listens, and by which names it may be called. Knows nothing of what is served."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from embeddings.errors import SettingError

HOST = "127.0.0.1"
PORT = 7860


def named(host: str) -> str:
    """Return the name in a Host header without its port; empty where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_known_host(name: str, *known: str) -> bool:
    """Say whether a request may name this machine so; a foreign domain name may not.

    Args:
        name: host name of a request's Host header, without the port.
        known: host that the server was told to listen on, and the name of a reverse proxy.
    """
    named_here = {"localhost", socket.gethostname().lower(), *(one.lower() for one in known)}
    if name and name in named_here:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_name(name: str) -> None:
    """Refuse what is no host name, as the setting ``public_name`` gives it; empty is none.

    Raises:
        SettingError: when it holds more than a name, as a scheme or a port.
    """
    if name and named(name) != name.lower():
        raise SettingError(
            f"Setting 'public_name' is {name!r}; give the bare name by which browsers call the "
            "reverse proxy, as in wenju.example.org"
        )


def is_loopback(host: str) -> bool:
    """Say whether only programs of this machine reach what listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def listening(host: str, port: int, command: str = "wenju chat") -> Iterator[socket.socket]:
    """Listen on exactly this address; the socket is kept, so nobody can take it in between.

    Args:
        host: address or name of this machine.
        port: 0 to 65535; 0 takes a free one.
        command: what errors tell to say otherwise.

    Raises:
        SettingError: when the address cannot be listened on.
    """
    if not 0 <= port <= 65535:
        raise SettingError(f"Port {port} is not between 0 and 65535; choose one: {command} --port")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise SettingError(_why_not(host, port, error, command)) from error
    with listener:
        # Connections take it over. asyncio sets it only where a socket names its protocol, as this
        # one does not; without it the end of an answer waits for the client's delayed receipt.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def _why_not(host: str, port: int, error: OSError, command: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use; stop the program that uses it or choose another "
            f"port: {command} --port {min(port + 1, 65535)}"
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} on {host} is not allowed to this user; choose a port above 1023: "
            f"{command} --port {PORT}"
        )
    return (
        f"Cannot listen on {host} port {port} ({error.strerror or error}); give an address of "
        f"this machine: {command} --host {HOST}"
    )


def url_of(host: str, listener: socket.socket) -> str:
    """Return the address by which this machine opens what listens there."""
    shown = HOST if host in {"", "0.0.0.0", "::"} else host  # noqa: S104
    name = f"[{shown}]" if ":" in shown else shown
    return f"http://{name}:{listener.getsockname()[1]}"

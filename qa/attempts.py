"""How often an address may give a wrong password or token: guessing has to be slow."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

MOST = 10
"""Different wrong ones of an address, within `SECONDS`; then nobody is let in from there a while.

The same one again is no guess: a program with an old token shuts nobody out.
"""

SECONDS = 300.0

MOST_ADDRESSES = 10_000
"""Addresses that are remembered; of more, those are forgotten that were wrong longest ago."""

_NETWORK_BITS = 64


class Attempts:
    """Wrong attempts of the last minutes, by address; for one event loop.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, dict[int, float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Return the whole seconds until an address may try again; 0 when it may now."""
        wrong = self._wrong.get(_network(address), {})
        if len(wrong) < MOST:
            return 0
        return max(0, math.ceil(min(wrong.values()) + SECONDS - self._clock()))

    def failed(self, address: str, given: str) -> None:
        """Note a wrong attempt; what was given is not kept."""
        key, now = _network(address), self._clock()
        wrong = self._wrong.setdefault(key, {})
        for old in [one for one, then in wrong.items() if then + SECONDS <= now]:
            del wrong[old]
        wrong[hash(given)] = now
        self._wrong.move_to_end(key)
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)


def _network(address: str) -> str:
    """Return what one household has to itself: an address of IPv4, the first half of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(int(found) >> _NETWORK_BITS)


def caller_of(client: tuple[str, int] | None) -> str:
    """Return the address of an ASGI scope's ``client``; empty where there is none."""
    return client[0] if client else ""


def sentence(seconds: int) -> str:
    """Return what is said to who has to wait."""
    return (
        f"Too many wrong passwords or tokens came from this address; try again in {seconds} seconds"
    )

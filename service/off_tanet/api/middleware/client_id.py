"""Identification of the client of a request, for the fair sharing of the service."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from starlette.types import Scope

from off_tanet.api.middleware.auth import key_name
from off_tanet.limits import ShareBy

ClientOf = Callable[[Scope], str]

_V6_PREFIX = 64  # providers assign at least this to one household or machine


def client_of(share_by: ShareBy) -> ClientOf:
    """Return the function that identifies the client of a request.

    Requests that it gives the same identifier share one client's part of the service; an empty
    identifier stands for all clients that cannot be distinguished.
    """
    return {"client": _by_key_or_address, "key": _by_key, "none": lambda _: ""}[share_by]


def _by_key(scope: Scope) -> str:
    name = key_name(scope)
    return "" if name is None else f"key {name}"


def _by_key_or_address(scope: Scope) -> str:
    return _by_key(scope) or _network(str((scope.get("client") or ("", 0))[0]))


@lru_cache(maxsize=1024)
def _network(host: str) -> str:
    """Return the address of an IPv4 client, or the network of an IPv6 client."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a Unix socket, or a name that the server has invented
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, _V6_PREFIX), strict=False))

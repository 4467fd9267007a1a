"""Validation of the `Host` header.

Proxies and servers may interpret a request without this header, or with two of them, differently.
"""

from __future__ import annotations

import re

from starlette.types import Scope

from off_tanet.errors import OffTanetError

# RFC 3986, section 3.2.2: a name, an IPv4 address, or an address in brackets. It may be empty.
_HOST = re.compile(
    rb"([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(:[0-9]*)?"
    rb"|\[[0-9A-Fa-fv:.A-Za-z~!$&'()*+,;=_-]+\](:[0-9]*)?"
)


class HostError(OffTanetError):
    """The `Host` header is missing, repeated or malformed."""

    status = 400
    code = "bad_host"
    title = "Bad Host header"


class HostGuard:
    """Refuses a request (400) if `Host` is malformed, repeated or, in HTTP/1.1, missing."""

    def check(self, scope: Scope) -> None:
        """Raise HostError if the request does not name exactly one valid host."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if not hosts and scope["http_version"] == "1.1":
            raise HostError("A request must have a Host header (RFC 9112, section 3.2).")
        if len(hosts) > 1:
            raise HostError("A request must have only one Host header (RFC 9112, section 3.2).")
        if hosts and not _HOST.fullmatch(hosts[0]):
            raise HostError("The Host header is not a valid host (RFC 9110, section 7.2).")

"""Sends cases to a server, several at a time, and checks each response."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.cases import Case, case

_CLIENTS = 4
_PATIENCE_S = 120.0
_OVERLOADED = {"queue_full"}  # refusals that do not depend on the request


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0: the connection was closed without a response. `code`: the problem's."""

    status: int
    code: str
    seconds: float
    fault: str = ""


@dataclass(slots=True)
class Tally:
    """Responses counted by kind of case, status and code; faults by the name of their case."""

    counts: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    slowest_s: float = 0.0

    def note(self, name: str, kind: str, answer: Answer) -> None:
        self.counts[kind, answer.status, answer.code] += 1
        self.slowest_s = max(self.slowest_s, answer.seconds)
        if answer.fault:
            self.faults[name] = f"{kind}: {answer.status} {answer.code}: {answer.fault}"

    def add(self, other: Tally) -> None:
        """Add the counts of another one."""
        self.counts += other.counts
        self.faults |= other.faults
        self.slowest_s = max(self.slowest_s, other.slowest_s)

    def total(self, status: int) -> int:
        return sum(count for (_, seen, _), count in self.counts.items() if seen == status)

    @property
    def server_errors(self) -> int:
        return sum(count for (_, status, _), count in self.counts.items() if status >= 500)

    def table(self) -> list[str]:
        """Counts by status and code, the most frequent first."""
        sums: Counter[str] = Counter()
        for (_, status, code), count in self.counts.items():
            sums[f"{status or 'closed'} {code}"] += count
        return [f"{count:8d}  {kind}" for kind, count in sums.most_common()]


def send_all(port: int, seed: int, indices: Iterable[int], deadline_s: float) -> Tally:
    """Make, send and check the cases `seed`:`index`."""

    def one(index: int) -> tuple[str, str, Answer]:
        made = case(seed, index)
        return f"{seed}:{index}", made.kind, ask(port, made, deadline_s)

    tally = Tally()
    with ThreadPoolExecutor(_CLIENTS) as threads:
        for result in threads.map(one, indices):
            tally.note(*result)
    return tally


def ask(port: int, case: Case, deadline_s: float) -> Answer:
    """Send one case and check its response; a fault names what was wrong."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), _PATIENCE_S) as connection:
        with contextlib.suppress(ConnectionError):  # it may be refused before it is all sent
            connection.sendall(case.request)
        if not case.whole:
            with contextlib.suppress(OSError):  # ENOTCONN, if it was reset meanwhile
                connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection, method=_method(case))
        try:
            response.begin()
            body = response.read()
        except (http.client.HTTPException, OSError) as error:
            fault = f"no answer: {type(error).__name__}" if case.whole else ""
            return Answer(0, "", time.monotonic() - started, fault)
    status, content = response.status, _json(response, body)
    seconds, code = time.monotonic() - started, str(content.get("code", ""))
    status = int(content.get("status", status))
    return Answer(status, code, seconds, _fault(case, status, code, content, seconds >= deadline_s))


def _method(case: Case) -> str:
    return case.request.split(b" ", 1)[0].decode("latin-1")


def _json(response: http.client.HTTPResponse, body: bytes) -> dict[str, Any]:
    """The JSON of a response, or of the last event of a stream."""
    kind = response.headers.get_content_type()
    if kind == "text/event-stream":
        body = body.rpartition(b"data: ")[2]
    elif kind not in ("application/json", "application/problem+json"):
        return {}
    content: dict[str, Any] = json.loads(body) if body else {}
    return content


def _fault(case: Case, status: int, code: str, content: dict[str, Any], late: bool) -> str:
    if status >= 500 and not (status == 504 and late) and code not in _OVERLOADED:
        return "the service failed"
    if status >= 400 and case.whole and not code:
        return "the problem is none"
    if status == 200 and "probabilities" in content:
        total = sum(content["probabilities"].values())
        return "" if abs(total - 1) <= 1e-6 else f"probabilities sum to {total}"
    return ""

"""The service from afar, with the methods, the types and the errors of a Recognizer.

`Client` waits, `AsyncClient` awaits. Needs the extra `client`.
"""

from off_tanet.client.clients import AsyncClient, Client
from off_tanet.client.retry import RetryPolicy

__all__ = ["AsyncClient", "Client", "RetryPolicy"]

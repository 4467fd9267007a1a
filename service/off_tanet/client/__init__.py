"""HTTP clients of the service, with the methods, types and errors of a `Recognizer`.

`Client` is synchronous, `AsyncClient` asynchronous. Both need the extra `client`.
"""

from off_tanet.client.async_client import AsyncClient
from off_tanet.client.client import Client
from off_tanet.client.retry import RetryPolicy

__all__ = ["AsyncClient", "Client", "RetryPolicy"]

"""The service from afar, with the methods, the types and the errors of a Recognizer.

`Client` waits, `AsyncClient` awaits. Needs the extra `client`.
"""

from service.client.clients import AsyncClient, Client
from service.client.patience import Patience

__all__ = ["AsyncClient", "Client", "Patience"]

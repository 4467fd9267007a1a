"""Extensions of uvicorn's HTTP protocol: limits on connections, and a graceful shutdown."""

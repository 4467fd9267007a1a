"""Extensions of uvicorn's protocols: limits on connections, and a graceful shutdown."""

"""Live streams: the conversation with a client over a WebSocket."""

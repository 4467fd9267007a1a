"""ASGI middlewares of the application."""

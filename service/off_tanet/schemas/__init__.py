"""Formats of requests and responses."""

"""The HTTP API: application, routes, middleware, errors, metrics and traces."""

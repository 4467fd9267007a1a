"""Another application with the service under a prefix, as in `docs/python.md`."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI
from off_tanet import logs
from off_tanet.api.app import create_app


def main() -> None:
    service = create_app()
    app = FastAPI(lifespan=service.router.lifespan_context)
    app.mount("/face", service)
    logs.configure("text")
    uvicorn.run(app, port=0, log_config=None)


if __name__ == "__main__":
    main()

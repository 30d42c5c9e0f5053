"""A page that is served to this machine alone."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from src.core.errors import UserError
from src.pages.guard import Guard

FILES = Path(__file__).parent / "files"


def local_app(page: str) -> FastAPI:
    """Return an app that shows `page`, a file of FILES, and says every error in one line."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)
    app.mount("/files", StaticFiles(directory=FILES))

    @app.get("/")
    def first() -> FileResponse:
        return FileResponse(FILES / page)

    @app.exception_handler(UserError)
    def mistake(_: Request, error: UserError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 400)

    @app.exception_handler(OSError)
    def disk(_: Request, error: OSError) -> JSONResponse:
        return JSONResponse({"error": error.strerror or str(error)}, 500)

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail.lower()}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    def not_as_expected(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return JSONResponse({"error": "the request is no JSON"}, 422)
        where = str(first["loc"][-1]) if len(first["loc"]) > 1 else "the request"
        return JSONResponse({"error": f"{where}: {first['msg'].lower()}"}, 422)

    return app


def jpeg_response(content: bytes | None) -> Response:
    """Return a photo, or that there is none."""
    if content is None:
        return JSONResponse({"error": "there is no such photo"}, 404)
    return Response(content, media_type="image/jpeg")


def positive_number(text: str) -> int:
    """Read an option of the command line."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return number


def port_number(text: str) -> int:
    """Read an option of the command line; 0 for any free port."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a port from 0 to 65535")
    return number


def serve_locally(app: FastAPI, port: int) -> None:
    """Serve a page at 127.0.0.1 until Ctrl+C, and say its address.

    Raises:
        UserError: another program has the port.
    """
    with closing(socket(AF_INET, SOCK_STREAM)) as listening:
        # A server that was just stopped does not keep its port.
        listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            listening.listen()
        except OSError as error:
            raise UserError(
                f"port {port} is taken ({error.strerror}); give another one with --port, or 0 for "
                "any that is free"
            ) from error
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        print(f"{address}  (Ctrl+C ends it)", flush=True)
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        uvicorn.Server(config).run(sockets=[listening])

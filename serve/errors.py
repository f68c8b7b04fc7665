"""How errors look in the REST API: `{"error", "message", "field", "diagnostics"}`, everywhere."""

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sfc.asl.diagnostics import Diagnostic
from sfc.errors import InvalidDefinition, Overloaded, SfcError, Unavailable

log = logging.getLogger(__name__)

_CODES = {404: "NotFound", 405: "MethodNotAllowed", 415: "UnsupportedMediaType"}


def error_body(code: str, message: str, field: str | None = None, diagnostics: object = ()) -> dict[str, Any]:
    """The one shape of errors. `diagnostics` are those of a definition."""
    found = diagnostics if isinstance(diagnostics, tuple) else ()
    return {
        "error": code,
        "message": message,
        "field": field,
        "diagnostics": [asdict(d) for d in found if isinstance(d, Diagnostic)],
    }


def respond(error: SfcError) -> JSONResponse:
    """The response to an error raised on purpose; those that pass say when to come again."""
    found = error.diagnostics if isinstance(error, InvalidDefinition) else ()
    headers: Mapping[str, str] | None = None
    if isinstance(error, Overloaded | Unavailable):
        headers = {"Retry-After": str(max(1, math.ceil(error.retry_after_s)))}
    return JSONResponse(error_body(error.code, error.message, error.field, found), error.status, headers)


def install(app: FastAPI) -> None:
    """Have the application answer every error in this shape."""

    @app.exception_handler(SfcError)
    async def on_purpose(request: Request, error: SfcError) -> JSONResponse:
        return respond(error)

    @app.exception_handler(RequestValidationError)
    async def bad_request(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return JSONResponse(error_body("MalformedJson", _place(first, error.body)), 400)
        field = ".".join(str(part) for part in first["loc"][1:])
        message = "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in error.errors())
        return JSONResponse(error_body("ValidationException", message, field or None), 400)

    @app.exception_handler(HTTPException)
    async def by_framework(request: Request, error: HTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "BadRequest")
        message = str(error.detail)
        if error.status_code == 404:
            message = f"there is nothing at {request.url.path}"
        return JSONResponse(error_body(code, message), error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_body("InternalError", "the server failed to handle this request"), 500)


def _place(found: Mapping[str, Any], body: object) -> str:
    position = int(found["loc"][-1]) if isinstance(found["loc"][-1], int) else 0
    before = body[:position] if isinstance(body, str) else ""
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    reason = found.get("ctx", {}).get("error", found["msg"])
    return f"the body is not JSON: {reason} at line {line}, column {column}"

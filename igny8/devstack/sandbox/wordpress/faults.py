"""Errors in WordPress's shape: `{"code", "message", "data": {"status"}}`."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse, Response

#: The status is 401 for nobody and 403 for a user, which only the answering side knows.
NOT_ALLOWED: Final = 0


class Fault(Exception):
    """An answer that is an error. `data` is what is told beside the status, `beside` what is told beside `data`."""

    def __init__(
        self, code: str, message: str, status: int, data: Mapping[str, Any] | None = None, **beside: Any
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self._data, self._beside = data or {}, beside

    def response(self, *, signed_in: bool) -> Response:
        status = self.status if self.status != NOT_ALLOWED else 403 if signed_in else 401
        body = {"code": self.code, "message": self.message, "data": {"status": status, **self._data}, **self._beside}
        return JSONResponse(body, status)


class BareFault(Fault):
    """One that WordPress answers as 500, with no data."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, 500)

    def response(self, *, signed_in: bool) -> Response:
        return JSONResponse({"code": self.code, "message": self.message, "data": None}, 500)


def denied(code: str, message: str) -> Fault:
    return Fault(code, f"Sorry, you are not allowed to {message}.", NOT_ALLOWED)


def no_route() -> Fault:
    return Fault("rest_no_route", "No route was found matching the URL and request method.", 404)

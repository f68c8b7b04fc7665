"""The warehouse: a REST service beside SFC that knows nothing of it.

    POST /reservations {"order", "sku", "quantity"}
        201 {"reservation", "sku"} · 409 when the shelf is empty · 503 now and then

Repeats with the same Idempotency-Key get the same reservation: the shelf is emptied once.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Warehouse(ThreadingHTTPServer):
    """Serves until `shutdown()`; counts what it has done."""

    daemon_threads = True

    def __init__(self, port: int = 0, shelf: int = 1000) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.lock = threading.Lock()
        self.shelf = shelf
        self.requests = 0
        self.reservations: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> "Warehouse":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def reserve(self, key: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.requests += 1
            if key in self.reservations:
                return 201, self.reservations[key]
            if self.requests % 7 == 0:
                return 503, {"message": "the warehouse is at lunch"}
            if request["quantity"] > self.shelf:
                return 409, {"message": f"no {request['sku']} left"}
            self.shelf -= request["quantity"]
            self.reservations[key] = {"reservation": f"W-{len(self.reservations) + 1}", "sku": request["sku"]}
            return 201, self.reservations[key]


class _Handler(BaseHTTPRequestHandler):
    server: Warehouse
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = self.server.reserve(self.headers.get("Idempotency-Key", ""), json.loads(body))
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """The demo prints the story; the access log would drown it."""

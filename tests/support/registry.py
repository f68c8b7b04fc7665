"""A schema registry of a test's own: the calls that readers and writers make, over HTTP."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Registry:
    def __init__(self) -> None:
        self.url = ""
        self.down = False
        """Answers 503 while it is."""
        self.schemas: list[dict[str, Any]] = []

    def register(self, topic: str, kind: str, schema: str, references: list[dict[str, Any]] | None = None) -> int:
        """The schema's id. Protobuf: a FileDescriptorProto as base64, which the real one makes of the text."""
        self.schemas.append(
            {"subject": f"{topic}-value", "version": 1, "id": len(self.schemas) + 1, "schemaType": kind,
             "schema": schema, "references": references or []}
        )  # fmt: skip
        return len(self.schemas)

    def answer(self, path: str) -> tuple[int, Any]:
        if self.down:
            return 503, {"error_code": 50301, "message": "not now"}
        by_id = re.match(r"/schemas/ids/(\d+)", path)
        of_subject = re.match(r"/subjects/([^/]+)/versions/(latest|\d+)", path)
        for each in reversed(self.schemas):
            if (by_id and each["id"] == int(by_id[1])) or (of_subject and each["subject"] == of_subject[1]):
                return 200, each
        return 404, {"error_code": 40403, "message": "Schema not found"}


@contextmanager
def schema_registry() -> Iterator[Registry]:
    """On a free port of loopback."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = registry.answer(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

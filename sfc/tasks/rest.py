"""Tasks of type rest: a request made of a task meta and the input."""

import re
from typing import Any, Final
from urllib.parse import quote

from sfc import jsonvalue
from sfc.jsonvalue import Json
from sfc.task_meta import TaskMeta
from sfc.tasks.context import TaskError

_PLACE: Final = re.compile(r"\{([^{}/]+)\}")
_BODILESS: Final = ("GET", "DELETE")


def request_of(meta: TaskMeta, value: Json, key: str) -> dict[str, Any]:
    """What httpx's `build_request` takes.

    `{field}` in the URL is a field of the input. The input is the body as JSON; of GET and DELETE, what the URL does
    not name is the query. Raises TaskError (SFC.InvalidInput) for a field that is missing.
    """
    used: set[str] = set()

    def fill(place: re.Match[str]) -> str:
        name = place[1]
        found = value.get(name) if isinstance(value, dict) else None
        if not isinstance(found, str | int | float) or found == "":
            raise TaskError(
                "SFC.InvalidInput", f"$.{name}: the URL of the task {meta.name} needs it: a text or a number"
            )
        used.add(name)
        return quote(_text(found), safe="")

    method = str(meta.settings.get("method", "POST"))
    headers = {"Idempotency-Key": key, **_headers(meta)}
    url = _PLACE.sub(fill, str(meta.settings["url"]))
    if method in _BODILESS:
        left = {name: each for name, each in value.items() if name not in used} if isinstance(value, dict) else {}
        query = {
            name: [_text(one) for one in each] if isinstance(each, list) else _text(each) for name, each in left.items()
        }
        return {"method": method, "url": url, "headers": headers, "params": query or None}
    return {"method": method, "url": url, "headers": headers, "json": value}


def _headers(meta: TaskMeta) -> dict[str, str]:
    headers = meta.settings.get("headers", {})
    assert isinstance(headers, dict)
    return headers


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value

    return jsonvalue.text(value)

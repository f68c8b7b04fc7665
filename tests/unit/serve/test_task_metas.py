"""The REST API of task metas and packages."""

from typing import Any

import httpx
import pytest

from sfc.task_meta import digest_of
from sfc.task_package import zipped

REST = {"type": "rest", "url": "https://stock.example/{sku}", "method": "GET"}


def post(url: str, name: str, body: Any) -> httpx.Response:
    return httpx.post(f"{url}/api/tasks/{name}/versions", json=body)


def test_a_version_is_made_shown_and_listed(url: str) -> None:
    body = {**REST, "version": "2026.1", "description": "What is in stock", "retry": [{"ErrorEquals": ["A"]}]}
    made = post(url, "stock", body)
    assert (made.status_code, made.headers["location"]) == (201, "/api/tasks/stock/versions/2026.1")
    shown = httpx.get(url + made.headers["location"]).json()
    assert {name: shown[name] for name in body} == body
    assert shown == made.json() == httpx.get(f"{url}/api/tasks/stock").json()
    (listed,) = httpx.get(f"{url}/api/tasks/stock/versions").json()["items"]
    assert (listed["version"], listed["digest"]) == ("2026.1", shown["digest"])


def test_tasks_are_listed_page_by_page(url: str) -> None:
    for name in ("c", "a", "b"):
        post(url, name, REST)
    first = httpx.get(f"{url}/api/tasks", params={"limit": 2}).json()
    second = httpx.get(f"{url}/api/tasks", params={"limit": 2, "token": first["next_token"]}).json()
    assert [each["name"] for page in (first, second) for each in page["items"]] == ["a", "b", "c"]
    assert second["next_token"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({**REST, "url": "ftp://x"}, "url"),
        ({**REST, "colour": "red"}, "colour"),
        ({**REST, "timeout_seconds": 0}, "timeout_seconds"),
        ({**REST, "input_schema": {"type": 5}}, "input_schema"),
        ({"type": "python", "package": "0" * 64, "handler": "a:f"}, "package"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(url: str, body: Any, field: str) -> None:
    answer = post(url, "stock", body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_package_is_kept_under_its_digest_and_nothing_else(url: str) -> None:
    package = zipped({"a.py": b"def f(value): return value"})
    where = f"{url}/api/packages/{digest_of(package)}"
    for _ in range(2):
        kept = httpx.put(where, content=package, headers={"Content-Type": "application/zip"})
        assert (kept.status_code, kept.json()) == (200, {"digest": digest_of(package), "bytes": len(package)})
    other = httpx.put(where, content=b"other")
    assert (other.status_code, other.json()["field"]) == (400, "digest")
    broken = httpx.put(f"{url}/api/packages/{digest_of(b'x')}", content=b"x")
    assert (broken.status_code, broken.json()["error"]) == (400, "InvalidPackage")
    assert post(url, "echo", {"type": "python", "package": digest_of(package), "handler": "a:f"}).status_code == 201


def test_what_is_not_there_is_told(url: str) -> None:
    for path in ("/api/tasks/none", "/api/tasks/none/versions", "/api/tasks/none/versions/1"):
        answer = httpx.get(url + path)
        assert (answer.status_code, answer.json()["error"]) == (404, "TaskDoesNotExist")
    post(url, "stock", REST)
    assert httpx.delete(f"{url}/api/tasks/stock").status_code == 204
    assert httpx.delete(f"{url}/api/tasks/stock").status_code == 404

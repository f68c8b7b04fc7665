"""Dead letters over HTTP: listed, shown, replayed, dropped."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.dead_letters import bridge, engine_with, letter
from tests.support.server import serving

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
PATH = "/api/kafka/dead-letters"


@pytest.fixture
def buried() -> Iterator[str]:
    """The URL of a server with three dead letters: of a trigger, of one that was deleted, of answers."""
    letters = (letter(7, b"no json", headers=[("trace", b"\xff"), ("none", None)]), letter(8, None, feed="99"))
    with serving(make=lambda: (engine_with(*letters, letter(9, b"1", feed="results")), None), bridge=bridge) as url:
        httpx.put(f"{url}/api/blueprints/flow", json={"definition": PASS}).raise_for_status()
        put(url)
        yield url


def put(url: str, **settings: str) -> None:
    body = {"kind": "kafka", "blueprint": "flow", "settings": {"topic": "orders", **settings}}
    httpx.put(f"{url}/api/triggers/orders", json=body).raise_for_status()


def test_they_are_listed_newest_first_page_by_page(buried: str) -> None:
    first = httpx.get(f"{buried}{PATH}", params={"limit": 2}).json()
    second = httpx.get(f"{buried}{PATH}", params={"limit": 2, "token": first["next_token"]}).json()
    listed = [(each["id"], each["trigger"], each["feed"]) for page in (first, second) for each in page["items"]]
    assert listed == [(3, None, "results"), (2, None, "99"), (1, "orders", "1")]
    assert second["next_token"] is None
    of_trigger = httpx.get(f"{buried}{PATH}", params={"trigger": "orders"}).json()["items"]
    assert [each["id"] for each in of_trigger] == [1]
    unknown = httpx.get(f"{buried}{PATH}", params={"trigger": "nothing"})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "TriggerDoesNotExist")


def test_one_is_shown_with_its_record_as_it_came(buried: str) -> None:
    assert httpx.get(f"{buried}{PATH}/1").json() == {
        "id": 1, "trigger": "orders", "feed": "1", "topic": "orders", "partition": 0, "offset": 7,
        "at": "2026-09-21T14:13:20Z", "reason": "NotInFormat", "detail": "not JSON: why", "published_at": None,
        "record": {
            "key": {"text": "key", "base64": None}, "value": {"text": "no json", "base64": None},
            "headers": [{"name": "trace", "value": {"text": None, "base64": "/w=="}}, {"name": "none", "value": None}],
            "timestamp": "2026-09-21T14:13:20Z",
        },
    }  # fmt: skip
    assert httpx.get(f"{buried}{PATH}/2").json()["record"]["value"] is None
    missing = httpx.get(f"{buried}{PATH}/4")
    assert (missing.status_code, missing.json()["error"]) == (404, "DeadLetterDoesNotExist")


def test_a_replay_uses_the_record_once_the_trigger_can(buried: str) -> None:
    still = httpx.post(f"{buried}{PATH}/1/replay")
    assert (still.status_code, still.json()["error"]) == (400, "StillDead")
    put(buried, format="text")
    assert httpx.post(f"{buried}{PATH}/1/replay").json() == {"started": 1, "repeated": 0, "left_out": 0}
    assert httpx.post(f"{buried}{PATH}/1/replay").status_code == 404
    assert len(httpx.get(f"{buried}/api/executions").json()["items"]) == 1


@pytest.mark.parametrize(("id", "status", "error"), [(2, 404, "TriggerDoesNotExist"), (3, 400, "NothingToReplay")])
def test_what_no_trigger_can_use_stays(buried: str, id: int, status: int, error: str) -> None:
    refused = httpx.post(f"{buried}{PATH}/{id}/replay")
    assert (refused.status_code, refused.json()["error"]) == (status, error)
    assert httpx.delete(f"{buried}{PATH}/{id}").status_code == 204
    assert httpx.delete(f"{buried}{PATH}/{id}").status_code == 404


def test_without_kafka_there_are_none(url: str) -> None:
    refused = httpx.get(f"{url}{PATH}")
    assert (refused.status_code, refused.json()["error"]) == (503, "KafkaNotConfigured")

"""A workflow that is paused at full flow: the server is killed while it is paused and while it drains, and in the end
every step was done, and none of those before the pause was done twice.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.system.cluster import ROOT
from tests.system.server import Server

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

EXECUTIONS = 150
NOTE = {"Type": "Task", "Resource": "task:note"}
FLOW = {
    "StartAt": "First",
    "States": {
        "First": {**NOTE, "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": 1, "Next": "Second"},
        "Second": {**NOTE, "Next": "Last"},
        "Last": {**NOTE, "End": True},
    },
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "--handlers", ROOT / "tests/system/spine_handlers.py")
    yield server
    server.stop()


def effects(log: Path) -> Counter[tuple[str, str]]:
    """How often each (execution, state) was done."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter((line.split()[0], line.split()[1]) for line in lines)


def until(holds: Callable[[], bool], patience_s: float = 60) -> None:
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.1)


def quiet(log: Path) -> bool:
    """Whether nothing more is done: what was in flight is over."""
    before = effects(log).total()
    time.sleep(1.5)
    return effects(log).total() == before


def post(server: Server, path: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{server.url}/api/{path}", json=body, timeout=30)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_flow_that_is_paused_and_killed_loses_nothing(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "effects"
    httpx.put(f"{server.url}/api/blueprints/flow", json={"definition": FLOW}).raise_for_status()
    for number in range(EXECUTIONS):
        post(server, "executions", blueprint="flow", name=f"n-{number}", input={"log": str(log)})
        if number == EXECUTIONS // 2:
            until(lambda: any(state == "Second" for _execution, state in effects(log)))
    post(server, "blueprints/flow/pause")
    until(lambda: quiet(log))
    before = effects(log)
    assert 0 < before.total() < 3 * EXECUTIONS
    refused = httpx.post(f"{server.url}/triggers/flow", json={})
    assert (refused.status_code, refused.json()["error"]) == (503, "BlueprintPaused")
    for _ in range(2):
        server.kill()
        assert quiet(log)
        assert effects(log) == before, "nothing is done while it is paused"
    post(server, "blueprints/flow/resume", rate=100)
    until(lambda: effects(log) != before)
    server.kill()
    until(lambda: ended(server) == {"SUCCEEDED": EXECUTIONS})
    after = effects(log)
    assert len(after) == 3 * EXECUTIONS
    assert all(after[step] == count for step, count in before.items()), "what was done before is not done again"
    until(lambda: httpx.get(f"{server.url}/api/pauses").json()["items"] == [])


def ended(server: Server) -> dict[str, int]:
    found: dict[str, int] = httpx.get(f"{server.url}/api/stats", params={"blueprint": "flow"}).json()["executions"]
    return found

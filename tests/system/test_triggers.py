"""Schedules and webhooks of a real server whose engine is killed: every tick once, every delivery once."""

import contextlib
import hmac
import json
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.system.cluster import REPLICA, Cluster

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
SECRET = "It's a Secret to Everybody"
TICKS = 12
DELIVERIES = 30


def put(cluster: Cluster, path: str, body: object) -> None:
    httpx.put(f"{cluster.url}{path}", json=body, timeout=30).raise_for_status()


def names(cluster: Cluster, prefix: str) -> list[str]:
    """Of all executions that a trigger started, oldest first."""
    found, token = list[str](), None
    while True:
        params = {"blueprint": "flow", "limit": 1_000, **({} if token is None else {"token": token})}
        page = httpx.get(f"{cluster.url}/api/executions", params=params, timeout=30).json()
        found += [each["name"] for each in page["items"] if each["name"].startswith(prefix)]
        token = page["next_token"]
        if token is None:
            return found[::-1]


def deliver(cluster: Cluster, number: int) -> None:
    """Send a delivery as services do: again, until it is taken."""
    body = json.dumps({"number": number}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    headers = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": f"d-{number}"}
    while True:
        with contextlib.suppress(httpx.HTTPError):
            answer = httpx.post(f"{cluster.url}/hooks/pushes", content=body, headers=headers, timeout=10)
            if answer.status_code in (200, 202):
                return
            assert answer.status_code in (429, 503), answer.text
        time.sleep(0.1)


def test_a_killed_engine_loses_and_doubles_no_tick_and_no_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFC_TEST_HOOK", SECRET)
    with Cluster(tmp_path / "data") as cluster:
        put(cluster, "/api/blueprints/flow", {"definition": PASS})
        second = {"kind": "schedule", "blueprint": "flow", "settings": {"every_s": 1, "missed": "all"}}
        put(cluster, "/api/triggers/second", second)
        signature = {"preset": "github", "secret": "${env:SFC_TEST_HOOK}"}
        hook = {"kind": "webhook", "blueprint": "flow", "settings": {"signature": signature}}
        put(cluster, "/api/triggers/pushes", hook)
        for number in range(DELIVERIES):
            if number == DELIVERIES // 3:
                assert cluster.kill(REPLICA)
            deliver(cluster, number)
            if number % 3 == 0:
                deliver(cluster, number)  # it did not hear the answer
        cluster.await_ready()
        while len(names(cluster, "second-")) < TICKS:
            time.sleep(0.5)
        refused = httpx.post(f"{cluster.url}/hooks/pushes", json={}, headers={"X-Hub-Signature-256": "sha256=00"})
        assert refused.status_code == 401
        httpx.post(f"{cluster.url}/api/triggers/second/pause", timeout=30).raise_for_status()
        ticks = [datetime.strptime(name, "second-%Y%m%dT%H%M%S%z") for name in sorted(names(cluster, "second-"))]
        assert ticks == [ticks[0] + timedelta(seconds=number) for number in range(len(ticks))]
        assert Counter(names(cluster, "pushes-")) == Counter(f"pushes-d-{number}" for number in range(DELIVERIES))

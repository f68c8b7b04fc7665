"""Ray's autoscaler adds a node for workers that a pool finds no room for, and removes it when it is idle.

The node provider is Ray's own for tests: its nodes are further raylets of one machine. (`AutoscalingCluster`, which
starts it, needs a file that Ray's wheel leaves out, and so does this provider under its short name.)
"""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.machines import ROOT, Machine, Network, require, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PROVIDER = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
HEAD = "f" * 51 + "00000"
"""Id of the first node, as that provider expects it."""
CONFIG = {
    "cluster_name": "elastic",
    "max_workers": 1,
    "idle_timeout_minutes": 0.05,
    "provider": {
        "type": "external",
        "module": PROVIDER,
        "head_node_id": HEAD,
        "launch_multiple": True,
        "disable_node_updaters": True,  # what it makes is a node already
    },
    "head_node_type": "ray.head.default",  # the provider's own name for it
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 2}, "node_config": {}, "max_workers": 0},
        "more": {
            "resources": {"CPU": 2, "object_store_memory": 80_000_000},
            "node_config": {},
            "min_workers": 0,
            "max_workers": 1,
        },
    },
    **{f"{kind}_commands": [] for kind in ("initialization", "setup", "head_setup", "worker_setup")},
    **{f"{kind}_start_ray_commands": [] for kind in ("head", "worker")},
    "cluster_synced_files": [],
}
START = (
    "AUTOSCALER_UPDATE_INTERVAL_S=1 RAY_FAKE_CLUSTER=1 RAY_enable_autoscaler_v2=1"
    f" RAY_CLOUD_INSTANCE_ID={HEAD} RAY_OVERRIDE_NODE_ID_FOR_TESTING={HEAD}"
    " ray start --head --port=6379 --num-cpus=2 --object-store-memory=80000000 --include-dashboard=false"
    " --include-log-monitor=false --disable-usage-stats --autoscaling-config=elastic.json"
)
HANDLERS = """import ray
from sfc.tasks import task

@task("where")
async def where(value):
    return ray.get_runtime_context().get_node_id()
"""
ALIVE = """
import ray
ray.init(log_to_driver=False)
print(*(node["NodeID"] for node in ray.nodes() if node["Alive"]))
"""


class Cluster:
    """Of one node, which may become two."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.run("mkdir -p ~/.ray && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' > ~/.ray/auth_token")
        (machine.home / "elastic.json").write_text(json.dumps(CONFIG))
        self.run(START)
        assert self.nodes() == [HEAD]
        self.run("sfc deploy --data ~/data --workers 1 --headroom-cpus 2")

    def run(self, command: str) -> str:
        path = f"export PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={ROOT} RAY_AUTH_MODE=token"
        return self.machine.run(f"{path}; {command}")

    def nodes(self) -> list[str]:
        """Ids of those that live."""
        return self.run(f"python -c {shlex.quote(ALIVE)}").splitlines()[-1].split()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    require()
    with Network(tmp_path) as network:
        yield Cluster(network.machine("elastic", 20))


def test_a_node_comes_for_a_pool_that_finds_no_room_and_goes_when_it_is_idle(cluster: Cluster) -> None:
    machine = cluster.machine
    (machine.home / "handlers.py").write_text(HANDLERS)
    cluster.run("sfc task deploy handlers.py")
    states = {"Do": {"Type": "Task", "Resource": "task:where", "End": True}}
    machine.call("PUT", "/api/blueprints/flow", {"definition": {"StartAt": "Do", "States": states}})
    # The engine and the common pool's worker leave half a CPU of the head's two.
    machine.call("PATCH", "/api/pools/flow", {"mode": "specific", "cpus": 1, "max": 1, "idle_s": 2})
    machine.call("POST", "/api/executions", {"blueprint": "flow", "name": "one", "input": {}})
    until(lambda: machine.call("GET", "/api/executions/flow:one")["status"] == "SUCCEEDED", "no node comes", 120)
    place = machine.call("GET", "/api/executions/flow:one")["output"]
    assert place != HEAD
    until(lambda: cluster.nodes() == [HEAD], "the node stays", 120)
    assert machine.call("GET", "/health")["status"] == "ok"

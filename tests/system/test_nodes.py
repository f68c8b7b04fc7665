"""Pools on nodes that die under load: their jobs wait for another node, and all end."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore"),  # Ray leaves sockets and files to the garbage collector
]

ray = pytest.importorskip("ray")

from actors.scheduler import SchedulerSettings, connect_scheduler  # noqa: E402
from actors.worker import WorkerOptions  # noqa: E402
from sfc.catalog.pool_policy import COMMON, PoolPolicy  # noqa: E402
from tests.support.chance import LONG_S, SEED, turns  # noqa: E402
from tests.system.dispatching import HANDLERS, begun, engine_of, jobs, until  # noqa: E402
from tests.system.siege import NODE, Siege  # noqa: E402

MORE_HANDLERS = str(Path(HANDLERS).with_name("pool_handlers.py"))


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head, which this process has joined; nodes are added by the test."""
    from ray.cluster_utils import Cluster

    Path("/tmp/ray").mkdir(exist_ok=True)  # it notes its address there, whatever its own directory
    with tempfile.TemporaryDirectory(prefix="sfc", dir="/tmp", ignore_cleanup_errors=True) as folder:
        head = {
            "num_cpus": 1,
            "object_store_memory": 80_000_000,
            "include_dashboard": False,
            "temp_dir": folder,
        }
        cluster = Cluster(initialize_head=True, head_node_args=head)
        ray.init(address=cluster.address, log_to_driver=False)
        try:
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


@pytest.mark.timeout(240)
async def test_jobs_of_a_killed_node_are_done_on_another(cluster: Any, tmp_path: Path) -> None:
    notes, go = tmp_path / "notes", tmp_path / "go"
    notes.touch()
    worker = WorkerOptions(handlers=(HANDLERS,), cpus=0.1)
    scheduler = connect_scheduler(SchedulerSettings(size=1, worker=worker))
    await scheduler.apply({"far": PoolPolicy(mode="specific", max=1, resources={"far": 0.5})})
    async with engine_of(scheduler) as engine:
        engine.dispatcher.dispatch(jobs("wait-for-file", 50, notes, machine="far", file=str(go)))
        engine.dispatcher.dispatch(jobs("note", 10, notes, first=100, machine="near"))
        await engine.has(10)  # those of the common pool do not wait for the node
        # These block the loop for a moment: Ray sets signal handlers, which only the main thread may.
        node = cluster.add_node(**NODE)
        await until(lambda: len(begun(notes)) == 60)
        cluster.remove_node(node, allow_graceful=False)
        cluster.add_node(**NODE)
        await until(lambda: len(begun(notes)) == 110)
        go.touch()
        await engine.has(60)
    assert [result.error for result in engine.results.values() if result.error] == []


@pytest.mark.chaos
@pytest.mark.timeout(LONG_S)
async def test_jobs_go_on_for_minutes_while_workers_nodes_scheduler_and_engine_come_and_go(
    cluster: Any, tmp_path: Path
) -> None:
    """None is lost, and only those whose worker was killed are begun again. A failure prints its seed."""
    chance, notes = random.Random(SEED), tmp_path / "notes"
    notes.touch()
    worker = WorkerOptions(handlers=(HANDLERS, MORE_HANDLERS), cpus=0.1, concurrency=100)
    scheduler = connect_scheduler(SchedulerSettings(size=2, worker=worker))
    await scheduler.apply(
        {
            "own": PoolPolicy(mode="specific", size=2),
            "far": PoolPolicy(mode="specific", size=2, resources={"far": 0.25}),
        }
    )
    siege = Siege(scheduler, cluster, [COMMON, "own", "far"], notes, chance)
    await siege.begin()
    for _ in turns(chance, 0, 0):
        await siege.wave()
        await siege.attack()
    await siege.end()
    errors = {result.error for result in siege.engine.results.values()}
    assert errors <= {None, "SFC.WorkerLost"}, (SEED, errors)
    assert {n for n, _ in begun(notes)} == set(range(len(siege.sent))), SEED
    assert siege.repeated() == {}, SEED

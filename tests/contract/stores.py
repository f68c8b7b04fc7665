"""Rows for the contract tests of stores."""

from sfc.store.ids import Ids
from sfc.store.journal import Batch, ExecutionChange, JournalRow, Lease, NewExecution, Part

NOW = 1_790_000_000_000


class Writer:
    """What one owner of one shard would send, with positions and ids counted on."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.position = lease.next_position
        self.ids = Ids(lease.shard, lease.last_id)
        self.batches = 0

    def new(self, name: str, machine: str = "orders", kind: str = "STANDARD", wake_at: int = 0) -> NewExecution:
        return NewExecution(self.ids.next(NOW), machine, name, 1, kind, NOW, wake_at)  # type: ignore[arg-type]

    def batch(
        self,
        new: list[NewExecution] | None = None,
        entries: list[tuple[int, bytes]] | None = None,
        changes: list[ExecutionChange] | None = None,
    ) -> Batch:
        """`entries` are (execution, data); without them each new execution has its Started entry."""
        new = new or []
        if entries is None:
            entries = [(execution.id, b"{}") for execution in new]
        rows = [
            JournalRow(self.position + index, execution, 1, NOW, 0, 0, 7, data, -(1 << 63))
            for index, (execution, data) in enumerate(entries)
        ]
        self.batches += 1
        part = Part(self.lease.shard, self.lease.epoch, self.position, new, rows, changes or [])
        return Batch(self.batches + 1000 * self.lease.epoch, self.lease.owner, [part])

    def wrote(self, batch: Batch) -> None:
        self.position += sum(len(part.rows) for part in batch.parts)

"""Records of one partition on their way into chunks. No I/O and no clock: time is an argument, in seconds."""

from sfc.errors import Unavailable
from sfc.kafka.chunk import Chunk, Control, Decision, Start
from sfc.kafka.program import INTERNAL_ERROR, TOO_LARGE, Decide, dead, merged
from sfc.kafka.record import Record
from sfc.limits import KAFKA_CHUNK_BYTES, KAFKA_CHUNK_RECORDS, PAYLOAD_BYTES
from sfc.triggers.kafka import Batch

_BATCHED_BYTES = PAYLOAD_BYTES - 2
"""Of one record in a batch: the brackets are of the input, too."""


class Lane:
    """`first` is where the next chunk begins, `next` the offset behind the last record that came.

    A batch that is not full waits; what came before it may leave, it may not: a position never points into a batch.
    """

    def __init__(self, decide: Decide, partition: int, position: int, batch: Batch | None) -> None:
        self.partition = partition
        self.first = position
        self.next = position
        self._decide = decide
        self._batch = batch
        self._decisions: list[Decision] = []
        self._bytes = 0
        self._records = 0
        self._waiting: list[Start] = []
        """The batch that gathers; its first record stands at `_at` among the decisions."""
        self._waiting_bytes = 0
        self._at = 0
        self._due_s = 0.0

    @property
    def is_full(self) -> bool:
        return self._bytes >= KAFKA_CHUNK_BYTES or self._records >= KAFKA_CHUNK_RECORDS

    @property
    def due_s(self) -> float | None:
        """When the batch that gathers must leave; None: there is none."""
        return self._due_s if self._waiting else None

    def add(self, record: Record, now_s: float) -> None:
        """Raises Unavailable when it cannot be told what the record is; it must come again then."""
        try:
            decision = self._decide(record)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  a record that shows a bug must not stop the partition for ever
            decision = dead(record, INTERNAL_ERROR, f"a bug of SFC: {error!r}")
        if decision is not None:
            if self._batch is not None and type(decision) is Start and len(decision.input) > _BATCHED_BYTES:
                decision = dead(record, TOO_LARGE, f"{len(decision.input):,} bytes; a batch takes {_BATCHED_BYTES:,}")
            if self._batch is not None:
                self._gather(decision, self._batch, now_s)
            else:
                self._decisions.append(decision)
            self._bytes += record.size
        self._records += 1
        self.next = record.offset + 1

    def lose(self, decision: Decision, position: int) -> None:
        """The partition goes on at `position`; `decision` notes what is between."""
        self._close()
        self._decisions.append(decision)
        self.next = position

    def cut(self, now_s: float, topic: tuple[str, str, str], end: int) -> Chunk | None:
        """What may leave; None: nothing. `topic` is feed, name and id; `end` that of the partition."""
        if self._waiting and now_s >= self._due_s:
            self._close()
        until, at = self.next, len(self._decisions)
        if self._waiting:
            until, at = self._waiting[0].first, self._at
        if until == self.first:
            return None
        leaving, self._decisions = self._decisions[:at], self._decisions[at:]
        chunk = Chunk(*topic, self.partition, self.first, until, leaving, self._records, end)
        self.first, self._at, self._bytes, self._records = until, 0, self._waiting_bytes, len(self._waiting)
        return chunk

    def _gather(self, decision: Decision, batch: Batch, now_s: float) -> None:
        if not isinstance(decision, Start):
            if isinstance(decision, Control):  # takes effect at its place: after what came before it
                self._close()
            self._decisions.append(decision)
            return
        # Brackets and commas are of the input, too.
        if self._waiting_bytes + len(decision.input) + len(self._waiting) + 2 > PAYLOAD_BYTES:
            self._close()
        if not self._waiting:
            self._at, self._due_s = len(self._decisions), now_s + batch.seconds
            self._decisions.append(decision)
        self._waiting.append(decision)
        self._waiting_bytes += len(decision.input)
        if len(self._waiting) >= batch.size:
            self._close()

    def _close(self) -> None:
        if self._waiting:
            self._decisions[self._at] = merged(self._waiting)
            self._waiting, self._waiting_bytes = [], 0

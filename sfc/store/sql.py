"""The statements of the embedded store's hot path: one name, one sentence each.

Rows travel in statements of up to 256 rows, not by `executemany`: each step of a statement is a switch between
threads when the commit runs beside a busy event loop.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from sqlite3 import Connection
from typing import Any, Final

from sfc.store.journal import NewExecution, Wanted

# Count the rows of this batch in and prove that the lease still stands: no row changed means that it is lost.
FENCE: Final = "UPDATE shards SET next = next + ?, batch = ? WHERE shard = ? AND owner = ? AND epoch = ?"

# Begin a new epoch: whatever the former owner still sends is void.
TAKE_OVER: Final = "UPDATE shards SET owner = ?, epoch = epoch + 1 WHERE shard = ? RETURNING epoch, next"
ADD_SHARD: Final = "INSERT OR IGNORE INTO shards (shard, owner, epoch, next, batch) VALUES (?, NULL, 0, ?, 0)"
RELEASE: Final = "UPDATE shards SET owner = NULL WHERE shard = ? AND owner = ? AND epoch = ?"
# The highest id of a shard: ids are ordered by time first, so the newest rows are looked at first.
LAST_ID: Final = "SELECT id FROM executions WHERE (id >> 16) & 63 = ? ORDER BY id DESC LIMIT 1"

# A name that exists already leaves its row out; the count of changed rows tells.
_INSERT_EXECUTIONS: Final = (
    "INSERT OR IGNORE INTO executions (id, machine, name, version, kind, started_at, wake_at, published,"
    " alias, shard, status, redrives) VALUES "
)
_INSERT_JOURNAL: Final = (
    "INSERT INTO journal (position, execution, kind, at, task, attempt, began, data, digest) VALUES "
)
_CHANGE_EXECUTIONS: Final = (
    "UPDATE executions SET wake_at = c.wake_at, status = c.status, stopped_at = c.stopped_at, output = c.output,"
    " error = c.error, cause = c.cause FROM c WHERE executions.id = c.id"
)

REDRIVE: Final = "UPDATE executions SET redrives = ?, redriven_at = ? WHERE id = ?"

_EXECUTION: Final = (
    "SELECT id, machine, name, version, kind, status, started_at, stopped_at, wake_at, error, cause, output, published,"
    " alias, redrives, redriven_at FROM executions "
)
GET: Final = _EXECUTION + "WHERE id = ?"
FIND: Final = _EXECUTION + "WHERE machine = ? AND name = ? AND kind = 'STANDARD'"
AWAKE: Final = (
    _EXECUTION + "WHERE wake_at IS NOT NULL AND shard = ? AND wake_at <= ? AND (wake_at, id) > (?, ?)"
    " ORDER BY wake_at, id LIMIT ?"
)
PARKED: Final = (
    _EXECUTION + "WHERE wake_at < 0 AND shard = ? AND (wake_at, id) < (?, ?) ORDER BY wake_at DESC, id DESC LIMIT ?"
)

_ENTRY: Final = "SELECT position, execution, kind, at, task, attempt, began, data, digest FROM journal "
JOURNAL: Final = _ENTRY + "WHERE execution = ? AND position > ? ORDER BY position LIMIT ?"
LATEST: Final = _ENTRY + "WHERE execution = ? ORDER BY position DESC LIMIT ?"
STARTED: Final = _ENTRY + "WHERE execution = ? ORDER BY position LIMIT 1"
ENTRIES: Final = _ENTRY + "WHERE execution = ? AND kind = ? AND position > ? ORDER BY position LIMIT ?"
FACTS: Final = _ENTRY + "WHERE position > ? AND position < ? ORDER BY position LIMIT ?"
AT_POSITION: Final = _ENTRY + "WHERE position = ?"

ADD_CHILD: Final = "INSERT INTO children (child, parent, task, attempt) VALUES (?, ?, ?, ?)"
END_CHILD: Final = "DELETE FROM children WHERE parent = ? AND task = ? AND attempt = ?"
PARENTS: Final = "SELECT parent, task, attempt FROM children WHERE child = ? ORDER BY parent, task, attempt"
CHILDREN: Final = "SELECT child, parent, task, attempt FROM children WHERE parent = ? ORDER BY child"
ENDED_CHILDREN: Final = (
    "SELECT child, parent, task, attempt FROM children LEFT JOIN executions ON executions.id = children.child"
    " WHERE (parent >> 16) & 63 = ? AND (child, parent, task, attempt) > (?, ?, ?, ?) AND status IS NOT 'RUNNING'"
    " ORDER BY child, parent, task, attempt LIMIT ?"
)
# A child runs on although nobody waits for it: its parent ended, and the engine died before it could stop it.
ORPHANS: Final = (
    "SELECT child, parent, task, attempt FROM children JOIN executions AS run ON run.id = child"
    " LEFT JOIN executions AS waiting ON waiting.id = parent"
    " WHERE (parent >> 16) & 63 = ? AND (child, parent, task, attempt) > (?, ?, ?, ?) AND run.status = 'RUNNING'"
    " AND waiting.status IS NOT 'RUNNING' ORDER BY child, parent, task, attempt LIMIT ?"
)

ENQUEUE: Final = "INSERT INTO activity_tasks (activity, at, execution, task, attempt) VALUES (?, ?, ?, ?, ?)"
DEQUEUE: Final = "DELETE FROM activity_tasks WHERE execution = ? AND task = ? AND attempt = ?"
QUEUE: Final = (
    "SELECT activity, at, execution, task, attempt FROM activity_tasks WHERE activity = ?"
    " ORDER BY at, execution, task LIMIT ?"
)

PAUSES: Final = "SELECT kind, name, paused_at, resumed_at, drained_at, rate FROM pauses ORDER BY paused_at, kind, name"
PUT_PAUSE: Final = (
    "INSERT OR REPLACE INTO pauses (kind, name, paused_at, resumed_at, drained_at, rate) VALUES (?, ?, ?, ?, ?, ?)"
)
FORGET_PAUSES: Final = "DELETE FROM pauses WHERE kind = ? AND name = ? AND paused_at < ?"

CHECKPOINT: Final = "SELECT position FROM checkpoints WHERE reader = ? AND shard = ?"
PUT_CHECKPOINT: Final = "INSERT OR REPLACE INTO checkpoints (reader, shard, position) VALUES (?, ?, ?)"

# The first one who opens a database gives it its secret.
ADD_KEY: Final = "INSERT OR IGNORE INTO keys (name, value) VALUES ('tokens', ?)"
KEY: Final = "SELECT value FROM keys WHERE name = 'tokens'"

ADD_TEST_CASE: Final = "INSERT INTO test_cases (execution, name) VALUES (?, ?)"
TEST_CASES: Final = (
    "SELECT execution, test_cases.name FROM test_cases JOIN executions ON id = execution WHERE status = 'RUNNING'"
)

# `attempt` of a Started entry is the change of tasks that was pinned.
OLDEST_PIN: Final = (
    "SELECT min(attempt) FROM journal WHERE kind = 1 AND attempt > 0"
    " AND execution IN (SELECT id FROM executions WHERE status = 'RUNNING')"
)

COUNT: Final = "SELECT status, count(*) FROM executions GROUP BY status"
COUNT_OF_MACHINE: Final = "SELECT status, count(*) FROM executions WHERE machine = ? GROUP BY status"

_FAMILY: Final = "(machine = ? OR machine > ? AND machine < ?)"
ENDED: Final = (
    "SELECT id FROM executions WHERE (machine = ? OR machine > ? AND machine < ?) AND status <> 'RUNNING' LIMIT 500"
)
FORGET_ENTRIES: Final = "DELETE FROM journal WHERE execution = ?"
FORGET_TEST_CASE: Final = "DELETE FROM test_cases WHERE execution = ?"
FORGET_EXECUTION: Final = "DELETE FROM executions WHERE id = ?"

STATUSES: Final = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
_MOST_ROWS: Final = 256


def listing(wanted: Wanted) -> tuple[str, list[object]]:
    """Newest first, and the values to bind; an id above all wanted and how many come after them."""
    equal = {
        "machine": wanted.machine, "status": wanted.status, "published": wanted.published, "alias": wanted.alias,
    }  # fmt: skip
    chosen: dict[str, object] = {column: value for column, value in equal.items() if value is not None}
    conditions = [f"{column} = ?" for column in chosen]
    values = list(chosen.values())
    if wanted.family is not None:
        conditions.append(_FAMILY)
        values += family(wanted.family)
    if wanted.names is not None:
        conditions.append("name >= ? AND name < ?")
        values += wanted.names
    if wanted.redriven is not None:
        conditions.append("redrives > 0" if wanted.redriven else "redrives = 0")
    conditions.append("id < ?")
    return f"{_EXECUTION} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?", values


def family(machine: str) -> tuple[str, str, str]:
    """The values that `_FAMILY` binds: every `machine/label` lies between the last two."""
    return machine, f"{machine}/", f"{machine}0"


def new_row(new: NewExecution, shard: int) -> tuple[Any, ...]:
    """The values of a row for `insert_executions`."""
    return (*new, shard, "RUNNING", 0)


def insert_executions(connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
    """How many of the rows were written: the others' names exist already."""
    return sum(connection.execute(text, values).rowcount for text, values in _in_pieces("executions", 12, rows))


def insert_journal(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    for text, values in _in_pieces("journal", 9, rows):
        connection.execute(text, values)


def change_executions(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    for text, values in _in_pieces("changes", 7, rows):
        connection.execute(text, values)


def _in_pieces(what: str, width: int, rows: Sequence[tuple[object, ...]]) -> Iterable[tuple[str, list[object]]]:
    """Statements for all rows, in sizes of powers of two: few texts, so each is prepared once."""
    start, size = 0, _MOST_ROWS
    while start < len(rows):
        while size > len(rows) - start:
            size >>= 1
        yield _statement(what, width, size), list(chain.from_iterable(rows[start : start + size]))
        start += size


@cache
def _statement(what: str, width: int, size: int) -> str:
    values = ", ".join([f"({', '.join('?' * width)})"] * size)
    if what == "executions":
        return _INSERT_EXECUTIONS + values
    if what == "journal":
        return _INSERT_JOURNAL + values
    return f"WITH c (id, wake_at, status, stopped_at, output, error, cause) AS (VALUES {values}) {_CHANGE_EXECUTIONS}"

"""Uuids that hold an execution's id: the last part of an EXPRESS ARN, and the name of an execution that was given none.

They are in the order of the ids, so the index of names grows at its end.
"""

import uuid

from sfc.arn import Partition

_MASK = (1 << 64) - 1


def express_run(id: int) -> str:
    """The uuid of an execution id; always the same, so it need not be stored."""
    mixed = (id + 0x9E3779B97F4A7C15) & _MASK  # splitmix64
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    text = f"{id:016x}{mixed ^ (mixed >> 31):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def execution_of(run: str) -> int | None:
    """The execution id in such a uuid; None when it is none of ours."""
    try:
        id = uuid.UUID(run).int >> 64
    except ValueError:
        return None
    return id if express_run(id) == run else None


def map_run_of(child: str) -> str:
    """The uuid of the Map Run that started the child of this name."""
    return child[:24] + "0" * 12


def map_run_arn(partition: Partition, machine: str, name: str) -> str | None:
    """Of the Map Run that started the execution; None: none did."""
    return partition.map_run(machine, map_run_of(name)) if "/" in machine else None


def children_of(map_run: str) -> tuple[str, str]:
    """The names of a Map Run's children are from the first of these on, and below the second."""
    return map_run[:24], map_run[:24] + "g"


def parent_of(map_run: str) -> int | None:
    """The id of the execution that a Map Run, or a child of one, belongs to; None when it is no such uuid."""
    try:
        return uuid.UUID(map_run).int >> 64
    except ValueError:
        return None

"""Uuids that hold an execution's id: the last part of an EXPRESS ARN, and the name of an execution that was given none.

They are in the order of the ids, so the index of names grows at its end.
"""

import uuid

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

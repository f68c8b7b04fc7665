"""Whether an execution ended as its test case expects."""

from sfc import jsonvalue
from sfc.jsonvalue import Json
from sfc.tasks.mocks import Expected
from sfc.testing.played import Played


def differences(expected: Expected, played: Played) -> list[str]:
    """One sentence for each thing that is otherwise; none when all is as expected."""
    found: dict[str, Json] = {
        "Output": played.output,
        "Error": played.error,
        "Cause": played.cause,
        "Path": played.path,
    }
    said = []
    if played.status != expected.status:
        why = ": ".join(part for part in (played.error, played.cause) if part)
        said.append(f"Status is {played.status}{f' ({why})' if why else ''}, not {expected.status}")
    for name, wanted in expected.looked_at.items():
        if not _same(found[name], wanted):
            said.append(f"{name} is {jsonvalue.text(found[name])}, not {jsonvalue.text(wanted)}")
    return said


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON: True is not 1, but 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)

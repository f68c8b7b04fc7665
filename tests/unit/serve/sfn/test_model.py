"""What requests are held to is what the published model of the API says."""

from typing import Any

import botocore.session
import pytest

from serve.sfn.endpoint import ACTIONS
from serve.sfn.shapes import Field

MODEL = botocore.session.get_session().get_service_model("stepfunctions")
PREFIX = b"AWSStepFunctions."
TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "structure": dict, "list": list, "float": float}


def described(name: str, field: Field) -> dict[str, Any]:
    """A field in the words of the model."""
    found: dict[str, Any] = {"type": field.type, "enum": sorted(field.members)}
    found |= {"min": field.low or 0, "max": field.high, "pattern": field.pattern}
    if field.shape is not None:
        found["members"] = {key: described(key, member) for key, member in field.shape.items()}
        found["required"] = sorted(key for key, member in field.shape.items() if member.required)
    if field.item is not None:
        found["item"] = described(name, field.item)
    return found


def modelled(shape: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": TYPES[shape.type_name], "enum": sorted(getattr(shape, "enum", []))}
    found |= {"min": shape.metadata.get("min", 0), "max": shape.metadata.get("max")}
    pattern = shape.metadata.get("pattern", "")
    found["pattern"] = "" if pattern == r"\p{ASCII}*" else pattern
    if shape.type_name == "structure":
        found["members"] = {key: modelled(member) for key, member in shape.members.items()}
        found["required"] = sorted(shape.required_members)
    if shape.type_name == "list":
        found["item"] = modelled(shape.member)
    return found


def test_every_action_of_the_model_is_here() -> None:
    assert {PREFIX + name.encode() for name in MODEL.operation_names} - set(ACTIONS) == set()


@pytest.mark.parametrize("target", sorted(ACTIONS), ids=lambda target: target.removeprefix(PREFIX).decode())
def test_the_shape_of_a_request_is_that_of_the_model(target: bytes) -> None:
    shape = MODEL.operation_model(target.removeprefix(PREFIX).decode()).input_shape
    ours = {key: described(key, field) for key, field in ACTIONS[target][0].items()}
    assert ours == {key: modelled(member) for key, member in shape.members.items()}
    assert {key for key, field in ACTIONS[target][0].items() if field.required} == set(shape.required_members)

"""What the ARNs in requests mean: a state machine, one of its versions, aliases or labelled Maps."""

from sfc import arn as arns
from sfc.arn import Arn
from sfc.errors import InvalidRequest, NotFound


def unqualified(text: str) -> str:
    """The name in the ARN of a state machine itself; that of a version or an alias names none.

    Raises InvalidArn, NotFound (StateMachineDoesNotExist), InvalidRequest for an ARN with a label.
    """
    arn = arns.parse(text, "stateMachine")
    if arn.name:
        raise unknown(arn.text)
    if "/" in arn.machine:
        raise InvalidRequest(f"This API does not support labeled ARNs: '{arn.text}'")
    return arn.machine


def version_of(text: str) -> tuple[str, int]:
    """Machine and number in a version's ARN. Raises InvalidArn."""
    arn = arns.parse(text, "stateMachine")
    if not arn.name.isdecimal():
        raise arns.invalid(arn.text)
    return arn.machine, int(arn.name)


def alias_of(text: str) -> tuple[str, str]:
    """Machine and alias in an alias's ARN. Raises InvalidArn."""
    arn: Arn = arns.parse(text, "stateMachine")
    if not arn.name or arn.name.isdecimal():
        raise arns.invalid(arn.text)
    return arn.machine, arn.name


def unknown(text: str) -> NotFound:
    return NotFound(f"State Machine Does Not Exist: '{text}'", code="StateMachineDoesNotExist")

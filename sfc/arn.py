"""Names of things as AWS spells them.

arn:aws:states:<region>:<account>:stateMachine:<machine>
arn:aws:states:<region>:<account>:stateMachine:<machine>:<number of a release, or alias>
arn:aws:states:<region>:<account>:execution:<machine>:<name>
arn:aws:states:<region>:<account>:express:<machine>:<name>:<uuid>
arn:aws:states:<region>:<account>:activity:<activity>
arn:aws:states:<region>:<account>:mapRun:<machine>/<label>:<uuid>

Children of a distributed Map are executions of `<machine>/<label>`.
"""

import re
from dataclasses import dataclass
from typing import Final

from sfc.errors import InvalidArn, InvalidName
from sfc.limits import ARN_CHARS, NAME_CHARS

# Whitespace, brackets, wildcards, special and control characters. Source: StartExecution in the API guide.
_FORBIDDEN_IN_NAMES: Final = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
_ARN: Final = re.compile(
    r"arn:[\w-]+:states:([\w-]*):(\d{12}|):(stateMachine|execution|express|mapRun|activity):"
    r"([^:]+)(?::([^:]+))?(?::([^:]+))?"
)


@dataclass(frozen=True, slots=True)
class Partition:
    """Where this installation says it is; only ARNs show it."""

    region: str = "us-east-1"
    account: str = "123456789012"

    def state_machine(self, machine: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:stateMachine:{machine}"

    def release(self, machine: str, number: int) -> str:
        """Of a published version."""
        return f"{self.state_machine(machine)}:{number}"

    def alias(self, machine: str, alias: str) -> str:
        return f"{self.state_machine(machine)}:{alias}"

    def execution(self, machine: str, name: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:execution:{machine}:{name}"

    def express(self, machine: str, name: str, run: str) -> str:
        """`run` is a uuid: EXPRESS executions may share a name."""
        return f"arn:aws:states:{self.region}:{self.account}:express:{machine}:{name}:{run}"

    def test_execution(self, machine: str, name: str) -> str:
        """Of the execution that a test of a state pretends to be."""
        return f"arn:aws:states:{self.region}:{self.account}:express:{machine}:{name}"

    def map_run(self, machine: str, uuid: str) -> str:
        """`machine` is `blueprint/label`."""
        return f"arn:aws:states:{self.region}:{self.account}:mapRun:{machine}:{uuid}"

    def activity(self, activity: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:activity:{activity}"


@dataclass(frozen=True, slots=True)
class Arn:
    """A state machine's, an execution's or an activity's ARN, taken apart. Region and account are not compared: any
    client's ARN is taken.
    """

    text: str
    kind: str
    """stateMachine, execution, express, mapRun or activity."""
    machine: str
    """Of an activity's ARN the activity."""
    name: str = ""
    """Of the execution; of a state machine's ARN its version or alias, if any; of a Map Run its uuid."""
    run: str = ""


def parse(text: object, *kinds: str) -> Arn:
    """Takes an ARN apart. Raises InvalidArn unless it is one of `kinds`."""
    found = _ARN.fullmatch(text) if isinstance(text, str) and len(text) <= ARN_CHARS else None
    if found is None:
        raise InvalidArn(f"Invalid Arn: 'Invalid ARN prefix: {str(text)[:ARN_CHARS]}'")
    if (kinds and found[3] not in kinds) or (found[3] in ("execution", "mapRun") and not found[5]):
        raise InvalidArn(f"Invalid Arn: 'Resource type not valid in this context: {found[3]}'")
    return Arn(found[0], found[3], found[4], found[5] or "", found[6] or "")


def invalid(text: str) -> InvalidArn:
    """For an ARN whose kind is right and that still does not name what is asked for."""
    return InvalidArn(f"Invalid Arn: 'Resource type not valid in this context: {text}'")


def check_name(name: object, field: str = "name") -> str:
    """The name, when AWS would take it. Raises InvalidName that says what is wrong with it."""
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARS:
        raise InvalidName(
            f"Invalid Name: '{str(name)[:NAME_CHARS]}': {field} must have 1 to {NAME_CHARS} characters", field=field
        )
    if _FORBIDDEN_IN_NAMES.search(name):
        raise InvalidName(f"Invalid Name: '{name}'", field=field)
    return name

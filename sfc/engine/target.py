"""Which definition a start means: the machine itself, one of its releases, or what an alias leads to."""

import random
from dataclasses import dataclass, replace

from sfc import arn as arns
from sfc.catalog.catalog import Catalog
from sfc.catalog.version import Version
from sfc.errors import NotFound


@dataclass(frozen=True, slots=True)
class Target:
    version: Version
    published: int | None = None
    """The release, when it was named or an alias chose it."""
    alias: str | None = None
    test_case: str | None = None
    """Of the mock configuration: what stood behind `#`."""


def find_target(catalog: Catalog, machine: str, *, even_deleting: bool = False) -> Target:
    """`machine` is a name or an ARN, which may be qualified and may end in `#` and a test case. An alias with two
    routes draws one at each call. A machine that is being deleted is found only by who says so.

    Raises NotFound (StateMachineDoesNotExist, StateMachineDeleting), InvalidArn.
    """
    machine, _, test_case = machine.partition("#")
    target = _find(catalog, machine, even_deleting)
    return replace(target, test_case=test_case) if test_case else target


def _find(catalog: Catalog, machine: str, even_deleting: bool) -> Target:
    if not machine.startswith("arn:"):
        return Target(catalog.get(machine, even_deleting=even_deleting))
    arn = arns.parse(machine, "stateMachine")
    version = catalog.get(arn.machine, even_deleting=even_deleting)
    if not arn.name:
        return Target(version)
    alias = None
    if arn.name.isdecimal():
        number = int(arn.name)
    else:
        alias = arn.name
        try:
            number = catalog.releases.alias(arn.machine, alias).release_for(random.randrange(100))
        except NotFound:
            raise NotFound(f"State Machine Does Not Exist: '{arn.text}'", code="StateMachineDoesNotExist") from None
    release = catalog.releases.release(arn.machine, number)
    return Target(catalog.version(release.version), number, alias)

"""A definition as the catalog keeps it: immutable, numbered, compiled when it is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sfc.asl import invalid_definition_message, parse
from sfc.asl.model import StateMachine, distributed_maps
from sfc.errors import InvalidDefinition
from sfc.jsonvalue import Json
from sfc.store.journal import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a blueprint; executions keep the one they started with. Times are UTC ms."""

    id: int
    """Never given twice, over all blueprints."""
    name: str
    number: int
    """1, 2, 3 … within the blueprint."""
    kind: Kind
    definition: str
    """The text as it was given."""
    role_arn: str
    settings: Mapping[str, Json]
    """What stands beside the definition: tags, loggingConfiguration … and SFC's own."""
    created_at: int
    """When the blueprint was created."""
    updated_at: int
    """When this version was."""
    revision_id: str
    """A uuid; empty for a blueprint that was never updated."""

    @property
    def machine(self) -> StateMachine:
        """Compiled. Raises InvalidDefinition when this version of SFC cannot run it any more."""
        return compiled(self.definition, self.kind)[0]

    @property
    def group(self) -> str | None:
        """The group that its executions belong to."""
        group = self.settings.get("group")
        return group if isinstance(group, str) else None

    @property
    def labels(self) -> frozenset[str]:
        """Of its distributed Maps."""
        return frozenset(_children(self.definition, self.kind))

    def machine_of(self, name: str) -> StateMachine:
        """What an execution of `name` runs: the blueprint, or `blueprint/label`, the children of a distributed Map."""
        label = name.partition("/")[2]
        return _children(self.definition, self.kind)[label] if label else self.machine


@lru_cache(maxsize=256)
def compiled(definition: str, kind: Kind) -> tuple[StateMachine, Mapping[str, Json]]:
    """The state machine and the settings that its spelling carries. Raises InvalidDefinition with all findings."""
    parsed = parse(definition, kind=kind)
    if parsed.machine is None:
        findings = parsed.diagnostics if not parsed.valid else parsed.unsupported
        raise InvalidDefinition(invalid_definition_message(findings), (*parsed.diagnostics, *parsed.unsupported))
    return parsed.machine, parsed.settings


@lru_cache(maxsize=256)
def _children(definition: str, kind: Kind) -> Mapping[str, StateMachine]:
    """What the children of each distributed Map run, by label."""
    machine = compiled(definition, kind)[0]
    return {
        each.distributed.label: StateMachine(
            start_at=each.processor.start_at, states=each.processor.states, query_language=machine.query_language
        )
        for each in distributed_maps(machine)
        if each.distributed is not None
    }

"""What became of an execution that was played."""

from collections.abc import Sequence
from dataclasses import dataclass

from sfc.interpreter.run import Event
from sfc.jsonvalue import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a task."""

    state: str
    input: Json
    """The effective input: what the service was given."""
    resource: str
    retry_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    status: str
    """SUCCEEDED, FAILED or TIMED_OUT."""
    output: Json
    """None unless it succeeded."""
    error: str | None
    cause: str | None
    calls: Sequence[Call]
    """In the order they were made."""
    history: Sequence[Event]
    """As GetExecutionHistory spells it; timestamps are milliseconds of virtual time."""

    @property
    def path(self) -> list[str]:
        """Names of the states that were entered, in order, inner ones too."""
        entered = (event["stateEnteredEventDetails"] for event in self.history if "stateEnteredEventDetails" in event)
        return [details["name"] for details in entered]

    @property
    def seconds(self) -> float:
        """How long it took in virtual time: waits and delays of retries."""
        return float(self.history[-1]["timestamp"] - self.history[0]["timestamp"]) / 1000

    def calls_of(self, state: str) -> list[Json]:
        """The inputs of a state's calls."""
        return [call.input for call in self.calls if call.state == state]

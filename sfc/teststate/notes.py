"""What a test of a state has seen, in the words of AWS's InspectionData."""

from collections.abc import Mapping

from sfc.asl.expression import Failure
from sfc.jsonvalue import Json


class Notes:
    """Filled while the state runs."""

    def __init__(self) -> None:
        self.values: dict[str, Json] = {}
        """afterInputPath, afterParameters … in the order in which they came about."""
        self.limits: dict[str, int | float] = {}
        """maxConcurrency, toleratedFailureCount, toleratedFailurePercentage of a Map."""
        self.items: list[Json] | dict[str, Json] = []
        """Of a Map."""
        self.next: str | None = None
        self.variables: Mapping[str, Json] = {}
        """As they are when the state is left."""
        self.failure: Failure | None = None
        """Of the state, where a catcher took it."""
        self.catcher: int | None = None

    def landed(self, name: str, variables: Mapping[str, Json]) -> None:
        if self.next is None:
            self.next, self.variables = name, variables

"""Variables: their sizes are checked, then they all get their values at once."""

from sfc.asl.expression import FlowError
from sfc.interpreter.measure import exceeds
from sfc.interpreter.run import Frame, Run, Token
from sfc.jsonvalue import Json, NotJson, dumps
from sfc.limits import VARIABLE_BYTES, VARIABLES_BYTES


def check_variables(run: Run, token: Token, values: dict[str, Json]) -> None:
    """Raises FlowError States.DataLimitExceeded when a state assigns too much, or the execution would hold too much."""
    what = token.state.name
    try:
        large = exceeds(values, VARIABLE_BYTES)
    except NotJson as error:
        raise FlowError(
            "States.DataLimitExceeded", f"The state/task '{what}' assigns a variable that is no JSON value: {error}"
        ) from None
    if large:
        raise FlowError(
            "States.DataLimitExceeded",
            f"The variables that the state/task '{what}' assigns exceed {VARIABLE_BYTES} bytes.",
        )
    grows = sum(sizes_of(values).values()) - sum(token.frame.sizes.get(name, 0) for name in values)
    if run.variable_bytes + grows > VARIABLES_BYTES:
        raise FlowError(
            "States.DataLimitExceeded",
            f"With those of the state/task '{what}' the variables of the execution exceed {VARIABLES_BYTES} bytes.",
        )


def assign(run: Run, frame: Frame, values: dict[str, Json]) -> None:
    """Give variables of this frame their values; what is in scope elsewhere does not change."""
    frame.variables = {**frame.variables, **values}
    forget(run, frame)
    frame.sizes.update(sizes_of(values))
    run.variable_bytes += sum(frame.sizes.values())


def forget(run: Run, frame: Frame) -> None:
    """The frame's own variables are counted no longer."""
    if frame.sizes:
        run.variable_bytes -= sum(frame.sizes.values())


def count_again(run: Run, frame: Frame) -> None:
    """The frame is back, and with it its variables."""
    run.variable_bytes += sum(frame.sizes.values())


def sizes_of(values: dict[str, Json]) -> dict[str, int]:
    return {name: len(dumps(value)) for name, value in values.items()}

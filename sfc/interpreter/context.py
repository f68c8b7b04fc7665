"""The context object (`$$`): what an execution tells its expressions about itself."""

from sfc.asl.expression import Scope
from sfc.asl.model import Map, Parallel, Task
from sfc.asl.timestamps import format_ms
from sfc.interpreter.run import Run, Token
from sfc.jsonvalue import Json


def scope_of(run: Run, token: Token) -> Scope:
    """The token's scope, made once and brought up to date: what it sees depends on the state the token is in."""
    scope = token.scope
    if scope is None:
        scope = token.scope = Scope(lambda: context_object(run, token), run.entropy)
    scope.variables = token.frame.variables
    scope.now_ms = run.now
    return scope


def context_object(run: Run, token: Token) -> dict[str, Json]:
    """Shape and order of members as recorded from the service; `Map` only inside an iteration."""
    info, state = run.info, token.state
    if info.context is not None:
        return info.context
    about_state: dict[str, Json] = {"Name": state.name, "EnteredTime": format_ms(token.entered_at)}
    if isinstance(state, (Task, Parallel, Map)):
        about_state["RetryCount"] = token.retry_count
    context: dict[str, Json] = {
        "Execution": {
            "Id": info.arn,
            "Input": run.input,
            "StartTime": format_ms(run.started_at),
            "Name": info.name,
            "RoleArn": info.role_arn,
            "RedriveCount": run.redrives,
        },
        "StateMachine": {"Id": info.machine_arn, "Name": info.machine_name},
        "State": about_state,
    }
    if run.redrives:
        context["Execution"]["RedriveTime"] = format_ms(run.redriven_at)
    if isinstance(state, Task) and state.resource.has_token:
        context["Task"] = {"Token": run.task_token(token)}
    item = _map_item(token)
    if item is not None:
        context["Map"] = {"Item": item}
    return context


def _map_item(token: Token) -> dict[str, Json] | None:
    """The item of the innermost iteration that the token is in."""
    frame = token.frame
    while frame.parent is not None:
        if isinstance(frame.parent.state, Map):
            return {"Index": frame.index, "Value": frame.item}
        frame = frame.parent.frame
    return None

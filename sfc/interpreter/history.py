"""History events in AWS's shape, computed while the interpreter runs.

Every event gets its number whether or not it is recorded: numbers stand in causes ("entered at the event id #4") and
in the limit of events, so a run with its history off and one with it on agree in everything else. `previousEventId`
follows AWS's recordings, which do not count an iteration's end as a predecessor.
"""

from collections.abc import Mapping
from typing import Final

from sfc.asl.expression import Failure
from sfc.asl.model import Choice, Fail, Join, Map, Parallel, Pass, Resource, Succeed, Task, Wait
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.map_run import MapRun
from sfc.interpreter.run import Frame, Run, Token
from sfc.jsonvalue import Json, text

KIND: Final[dict[type, str]] = {
    Pass: "Pass", Task: "Task", Choice: "Choice", Wait: "Wait", Parallel: "Parallel", Map: "Map", Join: "Pass",
    Succeed: "Succeed", Fail: "Fail",
}  # fmt: skip
"""A Join shows as a Pass state: AWS's enumeration has no member for it."""

WHOLE: Final = {"truncated": False}


def emit(run: Run, previous: int, kind: str, field: str = "", details: dict[str, Json] | None = None) -> int:
    """Count one event and record it if this run records; returns its number."""
    run.last_event = number = run.last_event + 1
    if run.events is not None:
        event: dict[str, Json] = {"timestamp": run.now, "type": kind, "id": number, "previousEventId": previous}
        if details is not None:
            event[field] = details
        run.events.append(event)
    return number


def entered(run: Run, token: Token) -> None:
    """…StateEntered: the token stands in its state from now on."""
    token.entered_at = run.now
    token.before_entry = token.previous
    if run.events is None:
        run.last_event = number = run.last_event + 1
    else:
        name = token.state.name
        details = {"name": name, "input": text(token.input), "inputDetails": WHOLE}
        number = emit(
            run, token.previous, KIND[type(token.state)] + "StateEntered", "stateEnteredEventDetails", details
        )
    token.previous = token.entered_event = number


def exited(run: Run, token: Token, output: Json, variables: Mapping[str, Json]) -> None:
    """…StateExited, with the variables that got a value, each as JSON text."""
    if run.events is None:
        run.last_event = number = run.last_event + 1
    else:
        details: dict[str, Json] = {"name": token.state.name, "output": text(output), "outputDetails": WHOLE}
        if variables:
            details["assignedVariables"] = {name: text(value) for name, value in variables.items()}
            details["assignedVariablesDetails"] = WHOLE
        number = emit(run, token.previous, KIND[type(token.state)] + "StateExited", "stateExitedEventDetails", details)
    token.previous = number


def evaluation_failed(run: Run, token: Token, location: str, failure: Failure) -> None:
    """EvaluationFailed. It follows what the state's entering follows when nothing has happened in the state yet, save
    in a Wait, as recorded from the service.
    """
    details = {"state": token.state.name, **failure_details(failure)}
    if location:
        details["location"] = location
    first = token.previous == token.entered_event and not isinstance(token.state, Wait)
    previous = token.before_entry if first else token.previous
    token.previous = emit(run, previous, "EvaluationFailed", "evaluationFailedEventDetails", details)


def execution_started(run: Run, source: str) -> None:
    details: dict[str, Json] = {"input": source, "inputDetails": WHOLE, "roleArn": run.info.role_arn}
    if run.info.alias_arn is not None:
        details["stateMachineAliasArn"] = run.info.alias_arn
    if run.info.release_arn is not None:
        details["stateMachineVersionArn"] = run.info.release_arn
    emit(run, 0, "ExecutionStarted", "executionStartedEventDetails", details)


def execution_redriven(run: Run) -> int:
    details = {"redriveCount": run.redrives} if run.events is not None else None
    return emit(run, run.last_event, "ExecutionRedriven", "executionRedrivenEventDetails", details)


def execution_succeeded(run: Run, previous: int, output: bytes) -> None:
    details = {"output": output.decode(), "outputDetails": WHOLE} if run.events is not None else None
    emit(run, previous, "ExecutionSucceeded", "executionSucceededEventDetails", details)


def execution_ended(run: Run, previous: int, kind: str, failure: Failure) -> None:
    """ExecutionFailed, ExecutionAborted or ExecutionTimedOut; members that the failure lacks are left out, as AWS
    does.
    """
    field = kind[0].lower() + kind[1:] + "EventDetails"
    emit(run, previous, kind, field, failure_details(failure))


def failure_details(failure: Failure) -> dict[str, Json]:
    details: dict[str, Json] = {}
    if failure.error is not None:
        details["error"] = failure.error
    if failure.cause is not None:
        details["cause"] = failure.cause
    return details


def task_scheduled(run: Run, token: Token, job: DispatchTask) -> None:
    """…Scheduled and, at once, …Started: queueing is not a fact of the execution."""
    if run.events is None:
        run.last_event += 2
        token.previous = run.last_event
        return
    resource = job.resource
    details: dict[str, Json]
    if resource.kind == "function":
        details = {"resource": resource.text, "input": job.input.decode(), "inputDetails": WHOLE}
    else:
        details = {
            **_integration(resource),
            "region": resource.region or _region(run),
            "parameters": job.input.decode(),
        }
    details.update(_times(job))
    if job.role_arn:
        details["taskCredentials"] = {"roleArn": job.role_arn}
    prefix, field = _names(resource)
    number = emit(run, token.previous, prefix + "Scheduled", field + "ScheduledEventDetails", details)
    started = None if resource.kind == "function" else _integration(resource)
    token.previous = emit(run, number, prefix + "Started", field + "StartedEventDetails", started)


def task_submitted(run: Run, token: Token, resource: Resource, output: bytes) -> None:
    details = None
    if run.events is not None:
        details = {**_integration(resource), "output": output.decode(), "outputDetails": WHOLE}
    token.previous = emit(run, token.previous, "TaskSubmitted", "taskSubmittedEventDetails", details)


def activity_scheduled(run: Run, token: Token, job: DispatchTask) -> None:
    details: dict[str, Json] | None = None
    if run.events is not None:
        details = {"resource": job.resource.text, "input": job.input.decode(), "inputDetails": WHOLE, **_times(job)}
    token.previous = emit(run, token.previous, "ActivityScheduled", "activityScheduledEventDetails", details)


def activity_started(run: Run, token: Token, worker: str | None) -> None:
    details: dict[str, Json] = {} if worker is None else {"workerName": worker}
    token.previous = emit(run, token.previous, "ActivityStarted", "activityStartedEventDetails", details)


def task_succeeded(run: Run, token: Token, resource: Resource, output: bytes) -> None:
    details = None
    prefix, field = _names(resource)
    if run.events is not None:
        details = {**_integration(resource), "output": output.decode(), "outputDetails": WHOLE}
    token.previous = emit(run, token.previous, prefix + "Succeeded", field + "SucceededEventDetails", details)


def task_failed(run: Run, token: Token, resource: Resource, failure: Failure) -> None:
    """…TimedOut for the two time-outs, else …Failed."""
    prefix, field = _names(resource)
    how = "TimedOut" if failure.error in ("States.Timeout", "States.HeartbeatTimeout") else "Failed"
    details = {**_integration(resource), **failure_details(failure)}
    token.previous = emit(run, token.previous, prefix + how, f"{field}{how}EventDetails", details)


def _names(resource: Resource) -> tuple[str, str]:
    return _NAMES.get(resource.kind, ("Task", "task"))


_NAMES: Final = {"function": ("LambdaFunction", "lambdaFunction"), "activity": ("Activity", "activity")}


def _times(job: DispatchTask) -> dict[str, Json]:
    times: dict[str, Json] = {}
    if job.timeout_s is not None:
        times["timeoutInSeconds"] = job.timeout_s
    if job.heartbeat_s is not None and job.resource.kind != "function":
        times["heartbeatInSeconds"] = job.heartbeat_s
    return times


def _region(run: Run) -> str:
    """The execution's own: a service integration's ARN names none."""
    return run.info.machine_arn.split(":")[3]


def _integration(resource: Resource) -> dict[str, Json]:
    """What the events of a service integration say besides; those of a function or an activity say nothing."""
    if resource.kind in _NAMES:
        return {}
    action = resource.action + ("." + resource.pattern if resource.pattern else "")
    return {"resourceType": resource.service, "resource": action}


def iteration(run: Run, frame: Frame, name: str, how: str, previous: int) -> int:
    """MapIteration{Started,Succeeded,Failed,Aborted}; returns its number."""
    details = {"name": name, "index": frame.index} if run.events is not None else None
    return emit(run, previous, "MapIteration" + how, f"mapIteration{how}EventDetails", details)


def map_run_started(run: Run, previous: int, arn: str) -> int:
    details: dict[str, Json] = {"mapRunArn": arn}
    return emit(run, previous, "MapRunStarted", "mapRunStartedEventDetails", details)


def map_run_redriven(run: Run, previous: int, arn: str, redrives: int) -> int:
    details: dict[str, Json] = {"mapRunArn": arn, "redriveCount": redrives}
    return emit(run, previous, "MapRunRedriven", "mapRunRedrivenEventDetails", details)


def aborted(run: Run, token: Token) -> None:
    """{Task,Wait,Parallel,Map}StateAborted: the state was given up because something beside it failed."""
    if isinstance(token.gather, MapRun):
        token.previous = emit(run, token.previous, "MapRunAborted")
    if isinstance(token.state, (Task, Wait, Parallel, Map)):
        emit(run, token.previous, KIND[type(token.state)] + "StateAborted")

"""The Step Functions API: JSON 1.0 over `POST /`, the action in the header X-Amz-Target.

A plain ASGI callable, because every start and every poll of a client passes here: no routing, no models, no middleware.
Any credentials are accepted.
"""

import asyncio
import itertools
import logging
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope, Send

from serve.body import Disconnected, read_body
from serve.sfn import activities, executions, machines, map_runs, releases, tags, teststate
from serve.sfn.shapes import Shape, check
from sfc.engine.engine import Engine
from sfc.errors import InvalidRequest, SfcError

log = logging.getLogger(__name__)

Action = Callable[[Engine, dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]

PREFIX: Final = b"AWSStepFunctions."
_REQUESTS: Final = str(uuid.uuid4())[:24].encode()
"""The beginning of this process's request ids; a number follows, which costs less than chance for each."""
_numbers = itertools.count(1)
ACTIONS: Final[Mapping[bytes, tuple[Shape, Action]]] = {
    PREFIX + name: action
    for name, action in {
        b"StartExecution": (executions.START, executions.start_execution),
        b"StartSyncExecution": (executions.START_SYNC, executions.start_sync_execution),
        b"DescribeExecution": (executions.DESCRIBE, executions.describe_execution),
        b"ListExecutions": (executions.LIST, executions.list_executions),
        b"StopExecution": (executions.STOP, executions.stop_execution),
        b"RedriveExecution": (executions.REDRIVE, executions.redrive_execution),
        b"GetExecutionHistory": (executions.HISTORY, executions.get_execution_history),
        b"CreateStateMachine": (machines.CREATE, machines.create_state_machine),
        b"DescribeStateMachine": (machines.DESCRIBE, machines.describe_state_machine),
        b"DescribeStateMachineForExecution": (
            machines.DESCRIBE_FOR_EXECUTION,
            machines.describe_state_machine_for_execution,
        ),
        b"UpdateStateMachine": (machines.UPDATE, machines.update_state_machine),
        b"DeleteStateMachine": (machines.DELETE, machines.delete_state_machine),
        b"ListStateMachines": (machines.LIST, machines.list_state_machines),
        b"ValidateStateMachineDefinition": (machines.VALIDATE, machines.validate_definition),
        b"TestState": (teststate.TEST, teststate.test_a_state),
        b"PublishStateMachineVersion": (releases.PUBLISH, releases.publish_state_machine_version),
        b"ListStateMachineVersions": (releases.LIST_VERSIONS, releases.list_state_machine_versions),
        b"DeleteStateMachineVersion": (releases.DELETE_VERSION, releases.delete_state_machine_version),
        b"CreateStateMachineAlias": (releases.CREATE_ALIAS, releases.create_state_machine_alias),
        b"UpdateStateMachineAlias": (releases.UPDATE_ALIAS, releases.update_state_machine_alias),
        b"DescribeStateMachineAlias": (releases.ALIAS, releases.describe_state_machine_alias),
        b"ListStateMachineAliases": (releases.LIST_ALIASES, releases.list_state_machine_aliases),
        b"DeleteStateMachineAlias": (releases.ALIAS, releases.delete_state_machine_alias),
        b"DescribeMapRun": (map_runs.DESCRIBE, map_runs.describe_map_run),
        b"ListMapRuns": (map_runs.LIST, map_runs.list_map_runs),
        b"UpdateMapRun": (map_runs.UPDATE, map_runs.update_map_run),
        b"CreateActivity": (activities.CREATE, activities.create_activity),
        b"DescribeActivity": (activities.ACTIVITY, activities.describe_activity),
        b"ListActivities": (activities.LIST, activities.list_activities),
        b"DeleteActivity": (activities.ACTIVITY, activities.delete_activity),
        b"GetActivityTask": (activities.GET_TASK, activities.get_activity_task),
        b"SendTaskSuccess": (activities.SUCCESS, activities.send_task_success),
        b"SendTaskFailure": (activities.FAILURE, activities.send_task_failure),
        b"SendTaskHeartbeat": (activities.HEARTBEAT, activities.send_task_heartbeat),
        b"TagResource": (tags.TAG, tags.tag_resource),
        b"UntagResource": (tags.UNTAG, tags.untag_resource),
        b"ListTagsForResource": (tags.LIST, tags.list_tags_for_resource),
    }.items()
}
_LONG: Final = frozenset({PREFIX + b"GetActivityTask"})
"""Actions that wait: they end when their client goes away."""
_WITHOUT_EFFECT: Final[Mapping[bytes, tuple[str, ...]]] = {
    target: tuple(name for name, field in shape.items() if not field.effect) for target, (shape, _) in ACTIONS.items()
}
"""Members that are checked and kept, and do nothing; an answer names those that its request had."""


async def serve_action(engine: Engine, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers one request. Errors have status 400, or 5xx when they are ours; the body is `__type` and `message`."""
    idle: tuple[str, ...] = ()
    try:
        answer, idle = await _act(engine, scope, receive)
        status = 200
    except Disconnected:
        return
    except SfcError as error:
        # Step Functions has one status for everything that a caller did wrong, whatever HTTP would call it.
        status = error.status if error.status in (413, 503) else 400
        answer = {"__type": error.code, "message": error.message}
    except Exception:
        log.exception("a request for %s failed", _target(scope))
        status, answer = 500, {"__type": "InternalFailure", "message": "The server failed to handle this request."}
    await _respond(send, status, orjson.dumps(answer), idle)


async def _act(engine: Engine, scope: Scope, receive: Receive) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The answer, and the members of the request that had no effect."""
    data = await read_body(scope, receive)
    target = _target(scope)
    try:
        shape, action = ACTIONS[target]
    except KeyError:
        name = target.decode("latin-1").removeprefix("AWSStepFunctions.")
        message = f"Unknown operation: {name[:100]}" if name else "The header X-Amz-Target is missing"
        raise InvalidRequest(message, code="UnknownOperationException") from None
    try:
        body = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The request body is not JSON: {error}", code="SerializationException") from None
    if type(body) is not dict:
        raise InvalidRequest("The request body must be a JSON object", code="SerializationException")
    check(shape, body)
    if None in body.values():  # null is the same as no such member
        body = {name: value for name, value in body.items() if value is not None}
    idle = tuple(name for name in _WITHOUT_EFFECT[target] if body.get(name) is not None)
    if target in _LONG:
        return await _while_connected(action(engine, body), receive), idle
    return await action(engine, body), idle


async def _while_connected(action: Coroutine[Any, Any, dict[str, Any]], receive: Receive) -> dict[str, Any]:
    """Raises Disconnected, and ends the action, when the client goes away: a task must not be given to nobody."""
    acting, gone = asyncio.ensure_future(action), asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({acting, gone}, return_when=asyncio.FIRST_COMPLETED)
        if acting.done():
            return acting.result()
        raise Disconnected
    finally:
        gone.cancel()
        acting.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        """Nothing else is of interest."""


def _target(scope: Scope) -> bytes:
    for key, value in scope["headers"]:
        if key == b"x-amz-target":
            return bytes(value)
    return b""


async def _respond(send: Send, status: int, body: bytes, idle: tuple[str, ...]) -> None:
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"content-length", b"%d" % len(body)),
        (b"x-amzn-requestid", b"%b%012x" % (_REQUESTS, next(_numbers))),
    ]
    if idle:
        headers.append((b"x-sfc-without-effect", ", ".join(idle).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

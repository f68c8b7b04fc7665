"""Starts by request, as every route answers them: at once, or when the execution has ended."""

from typing import Any

from fastapi import Response

from serve.errors import error_body
from sfc import jsonvalue
from sfc.engine.engine import Engine
from sfc.engine.records import ExecutionRecord
from sfc.errors import Conflict
from sfc.triggers.trigger import machine_of


async def start(
    engine: Engine, blueprint: str, text: str, name: str | None, wait_s: float, *, same_input: bool = True
) -> tuple[ExecutionRecord, bool]:
    """The execution of this name, and whether it was there before; at its end, or as it stands after `wait_s`.

    `same_input`: one that was started with another input is none of ours: Conflict (ExecutionAlreadyExists). Raises as
    `Engine.start`.
    """
    machine, began = machine_of(blueprint), engine.now()
    if wait_s and (await engine.blueprints.get(machine)).kind == "EXPRESS":
        return await engine.start_sync(blueprint, text, name), False
    try:
        record = await engine.start(blueprint, text, name)
    except Conflict:
        if name is None:
            raise
        # A repeat that comes after the end: the caller wants the answer it did not get the first time.
        record = await engine.describe(engine.partition.execution(machine, name))
        if same_input and jsonvalue.loads(record.input or "{}") != jsonvalue.loads(text):
            raise
    repeated = record.started_at < began
    return (await engine.wait(record.arn, wait_s) if wait_s else record), repeated


def answer(record: ExecutionRecord, *, ended: bool, accepted: int = 202) -> Response:
    """Its output or its failure when the caller waited for its `ended`; otherwise where it is, with `accepted`."""
    if not ended or record.status == "RUNNING":
        return json({"execution": record.arn, "status": record.status}, accepted, _headers(record))
    if record.status == "SUCCEEDED":
        return Response(record.output, 200, _headers(record), "application/json")
    return json(error_body(record.error or record.status, record.cause or ""), 422, _headers(record))


def json(value: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(jsonvalue.dumps(value), status, headers, "application/json")


def _headers(record: ExecutionRecord) -> dict[str, str]:
    return {"Location": f"/api/executions/{record.arn}", "X-SFC-Execution": record.arn}

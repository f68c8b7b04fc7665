"""Step Functions actions on executions."""

from typing import Any, Final

from serve.sfn import shapes
from sfc import arn
from sfc.engine.engine import Engine
from sfc.engine.records import ExecutionRecord, HistoryEvent
from sfc.errors import InvalidRequest
from sfc.limits import DEFAULT_PAGE_SIZE

Body = dict[str, Any]

START: Final = {
    "stateMachineArn": shapes.ARN,
    "name": shapes.NAME,
    "input": shapes.PAYLOAD,
    "traceHeader": shapes.TRACE,
}
START_SYNC: Final = {**START, "includedData": shapes.DATA}
DESCRIBE: Final = {"executionArn": shapes.ARN, "includedData": shapes.DATA}
LIST: Final = {
    "stateMachineArn": shapes.Field(low=1, high=256),
    "mapRunArn": shapes.Field(low=1, high=2000),
    "statusFilter": shapes.STATUS,
    "redriveFilter": shapes.REDRIVEN,
    "maxResults": shapes.MAX_RESULTS,
    "nextToken": shapes.LIST_TOKEN,
}
REDRIVE: Final = {
    "executionArn": shapes.ARN,
    "clientToken": shapes.Field(low=1, high=64, pattern="[!-~]+"),
}
STOP: Final = {"executionArn": shapes.ARN, "error": shapes.ERROR, "cause": shapes.CAUSE}
HISTORY: Final = {
    "executionArn": shapes.ARN,
    "maxResults": shapes.MAX_RESULTS,
    "reverseOrder": shapes.FLAG,
    "includeExecutionData": shapes.FLAG,
    "nextToken": shapes.TOKEN,
}


async def start_execution(engine: Engine, body: Body) -> Body:
    target = arn.parse(body["stateMachineArn"], "stateMachine")
    record = await engine.start(target.text, body.get("input", "{}"), body.get("name"))
    return {"executionArn": record.arn, "startDate": record.started_at / 1000}


async def start_sync_execution(engine: Engine, body: Body) -> Body:
    target = arn.parse(body["stateMachineArn"], "stateMachine")
    record = await engine.start_sync(target.text, body.get("input", "{}"), body.get("name"))
    answer = _outline(engine, record) | _data(record, body)
    answer["outputDetails"] = answer["inputDetails"]  # here even where there is no output
    duration = max(0, (record.stopped_at or record.started_at) - record.started_at)
    # AWS bills in steps of 100 ms of 64 MB chunks; both figures belong to the shape of the answer.
    answer["billingDetails"] = {
        "billedMemoryUsedInMB": 64,
        "billedDurationInMilliseconds": max(100, -(-duration // 100) * 100),
    }
    return answer


async def describe_execution(engine: Engine, body: Body) -> Body:
    # Of EXPRESS executions only those that a Map Run has started can be described.
    kinds = ("execution", "express") if "/" in body["executionArn"] else ("execution",)
    record = await engine.describe(arn.parse(body["executionArn"], *kinds).text)
    return _outline(engine, record) | _data(record, body) | _redrives(record) | _redrive_status(engine, record)


def _outline(engine: Engine, record: ExecutionRecord) -> Body:
    answer: Body = {
        "executionArn": record.arn,
        "stateMachineArn": record.machine_arn,
        "name": record.name,
        "status": record.status,
        "startDate": record.started_at / 1000,
    }
    if record.published is not None:
        answer["stateMachineVersionArn"] = engine.partition.release(record.machine, record.published)
    if record.alias is not None:
        answer["stateMachineAliasArn"] = engine.partition.alias(record.machine, record.alias)
    if record.stopped_at is not None:
        answer["stopDate"] = record.stopped_at / 1000
    if record.map_run_arn is not None:
        answer["mapRunArn"] = record.map_run_arn
    return answer


def _data(record: ExecutionRecord, body: Body) -> Body:
    included = body.get("includedData") != "METADATA_ONLY"
    answer: Body = {"inputDetails": {"included": included}}
    if included and record.input is not None:
        answer["input"] = record.input
    if record.output is not None:
        answer["outputDetails"] = {"included": included}
        if included:
            answer["output"] = record.output
    if record.error is not None:
        answer["error"] = record.error
    if record.cause is not None:
        answer["cause"] = record.cause
    return answer


def _redrives(record: ExecutionRecord) -> Body:
    answer: Body = {"redriveCount": record.redrives}
    if record.redriven_at is not None:
        answer["redriveDate"] = record.redriven_at / 1000
    return answer


def _redrive_status(engine: Engine, record: ExecutionRecord) -> Body:
    reason = engine.why_not_redrivable(record)
    if reason is None:
        return {"redriveStatus": "REDRIVABLE" if record.map_run_arn is None else "REDRIVABLE_BY_MAP_RUN"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


async def list_executions(engine: Engine, body: Body) -> Body:
    if (body.get("stateMachineArn") is None) == (body.get("mapRunArn") is None):
        raise InvalidRequest("Must provide a state machine ARN or a Map Run ARN")
    limit = body.get("maxResults") or DEFAULT_PAGE_SIZE
    redriven = None if body.get("redriveFilter") is None else body["redriveFilter"] == "REDRIVEN"
    more = (body.get("statusFilter"), limit, body.get("nextToken"), redriven)
    if body.get("mapRunArn") is not None:
        page = await engine.list_children(arn.parse(body["mapRunArn"], "mapRun").text, *more)
    else:
        page = await engine.list(arn.parse(body["stateMachineArn"], "stateMachine").text, *more)
    answer: Body = {"executions": [_outline(engine, record) | _redrives(record) for record in page.items]}
    if page.next_token:
        answer["nextToken"] = page.next_token
    return answer


async def stop_execution(engine: Engine, body: Body) -> Body:
    target = arn.parse(body["executionArn"], "execution")
    stopped_at = await engine.stop(target.text, body.get("error"), body.get("cause"))
    return {"stopDate": stopped_at / 1000}


async def redrive_execution(engine: Engine, body: Body) -> Body:
    target = arn.parse(body["executionArn"], "execution")
    redriven_at = await engine.redrive(target.text, body.get("clientToken") or "")
    return {"redriveDate": redriven_at / 1000}


async def get_execution_history(engine: Engine, body: Body) -> Body:
    page = await engine.history(
        arn.parse(body["executionArn"], "execution").text,
        reverse=body.get("reverseOrder", False),
        limit=body.get("maxResults") or DEFAULT_PAGE_SIZE,
        token=body.get("nextToken"),
        include_data=body.get("includeExecutionData", True),
    )
    answer: Body = {"events": [_in_seconds(event) for event in page.items]}
    if page.next_token:
        answer["nextToken"] = page.next_token
    return answer


def _in_seconds(event: HistoryEvent) -> HistoryEvent:
    return {**event, "timestamp": event["timestamp"] / 1000}

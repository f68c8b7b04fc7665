"""Step Functions actions on Map Runs."""

from typing import Any, Final

from serve.sfn import shapes
from sfc import arn
from sfc.engine.engine import Engine
from sfc.engine.records import MapRunCounts, MapRunRecord
from sfc.errors import InvalidRequest
from sfc.limits import DEFAULT_PAGE_SIZE

Body = dict[str, Any]

_ARN: Final = shapes.Field(required=True, low=1, high=2000)
DESCRIBE: Final = {"mapRunArn": _ARN}
LIST: Final = {"executionArn": shapes.ARN, "maxResults": shapes.MAX_RESULTS, "nextToken": shapes.TOKEN}
UPDATE: Final = {
    "mapRunArn": _ARN,
    "maxConcurrency": shapes.Field(type=int, low=0),
    "toleratedFailurePercentage": shapes.Field(type=float, low=0, high=100),
    "toleratedFailureCount": shapes.Field(type=int, low=0),
}


async def describe_map_run(engine: Engine, body: Body) -> Body:
    record = await engine.describe_map_run(arn.parse(body["mapRunArn"], "mapRun").text)
    answer: Body = {
        "mapRunArn": record.arn,
        "executionArn": record.execution_arn,
        "status": record.status,
        **_dates(record),
        "maxConcurrency": record.max_concurrency,
        "toleratedFailurePercentage": record.tolerated_failure_percentage,
        "toleratedFailureCount": record.tolerated_failure_count,
        "itemCounts": _counts(record.items),
        "executionCounts": _counts(record.children),
        "redriveCount": record.redrives,
    }
    if record.redriven_at is not None:
        answer["redriveDate"] = record.redriven_at / 1000
    return answer


async def list_map_runs(engine: Engine, body: Body) -> Body:
    execution = arn.parse(body["executionArn"], "execution").text
    limit = body.get("maxResults") or DEFAULT_PAGE_SIZE
    page = await engine.list_map_runs(execution, limit, body.get("nextToken"))
    answer: Body = {"mapRuns": [_outline(record) for record in page.items]}
    if page.next_token:
        answer["nextToken"] = page.next_token
    return answer


async def update_map_run(engine: Engine, body: Body) -> Body:
    given = {name: body.get(name) for name in ("maxConcurrency", "toleratedFailurePercentage", "toleratedFailureCount")}
    if all(value is None for value in given.values()):
        raise InvalidRequest(f"Must provide at least one of {', '.join(given)}")
    await engine.update_map_run(
        arn.parse(body["mapRunArn"], "mapRun").text,
        max_concurrency=given["maxConcurrency"],
        tolerated_failure_count=given["toleratedFailureCount"],
        tolerated_failure_percentage=given["toleratedFailurePercentage"],
    )
    return {}


def _outline(record: MapRunRecord) -> Body:
    return {
        "executionArn": record.execution_arn,
        "mapRunArn": record.arn,
        "stateMachineArn": record.machine_arn,
        **_dates(record),
    }


def _dates(record: MapRunRecord) -> Body:
    dates: Body = {"startDate": record.started_at / 1000}
    if record.stopped_at is not None:
        dates["stopDate"] = record.stopped_at / 1000
    return dates


def _counts(counts: MapRunCounts) -> Body:
    return {
        "pending": counts.pending,
        "running": counts.running,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "timedOut": counts.timed_out,
        "aborted": counts.aborted,
        "total": counts.total,
        "resultsWritten": counts.results_written,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }

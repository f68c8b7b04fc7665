"""Step Functions actions on activities, and what holders of task tokens say."""

from typing import Any, Final

from serve.sfn import configuration, shapes
from serve.sfn.tags import tags_in
from sfc import arn as arns
from sfc.catalog.activity import Activity
from sfc.engine.engine import Engine
from sfc.limits import ACTIVITY_POLL_S, DEFAULT_PAGE_SIZE, TASK_TOKEN_CHARS

Body = dict[str, Any]

_TOKEN: Final = shapes.Field(required=True, low=1, high=TASK_TOKEN_CHARS)
CREATE: Final = {
    "name": shapes.required(shapes.NAME),
    "tags": shapes.list_of(shapes.TAG),
    "encryptionConfiguration": shapes.without_effect(shapes.ENCRYPTION),
}
ACTIVITY: Final = {"activityArn": shapes.ARN}
LIST: Final = {"maxResults": shapes.MAX_RESULTS, "nextToken": shapes.TOKEN}
GET_TASK: Final = {"activityArn": shapes.ARN, "workerName": shapes.NAME}
SUCCESS: Final = {"taskToken": _TOKEN, "output": shapes.required(shapes.PAYLOAD)}
FAILURE: Final = {"taskToken": _TOKEN, "error": shapes.ERROR, "cause": shapes.CAUSE}
HEARTBEAT: Final = {"taskToken": _TOKEN}


async def create_activity(engine: Engine, body: Body) -> Body:
    settings = configuration.settings({}, configuration.given(body))
    tags = tags_in(body.get("tags") or [])
    made = await engine.consult(lambda catalog: catalog.activities.create(body["name"], settings=settings, tags=tags))
    return {"activityArn": engine.partition.activity(made.name), "creationDate": made.created_at / 1000}


async def describe_activity(engine: Engine, body: Body) -> Body:
    name = _name(body)
    found = await engine.consult(lambda catalog: catalog.activities.get(name))
    return {**_outline(engine, found), "encryptionConfiguration": configuration.encryption(found.settings)}


async def list_activities(engine: Engine, body: Body) -> Body:
    page = await engine.blueprints.list_activities(body.get("maxResults") or DEFAULT_PAGE_SIZE, body.get("nextToken"))
    answer: Body = {"activities": [_outline(engine, activity) for activity in page.items]}
    if page.next_token:
        answer["nextToken"] = page.next_token
    return answer


async def delete_activity(engine: Engine, body: Body) -> Body:
    name = _name(body)
    await engine.consult(lambda catalog: catalog.activities.delete(name))
    return {}


async def get_activity_task(engine: Engine, body: Body) -> Body:
    task = await engine.get_activity_task(_name(body), body.get("workerName"), ACTIVITY_POLL_S)
    return {"taskToken": None} if task is None else {"taskToken": task.token, "input": task.input}


async def send_task_success(engine: Engine, body: Body) -> Body:
    await engine.send_task_success(body["taskToken"], body["output"])
    return {}


async def send_task_failure(engine: Engine, body: Body) -> Body:
    await engine.send_task_failure(body["taskToken"], body.get("error"), body.get("cause"))
    return {}


async def send_task_heartbeat(engine: Engine, body: Body) -> Body:
    await engine.send_task_heartbeat(body["taskToken"])
    return {}


def _name(body: Body) -> str:
    return arns.parse(body["activityArn"], "activity").machine


def _outline(engine: Engine, activity: Activity) -> Body:
    return {
        "activityArn": engine.partition.activity(activity.name),
        "name": activity.name,
        "creationDate": activity.created_at / 1000,
    }

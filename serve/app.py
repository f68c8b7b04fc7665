"""The HTTP application: `build_app(engine)` gives an ASGI callable for any server, with or without Ray."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from serve import docs, errors
from serve.body import BodyTooLarge, Disconnected, read_body, replay
from serve.capacity import Capacity
from serve.routes import (
    blueprints,
    dead_letters,
    executions,
    map_runs,
    monitor,
    pauses,
    pools,
    releases,
    requests,
    task_metas,
    tasks,
    triggers,
)
from serve.sfn.endpoint import serve_action
from sfc.bridge.bridge import Bridge
from sfc.engine.engine import Engine

_ABOUT = """
Durable flows in Amazon States Language.

The [Step Functions API](https://docs.aws.amazon.com/step-functions/latest/apireference/) is at `POST /` of the same
port: `aws stepfunctions --endpoint-url http://… list-state-machines`. This page describes the REST API. Times are UTC,
ISO 8601.
"""
_TAGS = [
    {"name": "blueprints", "description": "Named, versioned state machines."},
    {"name": "pauses", "description": "Blueprints and groups that begin nothing for a while."},
    {"name": "executions", "description": "Their runs: start, watch, stop, look back."},
    {"name": "task metas", "description": "Tasks that blueprints refer to by name, their versions and code."},
    {"name": "tasks", "description": "Answers to task tokens; activities and their workers."},
    {"name": "triggers", "description": "What starts executions: schedules, webhooks, topics, requests."},
    {"name": "pools", "description": "Workers: whose, how many, and why."},
    {"name": "monitor", "description": "Health and figures."},
]


class Front:
    """Sends Step Functions requests straight to their actions and everything else to the REST application.

    Bodies are read here, within the limit, so that no route can be made to hold more.
    """

    def __init__(self, engine: Engine, rest: ASGIApp) -> None:
        self._engine = engine
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
        elif scope["method"] == "POST" and scope["path"] == "/":
            await serve_action(self._engine, scope, receive, send)
        elif scope["method"] in ("POST", "PUT", "PATCH", "DELETE"):
            await self._with_body(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive)
        except Disconnected:
            return
        except BodyTooLarge as error:
            # The rest of the body is not read, so the connection cannot carry another request.
            response = errors.respond(error)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        await self._rest(scope, replay(body, receive), send)


def build_app(engine: Engine, capacity: Capacity | None = None, bridge: Bridge | None = None) -> ASGIApp:
    """The application over an engine that is open, or will be before the first request. No `capacity`: handlers run in
    this process. No `bridge`: schedules can be set but start nothing.
    """
    rest = FastAPI(
        title="service-flow-conductor",
        version="1",
        description=_ABOUT,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
    )
    rest.state.engine = engine
    rest.state.capacity = capacity
    rest.state.bridge = bridge or Bridge(engine)
    errors.install(rest)
    docs.install(rest)
    routes = (
        blueprints, pauses, releases, executions, map_runs, task_metas, tasks, triggers, requests, dead_letters, pools,
        monitor,
    )  # fmt: skip
    for module in routes:
        rest.include_router(module.router)
    return Front(engine, rest)

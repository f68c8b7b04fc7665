"""`sfc test-state`: one state, tried in this process."""

import asyncio
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sfc import jsonvalue
from sfc.cli.inputs import InputOption, read_input, read_text
from sfc.cli.output import print_json

if TYPE_CHECKING:
    from sfc.engine.engine import Engine
    from sfc.teststate import Outcome, TestRequest

_ROLE = "arn:aws:iam::123456789012:role/sfc"
_JSON_TEXTS = frozenset({"output"})


def try_state(
    file: Annotated[Path, typer.Argument(help="A state, or a state machine with --state; JSON.")],
    state: Annotated[str | None, typer.Option(help="The state to try, of a state machine.")] = None,
    input_: InputOption = "{}",
    result: Annotated[
        str | None, typer.Option("--mock-result", metavar="JSON", help="What the task, or the iterations, give.")
    ] = None,
    error: Annotated[str | None, typer.Option("--mock-error", metavar="NAME", help="The error it fails with.")] = None,
    cause: Annotated[str | None, typer.Option("--mock-cause", help="The cause of that.")] = None,
    variables: Annotated[str | None, typer.Option(metavar="JSON", help="Variables that are set before.")] = None,
    context: Annotated[str | None, typer.Option(metavar="JSON", help="The context object.")] = None,
    retries: Annotated[int, typer.Option(min=0, help="How often the retrier was used already.")] = 0,
    handlers: Annotated[
        list[str] | None, typer.Option(help="Module or file with task handlers; may be repeated.")
    ] = None,
) -> None:
    """Try one state, with a mocked result or for real; prints what TestState tells at the level TRACE."""
    from sfc.asl.expression import Failure
    from sfc.engine.local import local_engine
    from sfc.teststate import Mock, StateConfiguration, TestRequest
    from sfc.teststate.inspection import answer

    failure = None if error is None and cause is None else Failure(error, cause)
    request = TestRequest(
        definition=read_text(file),
        state_name=state,
        input=read_input(input_),
        variables=variables,
        context=context,
        role_arn=_ROLE,
        mock=None if result is None and failure is None else Mock(result=result, failure=failure),
        configuration=StateConfiguration(retry_count=retries),
    )
    outcome = asyncio.run(_try(local_engine(handlers or []), request))
    told = answer(outcome, "TRACE")
    told["inspectionData"] = {
        name: jsonvalue.loads(value) if isinstance(value, str) else value
        for name, value in told["inspectionData"].items()
    }
    print_json({name: jsonvalue.loads(value) if name in _JSON_TEXTS else value for name, value in told.items()})
    if outcome.status == "FAILED":
        raise typer.Exit(1)


async def _try(engine: "Engine", request: "TestRequest") -> "Outcome":
    from sfc.teststate import test_state

    await engine.open()
    try:
        machine, name = str(uuid.uuid4()), str(uuid.uuid4())
        now = time.time_ns() // 1_000_000
        return await test_state(request, engine.partition, machine, name, now, now, engine.run_alone)
    finally:
        await engine.close()

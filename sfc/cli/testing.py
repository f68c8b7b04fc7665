"""`sfc test`: the test cases of a mock configuration file, in this process and in virtual time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sfc import jsonvalue
from sfc.cli.inputs import AwsEndpointOption, AwsRegionOption, aws_settings, blueprint_name, read_input, read_text
from sfc.cli.output import Failed, JsonOption, print_json, print_table, say

if TYPE_CHECKING:
    from sfc.tasks.mocks import MockConfig, TestCase
    from sfc.testing import Played
    from sfc.testing.playing import Perform


class _Outcome(NamedTuple):
    case: "TestCase"
    played: "Played | None"
    wrong: list[str]


def run_cases(
    file: Annotated[Path, typer.Argument(help="Amazon States Language, JSON.")],
    mocks: Annotated[Path, typer.Option(help="Mock configuration file, as of Step Functions Local.")],
    case: Annotated[list[str] | None, typer.Option(help="Only this test case; may be repeated.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the state machine in the mock file; default: the file's, or the only one.")
    ] = None,
    input_: Annotated[
        str | None, typer.Option("--input", "-i", metavar="JSON", help="For every case: JSON text, @FILE, or -.")
    ] = None,
    handlers: Annotated[
        list[str] | None, typer.Option(help="Module or file whose handlers do what is not mocked; may be repeated.")
    ] = None,
    aws_endpoint: AwsEndpointOption = None,
    aws_region: AwsRegionOption = None,
    express: Annotated[bool, typer.Option("--express", help="As an EXPRESS state machine.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the test cases of a blueprint with mocked services; fails when one ends otherwise than expected."""
    from sfc.tasks.loading import load_handlers
    from sfc.tasks.mocks import read_mocks
    from sfc.tasks.runner import TaskSettings
    from sfc.testing.performer import Performer

    definition = read_text(file)
    cases = _chosen(read_mocks(read_text(mocks)), name, blueprint_name(file), case or [])
    given = None if input_ is None else jsonvalue.loads(read_input(input_))
    load_handlers(handlers or [])
    with Performer(TaskSettings(aws=aws_settings(aws_endpoint, aws_region))) as performer:
        perform = performer if handlers or aws_endpoint else None
        outcomes = [_run(each, definition, given, express, perform) for each in cases]
    if as_json:
        print_json([_facts(outcome) for outcome in outcomes])
    else:
        _print(outcomes)
    if any(outcome.wrong for outcome in outcomes):
        raise typer.Exit(1)


def _chosen(config: "MockConfig", name: str | None, file: str, wanted: list[str]) -> "list[TestCase]":
    machine = name or (file if file in config.machines or len(config.machines) > 1 else next(iter(config.machines)))
    if machine not in config.machines:
        there = ", ".join(config.machines)
        raise Failed(
            f"the mock configuration has no state machine {machine!r}; there are: {there}; say which by --name"
        )
    cases = config.cases(machine)
    there = ", ".join(each.name for each in cases)
    for each in wanted:
        if config.case(machine, each) is None:
            raise Failed(f"state machine {machine!r} has no test case {each!r}; there are: {there}")
    return [each for each in cases if not wanted or each.name in wanted]


def _run(case: "TestCase", definition: str, given: Any, express: bool, perform: "Perform | None") -> _Outcome:
    from sfc.tasks.mocks import NotMocked
    from sfc.testing import differences, play

    input = case.expected.input if given is None else given
    try:
        played = play(
            definition, input, mocks=case, kind="EXPRESS" if express else "STANDARD", name=case.machine, perform=perform
        )
    except NotMocked as error:
        return _Outcome(case, None, [str(error)])
    return _Outcome(case, played, differences(case.expected, played))


def _facts(outcome: _Outcome) -> dict[str, Any]:
    facts: dict[str, Any] = {"case": outcome.case.name, "passed": not outcome.wrong, "differences": outcome.wrong}
    played = outcome.played
    if played is not None:
        facts |= {"status": played.status, "path": played.path, "seconds": played.seconds}
        facts |= {"output": played.output} if played.status == "SUCCEEDED" else {}
        facts |= {key: value for key in ("error", "cause") if (value := getattr(played, key)) is not None}
    return facts


def _print(outcomes: list[_Outcome]) -> None:
    rows = [
        (
            each.case.name,
            "failed" if each.wrong else "passed",
            each.played.status if each.played else "",
            f"{each.played.seconds:g} s" if each.played else "",
            " → ".join(each.played.path) if each.played else "",
        )
        for each in outcomes
    ]
    print_table(("CASE", "RESULT", "STATUS", "TIME", "PATH"), rows)
    for each in outcomes:
        for sentence in each.wrong:
            say(f"{each.case.name}: {sentence}")
    failed = sum(bool(each.wrong) for each in outcomes)
    say(f"{len(outcomes) - failed} passed, {failed} failed")

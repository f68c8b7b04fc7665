"""Retry and Catch. Source: https://states-language.net/#errors"""

from typing import Final

from sfc.asl import assign
from sfc.asl.dataflow import JsonPathFlow
from sfc.asl.fields import Fields
from sfc.asl.graph import targets_of
from sfc.asl.jsonata.fields import ERROR, read_value
from sfc.asl.jsonata.flow import JsonataFlow
from sfc.asl.model import Catcher, DataFlow, Retrier
from sfc.limits import ERROR_CHARS, MAX_DELAY_SECONDS, MAX_SECONDS, RETRY_ATTEMPTS

_RETRIER: Final = (
    "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment",
)  # fmt: skip
_CATCHER: Final = {
    "JSONPath": ("ErrorEquals", "Next", "ResultPath", "Assign", "Comment"),
    "JSONata": ("ErrorEquals", "Next", "Output", "Assign", "Comment"),
}
_ALL: Final = "States.ALL"
_STATES_ERRORS: Final = frozenset(
    f"States.{name}"
    for name in (
        "ALL", "Timeout", "HeartbeatTimeout", "TaskFailed", "Permissions", "ResultPathMatchFailure",
        "ParameterPathFailure", "BranchFailed", "NoChoiceMatched", "IntrinsicFailure", "QueryEvaluationError",
        "ExceedToleratedFailureThreshold", "ItemReaderFailed", "ResultWriterFailed", "DataLimitExceeded", "Runtime",
        "Http.Socket",
    )
)  # fmt: skip
_HTTP_STATUS: Final = "States.Http.StatusCode."


def read_retry(state: Fields) -> tuple[Retrier, ...]:
    entries = state.objects("Retry") if state.raw.get("Retry") != [] else []
    made = [_retrier(entry) for entry in entries]
    _check_all_is_last(entries)
    return tuple(each for each in made if each is not None)


def read_catch(state: Fields, language: str) -> tuple[Catcher, ...]:
    entries = state.objects("Catch") if state.raw.get("Catch") != [] else []
    made = [_catcher(entry, language, f"Catch[{number}]/") for number, entry in enumerate(entries)]
    _check_all_is_last(entries)
    return tuple(each for each in made if each is not None)


def _retrier(entry: Fields) -> Retrier | None:
    entry.only(_RETRIER, "a retrier")
    entry.text("Comment")
    errors = _error_equals(entry)
    interval = entry.integer("IntervalSeconds", 1, MAX_SECONDS)
    attempts = entry.integer("MaxAttempts", 0, RETRY_ATTEMPTS)
    rate = entry.number("BackoffRate", 1.0)
    most = entry.integer("MaxDelaySeconds", 1, MAX_DELAY_SECONDS - 1)
    jitter = entry.one_of("JitterStrategy", ("NONE", "FULL"))
    if most is not None and most <= (1 if interval is None else interval):
        entry.error("MaxDelaySeconds", "'MaxDelaySeconds' must be greater than 'IntervalSeconds'")
    if errors is None:
        return None
    return Retrier(
        error_equals=errors,
        interval_s=1.0 if interval is None else float(interval),
        max_attempts=3 if attempts is None else attempts,
        backoff_rate=2.0 if rate is None else rate,
        max_delay_s=None if most is None else float(most),
        full_jitter=jitter == "FULL",
    )


def _catcher(entry: Fields, language: str, prefix: str) -> Catcher | None:
    entry.only(_CATCHER[language], f"a catcher of a {language} state")
    entry.text("Comment")
    errors = _error_equals(entry)
    entry.require("Next")
    targets = targets_of(entry.raw.get("Next"))
    flow = _flow(entry, language, prefix)
    if errors is None or targets is None:
        return None
    return Catcher(error_equals=errors, next=targets, flow=flow)


def _flow(entry: Fields, language: str, prefix: str) -> DataFlow:
    """The state's OutputPath has no say in what a catcher hands on, as AWS's runs show."""
    if language == "JSONata":
        made, variables = read_value(entry, "Output", ERROR, prefix), assign.read_jsonata(entry, ERROR, prefix)
        return JsonataFlow(made=made, assign=variables, result_name="errorOutput")
    return JsonPathFlow(result_path=entry.result_path(), assign=assign.read_template(entry))


def _error_equals(entry: Fields) -> tuple[str, ...] | None:
    entry.require("ErrorEquals")
    names = entry.array("ErrorEquals")
    if names is None:
        return None
    for index, name in enumerate(names):
        at = f"{entry.place('ErrorEquals')}[{index}]"
        if not isinstance(name, str):
            entry.report.error(at, "Expected value of type String")
        elif len(name) > ERROR_CHARS:
            entry.report.error(at, f"An error name has at most {ERROR_CHARS} characters")
        elif name.startswith("States.") and name not in _STATES_ERRORS and not name.startswith(_HTTP_STATUS):
            entry.report.warn(
                at, f"'{name}' is no error of the language; names of your own must not begin with States."
            )
    if _ALL in names and len(names) > 1:
        entry.error("ErrorEquals", "'States.ALL' must stand alone in its list")
    return tuple(names) if all(isinstance(name, str) for name in names) else None


def _check_all_is_last(entries: list[Fields]) -> None:
    for entry in entries[:-1]:
        names = entry.raw.get("ErrorEquals")
        if isinstance(names, list) and _ALL in names:
            entry.error("ErrorEquals", "'States.ALL' must stand in the last entry")

"""Cases recorded from the service, where the corpus lies beside the checkout."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(os.environ.get("SFC_SHARED", Path(__file__).parents[4] / "shared")) / "conformance" / "sfn"


def executions(file: str) -> list[Any]:
    """(definition, input, expected output) as pytest parameters of every successful execution of JSONPath cases."""
    found = []
    path = CORPUS / file
    for case in json.loads(path.read_text()) if path.exists() else []:
        machines = {
            step["id"]: step["params"]["definition"]
            for step in case["steps"]
            if step.get("op") == "create_state_machine" and isinstance(step["params"]["definition"], str)
        }
        for number, execution in enumerate(case["executions"]):
            definition = machines.get(execution["machine"])
            output = execution.get("expect", {}).get("output")
            if definition is None or "JSONata" in definition or "{{" in definition or output is None:
                continue
            name = f"{case['id'].split('::')[-1]}-{number}"
            found.append(pytest.param(json.loads(definition), execution["input"], output, id=name))
    return found or [pytest.param({}, None, None, marks=pytest.mark.skip(reason="no corpus here"))]

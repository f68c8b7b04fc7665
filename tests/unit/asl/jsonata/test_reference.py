"""The language itself: what the library that reads our expressions makes of them is what we make of them.

jsonata-python passes the test suite of the reference implementation in most of its parts; where it does not, the table
in `test_evaluation` says what is right.
"""

import json
from pathlib import Path
from typing import Any

import jsonata
import pytest
from jsonata.utils import Utils

from sfc.asl.jsonata.values import UNDEFINED
from tests.unit.asl.jsonata.expressions import evaluate_in_context, is_same

HERE = Path(__file__).parent
ORDERS = json.loads((HERE / "orders.json").read_text())
EXPRESSIONS = (HERE / "expressions.txt").read_text().strip("\n").split("\n")


def by_the_library(source: str) -> Any:
    program = jsonata.Jsonata(source)
    program.set_output_convert_nulls(False)
    value = program.evaluate(json.loads(json.dumps(ORDERS)))
    return UNDEFINED if value is None else Utils.convert_nulls(value)


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_an_expression_means_what_it_means_elsewhere(source: str) -> None:
    before = json.dumps(ORDERS)
    assert is_same(evaluate_in_context(source, ORDERS), by_the_library(source))
    assert json.dumps(ORDERS) == before, "what a flow owns was changed"

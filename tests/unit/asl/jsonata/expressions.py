"""Evaluates single expressions, as a state's field would."""

import json
from typing import Any

from jsonata.parser import Parser

from sfc.asl.expression import Scope
from sfc.asl.jsonata.compiler import compile_tree
from sfc.asl.jsonata.program import compile_expression
from sfc.asl.jsonata.regex import compile_regex
from sfc.asl.jsonata.states import States
from sfc.asl.jsonata.values import Env, Fault, Meter, to_json
from sfc.interpreter.entropy import SeededEntropy

NOW = 1_700_000_000_123


def scope(**variables: Any) -> Scope:
    return Scope(lambda: {"State": {"Name": "S"}}, SeededEntropy(7), variables, NOW)


def evaluate(source: str, data: Any = None, **variables: Any) -> Any:
    """The value for the state's input `data`, UNDEFINED for none; of a fault its code and message."""
    try:
        return compile_expression(source).run(States(data, scope(**variables)))
    except Fault as fault:
        return fault.code, fault.message


def evaluate_in_context(source: str, context: Any) -> Any:
    """The value of an expression that reads a context item, which those of states do not have."""
    code = compile_tree(Parser().parse(source, compile_regex))
    meter = Meter(NOW, SeededEntropy(7))
    return to_json(code(context, Env({"$": context}, None, meter)), meter, 200)


def is_same(left: Any, right: Any) -> bool:
    """Equal as JSON text, so that 1 and 1.0 differ, and 1 and true."""
    return json.dumps(left, default=repr) == json.dumps(right, default=repr)

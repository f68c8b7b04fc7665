"""JSONPath: where a value stands in the input, the context object or a variable.

    $            the input                 $$.a   the context object            $name.a   a variable
    .a  ['a']    a member                  [0]    an element, [-1] from the end
    *  [a:b]  [0,1]  ['a','b']  ..  [?()]  "wide" steps: the path then gives an array of what it finds

Plain paths (members and elements only) are compiled to one class each, without a parser or library at run time. All
others go through jsonpath-ng, with Jayway's rules where the two differ, since Jayway's are the service's.
Source: https://states-language.net/#path and https://github.com/json-path/JsonPath.
"""

from sfc.asl.expression import Expression
from sfc.asl.paths.plain import plain_path
from sfc.asl.paths.reference import ReferencePath
from sfc.asl.paths.syntax import Element, Member, ParsedPath, PathSyntaxError, parse_path

__all__ = ["PathSyntaxError", "ReferencePath", "compile_path", "compile_reference"]


def compile_path(text: str) -> Expression:
    """The expression behind a path. Raises PathSyntaxError.

    Evaluating it raises PathError when a definite path finds nothing; a path with wide steps gives [] then.
    """
    path = parse_path(text)
    if path.is_plain:
        return plain_path(path)
    from sfc.asl.paths.wide import WidePath

    return WidePath(path)


def compile_reference(text: str) -> ReferencePath:
    """A path that names exactly one place of the input, to put a value at. Raises PathSyntaxError."""
    path = parse_path(text)
    if not is_reference(path):
        raise PathSyntaxError(
            f"'{text}' is no reference path: it may hold only $, member names and indexes from 0 on", text
        )
    return ReferencePath(path)


def is_reference(path: ParsedPath) -> bool:
    return path.root == "$" and all(
        isinstance(step, Member) or (isinstance(step, Element) and step.index >= 0) for step in path.steps
    )

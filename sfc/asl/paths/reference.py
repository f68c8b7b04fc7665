"""Reference paths: exactly one place, where a ResultPath puts a value."""

from sfc.asl.expression import Expression, FlowError, Scope
from sfc.asl.paths.plain import keys_of, plain_path
from sfc.asl.paths.syntax import ParsedPath
from sfc.jsonvalue import Json, text


class ReferencePath:
    """Implements `ResultPlace` and `Expression`."""

    __slots__ = ("_keys", "_read", "source")

    def __init__(self, path: ParsedPath) -> None:
        self.source = path.text
        self._keys = keys_of(path.steps)
        self._read: Expression = plain_path(path)

    def evaluate(self, data: Json, scope: Scope) -> Json:
        return self._read.evaluate(data, scope)

    def put(self, document: Json, value: Json) -> Json:
        """A copy of `document` with `value` at this place; missing members and null on the way become objects.

        Raises FlowError States.ResultPathMatchFailure when the place is inside something else than an object, or
        names an element that the array does not have.
        """
        if not self._keys:
            return value
        root: dict[str | int, Json] = {}
        holder: Json = root
        copy: Json
        slot: str | int = ""
        node = document
        for key in self._keys:
            if isinstance(key, str):
                if node is not None and not isinstance(node, dict):
                    raise self._no_place(document)
                holder[slot] = copy = {} if node is None else dict(node)
                node = copy.get(key)
            else:
                if not isinstance(node, list) or key >= len(node):
                    raise self._no_place(document)
                holder[slot] = copy = list(node)
                node = copy[key]
            holder, slot = copy, key
        holder[slot] = value
        return root[""]

    def _no_place(self, document: Json) -> FlowError:
        return FlowError(
            "States.ResultPathMatchFailure",
            f"Unable to apply ReferencePath {self.source} to input {text(document)}",
        )

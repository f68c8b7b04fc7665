"""Whether a value fits a JSON Schema, told in a sentence that names the field."""

from collections.abc import Callable
from typing import Any, Final

from sfc.jsonvalue import Json

_SHOWN_CHARS: Final = 1_000


def checker(schema: Json) -> Callable[[Json], str | None] | None:
    """Tells what is wrong with a value; None: nothing. No checker at all where any value fits."""
    if schema is None or schema is True or schema == {}:
        return None
    import jsonschema
    from jsonschema_specifications import REGISTRY  # without it references would be fetched

    whole: Any = schema
    kind = jsonschema.validators.validator_for(whole, jsonschema.Draft202012Validator)
    validator: Any = kind(whole, registry=REGISTRY)

    def check(value: Json) -> str | None:
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        return None if error is None else f"{error.json_path}: {error.message}"[:_SHOWN_CHARS]

    return check

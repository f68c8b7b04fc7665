"""The functions that Step Functions adds to JSONata, and those whose chance it seeds.

Source: the developer guide, "Transforming data with JSONata"; rounding and the seeded generator as measured of the
service: `$random(42)` is java.util.Random's first double.
"""

import hashlib
from typing import Any, Final

from sfc.asl.jsonata.functions.table import Entry
from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.text import string as to_text
from sfc.asl.jsonata.values import UNDEFINED, Env, Fault, Sequence, number
from sfc.jsonvalue import Json, NotJson, loads

_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_MASK: Final = (1 << 48) - 1
_MULTIPLIER: Final = 0x5DEECE66D


def partition(env: Env, values: list[Any], size: Any) -> Any:
    """Parts of `size` items, the last one may be shorter; a fraction of the size is dropped. Unlike what `$range`
    makes, an array of one part stays one. Nothing has no parts.
    """
    each = int(size)
    if each < 0:
        raise Fault("", "The second argument of the partition function must not be negative")
    if each == 0 or not values:
        return UNDEFINED
    env.meter.hold(len(values) * 8)
    return [values[at : at + each] for at in range(0, len(values), each)]


def range_(env: Env, first: Any, last: Any, step: Any) -> Any:
    """From `first` to `last`, both included where a step lands on them; fractions are dropped."""
    if last is UNDEFINED or step is UNDEFINED or not int(step):
        return UNDEFINED
    start, end, stride = int(first), int(last), int(step)
    size = (end - start) // stride + 1
    if size <= 0:
        return UNDEFINED
    env.meter.hold(size * 8)
    return Sequence(range(start, start + size * stride, stride))


def hash_(env: Env, data: Any, algorithm: Any) -> str:
    name = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise Fault("", f"The algorithm must be one of {', '.join(_ALGORITHMS)}, not {shown(algorithm)}")
    text = to_text(data, env.meter)
    env.meter.hold(len(text))
    return hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def random(env: Env, seed: Any = UNDEFINED) -> float:
    if seed is UNDEFINED:
        return env.meter.entropy.random()
    state = (int(seed) ^ _MULTIPLIER) & _MASK
    state = (state * _MULTIPLIER + 0xB) & _MASK
    high = state >> 22
    state = (state * _MULTIPLIER + 0xB) & _MASK
    return float(((high << 27) + (state >> 21)) / (1 << 53))


def parse(env: Env, text: str) -> Any:
    env.meter.hold(len(text) * 8)
    try:
        return _plain_numbers(loads(text))
    except NotJson as error:
        raise Fault("", f"The argument of the parse function is no JSON text: {error}") from None


def _plain_numbers(value: Json) -> Json:
    """JavaScript knows no difference between 1.0 and 1, nor a negative zero that shows."""
    if isinstance(value, dict):
        return {key: _plain_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    return number(value) if value.__class__ is float else value


TABLE: Final = {
    "partition": Entry("<an:a>", partition),
    "range": Entry("<nnn:a>", range_),
    "hash": Entry("<xs:s>", hash_),
    "random": Entry("<n?:n>", random, undefined=True),
    "uuid": Entry("<:s>", lambda env: env.meter.entropy.uuid(), undefined=True),
    "parse": Entry("<s-:x>", parse),
}

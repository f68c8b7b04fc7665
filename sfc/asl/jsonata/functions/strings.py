"""Functions on strings. Source: https://docs.jsonata.org/string-functions"""

import base64
import binascii
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any, Final

from sfc.asl.jsonata.functions.table import Entry
from sfc.asl.jsonata.regex import Regex, found_by
from sfc.asl.jsonata.text import shown
from sfc.asl.jsonata.text import string as to_text
from sfc.asl.jsonata.values import UNDEFINED, Env, Fault, Sequence, apply

_SPACE: Final = re.compile(r"[ \t\n\r]+")
_PRETTY_INDENT: Final = 2


def string(env: Env, value: Any, pretty: Any = UNDEFINED) -> str:
    return to_text(value, env.meter, _PRETTY_INDENT if pretty is True else None)


def substring(env: Env, text: str, start: Any, length: Any = UNDEFINED) -> str:
    first = int(start)
    first = max(0, len(text) + first) if first < 0 else first
    if length is UNDEFINED:
        return text[first:]
    return text[first : first + int(length)] if length > 0 else ""


def substring_before(env: Env, text: str, chars: Any) -> str:
    return text.partition(chars)[0] if chars else ("" if chars == "" else text)


def substring_after(env: Env, text: str, chars: Any) -> str:
    if not chars:
        return text
    _before, found, after = text.partition(chars)
    return after if found else text


def trim(env: Env, text: str) -> str:
    return _SPACE.sub(" ", text).strip(" ")


def pad(env: Env, text: str, width: Any, chars: Any = UNDEFINED) -> str:
    filling = chars or " "
    missing = int(abs(width)) - len(text)
    if missing <= 0:
        return text
    env.meter.hold(len(text) + missing)
    padding = (filling * (missing // len(filling) + 1))[:missing]
    return text + padding if width > 0 else padding + text


def contains(env: Env, text: str, token: Any) -> bool:
    if isinstance(token, str):
        return token in text
    return apply(token, [text], UNDEFINED, env) is not UNDEFINED


def match(env: Env, text: str, pattern: Any, limit: Any = UNDEFINED) -> Any:
    _not_negative(limit, "D3040", "Third argument of match function must evaluate to a positive number")
    found = Sequence()
    for number, each in enumerate(_matches(env, text, pattern)):
        if limit is not UNDEFINED and number >= limit:
            break
        found.append({"match": each["match"], "index": each["start"], "groups": each["groups"]})
    return found


def _matches(env: Env, text: str, pattern: Any) -> Iterator[dict[str, Any]]:
    """Every match of a regular expression, or of a function that behaves like one. Raises Fault T1010."""
    if isinstance(pattern, Regex):
        for each in pattern.matches(text, env):
            yield found_by(each)
        return
    each = apply(pattern, [text], UNDEFINED, env)
    while each is not UNDEFINED:
        if not isinstance(each, dict) or not all(
            isinstance(each.get(name), kind)
            for name, kind in (("match", str), ("start", int), ("end", int), ("groups", list))
        ):
            raise Fault(
                "T1010", "The matcher function argument passed to function does not return the correct object structure"
            )
        yield each
        each = apply(each.get("next"), [], UNDEFINED, env)


def replace(env: Env, text: str, pattern: Any, replacement: Any, limit: Any = UNDEFINED) -> str:
    if pattern == "":
        raise Fault("D3010", "Second argument of replace function cannot be an empty string")
    _not_negative(limit, "D3011", "Fourth argument of replace function must evaluate to a positive number")
    parts: list[str] = []
    at = done = 0
    found = _occurrences(text, pattern) if isinstance(pattern, str) else _matches(env, text, pattern)
    for each in found:
        if limit is not UNDEFINED and done >= limit:
            break
        parts += (text[at : each["start"]], _replacement(env, replacement, each))
        env.meter.hold(len(parts[-1]))
        at, done = each["end"], done + 1
    parts.append(text[at:])
    size = sum(map(len, parts))
    env.meter.hold(size)
    return "".join(parts)


def _occurrences(text: str, token: str) -> Iterator[dict[str, Any]]:
    at = text.find(token)
    while at >= 0:
        yield {"match": token, "start": at, "end": at + len(token), "groups": None}
        at = text.find(token, at + len(token))


def _replacement(env: Env, replacement: Any, found: dict[str, Any]) -> str:
    env.meter.spend(1)
    if isinstance(replacement, str):
        return replacement if found["groups"] is None else _substituted(replacement, found)
    made = apply(replacement, [{**found, "groups": found["groups"] or []}], UNDEFINED, env)
    if not isinstance(made, str):
        raise Fault("D3012", "Attempted to replace a matched string with a non-string value")
    return made


def _substituted(template: str, found: dict[str, Any]) -> str:
    """`$0` is the match, `$n` a group, `$$` a dollar; as many digits belong to n as there can be groups."""
    groups = found["groups"]
    parts, at = [], 0
    while (dollar := template.find("$", at)) >= 0:
        parts.append(template[at:dollar])
        at = dollar + 1
        following = template[at : at + 1]
        if following == "$":
            parts.append("$")
            at += 1
        elif following == "0":
            parts.append(found["match"])
            at += 1
        else:
            digits = _digits(template, at, len(str(len(groups))), len(groups))
            if not digits:
                parts.append("$")
            else:
                number = int(digits)
                parts.append(groups[number - 1] if 0 < number <= len(groups) else "")
                at += len(digits)
    return "".join([*parts, template[at:]])


def _digits(template: str, at: int, most: int, groups: int) -> str:
    digits = re.compile(rf"[0-9]{{1,{most}}}").match(template, at)
    if digits is None:
        return ""
    return digits[0][:-1] if len(digits[0]) > 1 and int(digits[0]) > groups else digits[0]


def split(env: Env, text: str, separator: Any, limit: Any = UNDEFINED) -> Any:
    _not_negative(limit, "D3020", "Third argument of split function must evaluate to a positive number")
    env.meter.hold(len(text) * 8)
    if isinstance(separator, str):
        made = text.split(separator) if separator else list(text)
    else:
        made, at = [], 0
        for each in _matches(env, text, separator):
            made.append(text[at : each["start"]])
            at = each["end"]
        made.append(text[at:])
    return made if limit is UNDEFINED else made[: int(limit)]


def join(env: Env, texts: list[str], separator: Any = UNDEFINED) -> str:
    glue = separator or ""
    env.meter.hold(sum(map(len, texts)) + len(glue) * len(texts))
    return glue.join(texts)


def base64_encode(env: Env, text: str) -> str:
    env.meter.hold(len(text) * 2)
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def base64_decode(env: Env, text: str) -> str:
    digits = text.rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Fault("", f"{shown(text)} is no Base64 of a UTF-8 text") from None


def _encoder(name: str, safe: str) -> Any:
    def encode(env: Env, text: str) -> str:
        env.meter.hold(len(text) * 3)
        try:
            return urllib.parse.quote(text, safe=safe, errors="strict")
        except UnicodeEncodeError:
            raise _malformed(name, text) from None

    return encode


def _decoder(name: str) -> Any:
    def decode(env: Env, text: str) -> str:
        env.meter.hold(len(text))
        if re.search(r"%(?![0-9a-fA-F]{2})", text):
            raise _malformed(name, text)
        try:
            return urllib.parse.unquote(text, errors="strict")
        except UnicodeDecodeError:
            raise _malformed(name, text) from None

    return decode


def _malformed(name: str, text: str) -> Fault:
    return Fault("D3140", f"Malformed URL passed to ${name}(): {shown(text)}")


def _not_negative(limit: Any, code: str, message: str) -> None:
    if limit is not UNDEFINED and limit < 0:
        raise Fault(code, message)


TABLE: Final = {
    "string": Entry("<x-b?:s>", string),
    "substring": Entry("<s-nn?:s>", substring),
    "substringBefore": Entry("<s-s:s>", substring_before),
    "substringAfter": Entry("<s-s:s>", substring_after),
    "lowercase": Entry("<s-:s>", lambda env, text: text.lower()),
    "uppercase": Entry("<s-:s>", lambda env, text: text.upper()),
    "length": Entry("<s-:n>", lambda env, text: len(text)),
    "trim": Entry("<s-:s>", trim),
    "pad": Entry("<s-ns?:s>", pad),
    "contains": Entry("<s-(sf):b>", contains),
    "match": Entry("<s-f<s:o>n?:a<o>>", match),
    "replace": Entry("<s-(sf)(sf)n?:s>", replace),
    "split": Entry("<s-(sf)n?:a<s>>", split),
    "join": Entry("<a<s>s?:s>", join),
    "base64encode": Entry("<s-:s>", base64_encode),
    "base64decode": Entry("<s-:s>", base64_decode),
    "encodeUrlComponent": Entry("<s-:s>", _encoder("encodeUrlComponent", "~()*!.'-_")),
    "encodeUrl": Entry("<s-:s>", _encoder("encodeUrl", "~@#$&()*!+=:;,.?/'-_")),
    "decodeUrlComponent": Entry("<s-:s>", _decoder("decodeUrlComponent")),
    "decodeUrl": Entry("<s-:s>", _decoder("decodeUrl")),
}

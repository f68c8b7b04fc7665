"""Texts that are no JSON are refused in the words of AWS's parser."""

import pytest

from sfc import jsonvalue


def unknown(word: str) -> str:
    return (
        f"Unrecognized token '{word}': was expecting "
        "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    )


CASES = [
    ("not some json", unknown("not")),
    ("{'not': 'json'", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
    ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value"),
    ('{"a":1 "b":2}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries"),
    ("[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries"),
    ('{"a":1,}', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name"),
    ("[1", "Unexpected end of data"),
    ('{"a": NaN}', unknown("NaN")),
    ("x" * 1_000, unknown("x" * 256 + "...")),
    ('"\\x"', "Invalid escaped sequence in string"),
]


@pytest.mark.parametrize(("text", "message"), CASES)
def test_the_complaint_is_that_of_aws(text: str, message: str) -> None:
    with pytest.raises(jsonvalue.NotJson) as refused:
        jsonvalue.loads(text)
    assert str(refused.value) == message

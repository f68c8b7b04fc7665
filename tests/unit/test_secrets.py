"""Secrets are named by reference, and looked up where they are used."""

from pathlib import Path

import pytest

from sfc.errors import InvalidRequest
from sfc.secrets import SecretUnavailable, check_reference, is_reference, resolve


def test_an_environment_variable_is_looked_up_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFC_TEST_SECRET", "one")
    assert resolve("${env:SFC_TEST_SECRET}") == "one"
    monkeypatch.setenv("SFC_TEST_SECRET", "two")
    assert resolve("${env:SFC_TEST_SECRET}") == "two"


def test_a_file_is_read_without_the_end_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" s3cret \n")
    assert resolve(f"${{file:{tmp_path}/secret}}") == " s3cret "


def test_what_is_no_reference_is_itself() -> None:
    assert resolve("SASL_SSL") == "SASL_SSL"
    assert resolve("${env:A}${env:B}") == "${env:A}${env:B}"


@pytest.mark.parametrize("name", ["${env:SFC_TEST_NOT_SET}", "${file:/nowhere/at/all}"])
def test_what_is_not_there_is_told_by_its_name(name: str) -> None:
    with pytest.raises(SecretUnavailable, match=r"SFC_TEST_NOT_SET|/nowhere/at/all"):
        resolve(name)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"x" * 65_537])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SecretUnavailable):
        resolve(f"${{file:{tmp_path}/secret}}")


@pytest.mark.parametrize("value", ["hunter2", "${env:1A}", "${env:}", "${file:relative}", "x${env:A}", 5, None, ""])
def test_a_value_in_the_place_of_a_reference_is_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_reference("secret", value)
    assert refused.value.field == "secret"
    assert "hunter2" not in refused.value.message


def test_references_are_told_apart_from_values() -> None:
    assert is_reference("${env:A}")
    assert is_reference("${file:/run/secrets/a b}")
    assert not is_reference("${vault:A}")

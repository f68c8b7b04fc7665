"""Tasks that are HTTP calls, against a small server on loopback."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sfc.tasks import TaskRegistry
from sfc.tasks.http import EgressRefused, refuse_metadata
from sfc.tasks.job import JobResult
from sfc.tasks.runner import JobRunner, TaskSettings
from tests.unit.tasks.conftest import job, output

CONTENT = "application/json"


class Service(http.server.BaseHTTPRequestHandler):
    """Echoes, or fails as the last part of the path says; a Lambda function's name says how it behaves."""

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = self.path.removesuffix("/invocations").rpartition("/")[2]
        said = {"body": json.loads(body or b"null"), "key": self.headers.get("Idempotency-Key"), "path": self.path}
        match what.partition("?")[0]:
            case "teapot":
                self.answer(418, b"short and stout")
            case "signed":
                signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=key/")
                self.answer(200, json.dumps({"signed": signed}).encode())
            case "text":
                self.answer(200, b"no JSON", content="text/plain")
            case "large":
                self.answer(200, b'"' + b"x" * 300_000 + b'"')
            case "raises":
                self.answer(200, b'{"errorMessage": "m", "errorType": "CustomException"}', "Unhandled")
            case "untyped":
                self.answer(200, b'{"errorMessage": "m"}', "Unhandled")
            case "busy":
                self.answer(429, b'{"message": "later"}', kind="TooManyRequestsException:http://x")
            case _:
                self.answer(200, json.dumps(said).encode())

    do_GET = do_POST  # noqa: N815

    def answer(
        self, status: int, body: bytes, function_error: str = "", kind: str = "", content: str = CONTENT
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", "the-request")
        self.send_header("X-Amz-Executed-Version", "$LATEST")
        if function_error:
            self.send_header("X-Amz-Function-Error", function_error)
        if kind:
            self.send_header("x-amzn-ErrorType", kind)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


async def _run(url: str, resource: str, value: Any = None) -> JobResult:
    runner = JobRunner(TaskRegistry(), TaskSettings(lambda_endpoint=url))
    try:
        return await runner.run(job(resource, value))
    finally:
        await runner.close()


async def test_a_url_gets_the_input_and_the_idempotency_key(url: str) -> None:
    assert output(await _run(url, f"{url}/echo", {"a": 1})) == {"body": {"a": 1}, "key": "1:2:3", "path": "/echo"}
    assert output(await _run(url, f"{url}/text")) == "no JSON"


async def test_a_status_other_than_2xx_is_the_error(url: str) -> None:
    result = await _run(url, f"{url}/teapot")
    assert (result.error, result.cause) == ("States.Http.StatusCode.418", "short and stout")


async def test_no_answer_is_a_socket_error_and_a_large_one_is_refused(url: str) -> None:
    assert (await _run(url, "http://127.0.0.1:9/")).error == "States.Http.Socket"
    assert (await _run(url, f"{url}/large")).error == "States.DataLimitExceeded"


async def test_http_invoke_sends_what_it_was_told(url: str) -> None:
    parameters = {
        "ApiEndpoint": f"{url}/echo",
        "Method": "POST",
        "QueryParameters": {"a": ["1", "2"]},
        "RequestBody": {"b": 3},
    }
    result = output(await _run(url, "arn:aws:states:::http:invoke", parameters))
    assert set(result) == {"Headers", "ResponseBody", "StatusCode", "StatusText"}
    assert result["ResponseBody"] == {"body": {"b": 3}, "key": "1:2:3", "path": "/echo?a=1&a=2"}
    assert result["Headers"]["content-type"] == [CONTENT]
    assert (result["StatusCode"], result["StatusText"]) == (200, "OK")


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254"]
)
async def test_metadata_addresses_are_never_called(address: str) -> None:
    with pytest.raises(EgressRefused):
        refuse_metadata(address)
    host = f"[{address.partition('%')[0]}]" if ":" in address else address
    assert (await _run("", f"http://{host}/latest/meta-data")).error == "SFC.EgressRefused"


async def test_other_spellings_of_a_metadata_address_are_refused_too() -> None:
    assert (await _run("", "http://2852039166/latest/meta-data")).error == "SFC.EgressRefused"


API = "arn:aws:states:::apigateway:invoke"


async def test_an_api_of_api_gateway_is_called_by_its_parts(url: str) -> None:
    asked = {
        "ApiEndpoint": url, "Method": "POST", "Stage": "prod", "Path": "/orders/a b", "RequestBody": {"n": 1},
        "QueryParameters": {"q": ["1", "x y"]}, "Headers": {"X": ["1"]}, "AuthType": "NO_AUTH",
    }  # fmt: skip
    answer = output(await _run(url, API, asked))
    assert (answer["StatusCode"], answer["StatusText"]) == (200, "OK")
    assert answer["ResponseBody"]["body"] == {"n": 1}
    assert answer["ResponseBody"]["path"] == "/prod/orders/a%20b?q=1&q=x+y"


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"Path": "/teapot"}, "ApiGateway.418"),
        ({"ApiEndpoint": "http://127.0.0.1:9"}, "ApiGateway.SdkClientException"),
        ({"Method": "EAT"}, "States.Runtime"),
        ({"ApiEndpoint": None}, "States.Runtime"),
        ({"Headers": "x"}, "States.Runtime"),
    ],
)
async def test_what_goes_wrong_with_an_api_is_told(url: str, parameters: Any, error: str) -> None:
    assert (await _run(url, API, {"ApiEndpoint": url, "Method": "GET", **parameters})).error == error


async def test_a_request_to_an_api_may_be_signed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    asked = {"ApiEndpoint": url, "Method": "GET", "Path": "/signed", "AuthType": "IAM_ROLE"}
    assert output(await _run(url, API, asked))["ResponseBody"]["signed"]


ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


async def test_a_function_answers_with_its_payload_alone_or_wrapped(url: str) -> None:
    said = {"body": {"a": 1}, "key": "1:2:3", "path": "/2015-03-31/functions/echo/invocations"}
    assert output(await _run(url, f"{ARN}echo", {"a": 1})) == said
    wrapped = output(await _run(url, "arn:aws:states:::lambda:invoke", {"FunctionName": "echo", "Payload": {"a": 1}}))
    assert wrapped["Payload"] == said
    assert (wrapped["StatusCode"], wrapped["ExecutedVersion"]) == (200, "$LATEST")
    assert wrapped["SdkResponseMetadata"] == {"RequestId": "the-request"}
    assert wrapped["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert wrapped["SdkHttpMetadata"]["AllHttpHeaders"]["X-Amz-Executed-Version"] == ["$LATEST"]


async def test_a_payload_that_is_a_string_is_the_json_text_itself(url: str) -> None:
    wrapped = output(await _run(url, "arn:aws:states:::lambda:invoke", {"FunctionName": "echo", "Payload": '{"a": 1}'}))
    assert wrapped["Payload"]["body"] == {"a": 1}
    registry = TaskRegistry()
    registry.add("echo", lambda value: value)
    runner = JobRunner(registry)
    try:
        for payload, result in (("true", True), (None, {}), ('"text"', "text"), ([1], [1])):
            done = await runner.run(job("arn:aws:states:::lambda:invoke", {"FunctionName": "echo", "Payload": payload}))
            assert output(done)["Payload"] == result
        done = await runner.run(job("arn:aws:states:::lambda:invoke", {"FunctionName": "echo", "Payload": "text"}))
        assert done.error == "Lambda.InvalidRequestContentException"
    finally:
        await runner.close()


@pytest.mark.parametrize(
    ("function", "error", "cause"),
    [
        ("raises", "CustomException", '{"errorMessage": "m", "errorType": "CustomException"}'),
        ("untyped", "Lambda.Unknown", 'an error type. Returned payload: {"errorMessage": "m"}'),
        (
            "busy",
            "Lambda.TooManyRequestsException",
            "Status Code: 429; Error Code: TooManyRequestsException; Request ID: the-request; Proxy: null)",
        ),
    ],
)
async def test_what_lambda_says_becomes_error_and_cause(url: str, function: str, error: str, cause: str) -> None:
    result = await _run(url, ARN + function)
    assert result.error == error
    assert (result.cause or "").endswith(cause)


async def test_an_endpoint_that_is_down_is_a_client_error() -> None:
    assert (await _run("http://127.0.0.1:9", f"{ARN}echo")).error == "Lambda.SdkClientException"

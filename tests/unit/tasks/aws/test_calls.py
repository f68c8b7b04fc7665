"""Tasks that are calls of AWS services, against moto's server."""

import re
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sfc.tasks import TaskRegistry
from sfc.tasks.aws.faults import answered
from sfc.tasks.aws.jobs import WATCHES, Ended, judge, question, watch_of
from sfc.tasks.aws.services import OPTIMISED, Integration, Models, Names
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.job import JobResult
from sfc.tasks.runner import JobRunner, TaskSettings
from tests.support.moto import Moto, moto_server
from tests.unit.tasks.aws.test_names import resource
from tests.unit.tasks.conftest import job, output

LOCATION = {"TableName": "orders", "Key": {"id": {"S": "a"}}}
ITEM = {"TableName": "orders", "Item": {"id": {"S": "a"}, "n": {"N": "1"}}}


@pytest.fixture(scope="module")
def server() -> Iterator[Moto]:
    with moto_server() as moto:
        yield moto


@pytest.fixture
def moto(server: Moto, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """Empty, and reached without any credentials of the machine."""
    server.reset()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    return server


@pytest.fixture
async def aws(moto: Moto) -> AsyncIterator[JobRunner]:
    settings = AwsSettings(endpoint=moto.url, first_poll_s=0.01, longest_poll_s=0.01)
    runner = JobRunner(TaskRegistry(), TaskSettings(aws=settings, threads=4))
    yield runner
    await runner.close()


async def call(runner: JobRunner, resource: str, parameters: Any) -> JobResult:
    return await runner.run(job(f"arn:aws:states:::{resource}", parameters))


async def finish(runner: JobRunner, resource: str, parameters: Any) -> tuple[Any, Any]:
    """What began a job, and what became of it."""
    begun = await call(runner, resource, parameters)
    assert begun.submitted, (begun.error, begun.cause)
    assert begun.output is not None
    text = f"arn:aws:states:::{resource}"
    return output(begun), output(await runner.run(job(text, parameters, "1:2:4", begun=begun.output)))


def table(moto: Moto) -> None:
    moto.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


async def test_an_sdk_integration_gives_what_the_service_answers_and_nothing_else(aws: JobRunner, moto: Moto) -> None:
    table(moto)
    assert output(await call(aws, "aws-sdk:dynamodb:putItem", ITEM)) == {}
    assert output(await call(aws, "aws-sdk:dynamodb:getItem", LOCATION)) == {"Item": ITEM["Item"]}


async def test_an_older_optimised_integration_adds_metadata_of_the_exchange(aws: JobRunner, moto: Moto) -> None:
    table(moto)
    result = output(await call(aws, "dynamodb:putItem", ITEM))
    assert set(result) == {"SdkHttpMetadata", "SdkResponseMetadata"}
    assert result["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert result["SdkHttpMetadata"]["AllHttpHeaders"]["Content-Type"] == ["application/x-amz-json-1.0"]
    assert result["SdkResponseMetadata"]["RequestId"]


async def test_an_object_in_the_place_of_a_text_is_sent_as_json(aws: JobRunner, moto: Moto) -> None:
    queue = moto.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    result = output(await call(aws, "sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"a": [1, 2.5]}}))
    assert set(result) >= {"MD5OfMessageBody", "MessageId", "SdkHttpMetadata"}
    assert moto.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"] == '{"a":[1,2.5]}'


@pytest.mark.parametrize(
    ("body", "stored"), [("text", b'"text"'), (0, b"0"), (False, b"false"), ({"a": 1}, b'{"a":1}')]
)
async def test_a_stream_is_json_text(aws: JobRunner, moto: Moto, body: Any, stored: bytes) -> None:
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="bucket")
    assert "ETag" in output(await call(aws, "aws-sdk:s3:putObject", {"Bucket": "bucket", "Key": "a b/c", "Body": body}))
    assert s3.get_object(Bucket="bucket", Key="a b/c")["Body"].read() == stored


@pytest.mark.parametrize(("stored", "body"), [(b"text", "text"), (b"", ""), (b"\xff\x00", "/wA=")])
async def test_a_stream_is_read_as_text_or_in_base64(aws: JobRunner, moto: Moto, stored: bytes, body: str) -> None:
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=stored)
    result = output(await call(aws, "aws-sdk:s3:getObject", {"Bucket": "bucket", "Key": "k"}))
    assert (result["Body"], result["ContentLength"], result["Metadata"]) == (body, len(stored), {})
    assert result["LastModified"].endswith("Z")


async def test_a_stream_above_the_limit_of_a_result_is_refused(aws: JobRunner, moto: Moto) -> None:
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x" * 300_000)
    result = await call(aws, "aws-sdk:s3:getObject", {"Bucket": "bucket", "Key": "k"})
    assert result.error == "States.DataLimitExceeded"


SDK_ERROR = (
    r" \(Service: {}, Status Code: {}, Request ID: [^,)]+(, Extended Request ID: [^)]+)?\) \(SDK Attempt Count: 1\)"
)
OLD_ERROR = r" \(Service: {}; Status Code: {}; Error Code: {}; Request ID: [^;]+; Proxy: null\)"


@pytest.mark.parametrize(
    ("resource", "parameters", "error", "cause"),
    [
        (
            "aws-sdk:s3:listObjects",
            {"Bucket": "none"},
            "S3.NoSuchBucketException",
            "The specified bucket does not exist" + SDK_ERROR.format("S3", 404),
        ),
        (
            "aws-sdk:dynamodb:putItem",
            ITEM,
            "DynamoDb.ResourceNotFoundException",
            "Requested resource not found" + SDK_ERROR.format("DynamoDb", 400),
        ),
        (
            "dynamodb:putItem",
            ITEM,
            "DynamoDB.ResourceNotFoundException",
            "Requested resource not found" + OLD_ERROR.format("AmazonDynamoDBv2", 400, "ResourceNotFoundException"),
        ),
        (
            "sns:publish",
            {"TopicArn": "arn:aws:sns:us-east-1:123456789012:none", "Message": "m"},
            "SNS.NotFoundException",
            "(Topic|Endpoint) does not exist" + OLD_ERROR.format("AmazonSNS", 404, "NotFound"),
        ),
    ],
)
async def test_an_error_of_the_service_is_spelled_as_step_functions_spells_it(
    aws: JobRunner, resource: str, parameters: Any, error: str, cause: str
) -> None:
    result = await call(aws, resource, parameters)
    assert result.error == error
    assert re.fullmatch(cause, result.cause or ""), result.cause


@pytest.mark.parametrize(
    ("names", "error", "cause"),
    [
        (
            OPTIMISED["sqs"].names,
            "SQS.AmazonSQSException",
            "m (Service: AmazonSQS; Status Code: 400; Error Code: X; Request ID: r; Proxy: null)",
        ),
        (
            Names("SecretsManager", "SecretsManagerException", ""),
            "SecretsManager.SecretsManagerException",
            "m (Service: SecretsManager, Status Code: 400, Request ID: r) (SDK Attempt Count: 3)",
        ),
    ],
)
def test_an_error_that_the_api_does_not_name_is_the_services_own_exception(
    names: Names, error: str, cause: str
) -> None:
    about = {"HTTPStatusCode": 400, "RequestId": "r", "RetryAttempts": 2}
    said: Any = {"Error": {"Code": "X", "Message": "m"}, "ResponseMetadata": about}
    failed = answered(Integration("any", "Any", names), ClientError(said, "Any"))
    assert (failed.error, failed.cause) == (error, cause)


WRONG = [
    pytest.param("aws-sdk:s3:getObject", {"Bucket": "b"}, "The field 'Key' is required but was missing", id="missing"),
    pytest.param(
        "aws-sdk:s3:getObject", {"bucket": "b"}, 'The field "bucket" is not supported by Step Functions', id="unknown"
    ),
    pytest.param(
        "sqs:sendMessage",
        {"DelaySeconds": "soon"},
        "The value of the field 'DelaySeconds' has an invalid format",
        id="no number",
    ),
    pytest.param("dynamodb:getItem", {"Key": []}, "The value of the field 'Key' has an invalid format", id="no map"),
    pytest.param("dynamodb:getItem", [], "The parameters must be an object", id="no object"),
]


@pytest.mark.parametrize(("resource", "parameters", "reason"), WRONG)
async def test_parameters_that_the_api_cannot_take_say_which_field(
    aws: JobRunner, resource: str, parameters: Any, reason: str
) -> None:
    result = await call(aws, resource, parameters)
    assert result.error == "States.Runtime"
    assert result.cause is not None
    assert result.cause.endswith(f"could not be used to start the Task: [{reason}]")


async def test_a_call_takes_on_the_role_that_the_state_names(aws: JobRunner) -> None:
    who = "arn:aws:states:::aws-sdk:sts:getCallerIdentity"
    role = "arn:aws:iam::999988887777:role/trusted"
    alone = output(await aws.run(job(who, {})))
    in_role = output(await aws.run(job(who, {}, "1:2:4", role_arn=role)))
    assert alone["Arn"] != in_role["Arn"]
    assert in_role["Arn"] == "arn:aws:sts::999988887777:assumed-role/trusted/sfc"


async def test_events_that_are_refused_fail_the_task(aws: JobRunner) -> None:
    entry = {"Detail": "no JSON", "DetailType": "t", "Source": "s"}
    good = {"Detail": {"a": 1}, "DetailType": "t", "Source": "s"}
    assert output(await call(aws, "events:putEvents", {"Entries": [good]}))["FailedEntryCount"] == 0
    result = await call(aws, "events:putEvents", {"Entries": [good, entry]})
    assert result.error == "EventBridge.FailedEntry"
    assert '"FailedEntryCount":1' in (result.cause or "")


async def test_what_no_service_does_is_an_unknown_task(aws: JobRunner) -> None:
    for text in ("aws-sdk:nosuch:do", "aws-sdk:s3:nosuch", "sqs:deleteMessage", "sns:publish.sync"):
        assert (await call(aws, text, {})).error == "SFC.UnknownTask"
    assert (await call(aws, "aws-sdk:s3:selectObjectContent", {})).error == "SFC.UnknownTask"


async def test_a_service_that_nobody_serves_is_a_client_exception() -> None:
    runner = JobRunner(TaskRegistry(), TaskSettings(aws=AwsSettings(endpoint="http://127.0.0.1:9")))
    try:
        result = await call(runner, "sqs:sendMessage", {"QueueUrl": "http://127.0.0.1:9/q", "MessageBody": "m"})
        assert result.error == "SQS.SdkClientException"
        assert (result.cause or "").startswith("Unable to execute HTTP request: ")
    finally:
        await runner.close()


async def test_without_boto3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    runner = JobRunner(TaskRegistry(), TaskSettings())
    try:
        result = await call(runner, "sqs:sendMessage", {})
        assert (result.error, "service-flow-conductor[aws]" in (result.cause or "")) == ("SFC.AwsNotInstalled", True)
    finally:
        await runner.close()


async def test_a_handler_of_the_resources_name_wins(moto: Moto) -> None:
    registry = TaskRegistry()
    registry.add("arn:aws:states:::dynamodb:*", lambda value: {"mocked": value})
    runner = JobRunner(registry, TaskSettings(aws=AwsSettings(endpoint=moto.url)))
    try:
        assert output(await call(runner, "dynamodb:getItem", 1)) == {"mocked": 1}
    finally:
        await runner.close()


async def test_a_job_of_glue_is_waited_for(aws: JobRunner, moto: Moto) -> None:
    moto.client("glue").create_job(Name="j", Role="r", Command={"Name": "glueetl"})
    begun, result = await finish(aws, "glue:startJobRun.sync", {"JobName": "j"})
    assert begun["JobRunId"]
    assert begun["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert (result["JobName"], result["JobRunState"]) == ("j", "SUCCEEDED")


async def test_a_query_of_athena_is_waited_for(aws: JobRunner) -> None:
    query = {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "s3://b/p"}}
    _begun, result = await finish(aws, "athena:startQueryExecution.sync", query)
    assert result["QueryExecution"]["Status"]["State"] == "SUCCEEDED"


async def test_a_training_job_is_waited_for(aws: JobRunner) -> None:
    training = {
        "TrainingJobName": "t",
        "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "OutputDataConfig": {"S3OutputPath": "s3://b"},
        "ResourceConfig": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    _begun, result = await finish(aws, "sagemaker:createTrainingJob.sync", training)
    assert result["TrainingJobStatus"] == "Completed"
    assert isinstance(result["CreationTime"], int)


def test_a_job_of_batch_fails_by_its_status() -> None:
    watch = watch_of(resource("batch:submitJob.sync"))
    assert watch is not None
    failed = {"Jobs": [{"JobId": "j", "Status": "FAILED", "StatusReason": "no"}]}
    assert judge(watch, failed) == Ended(failed["Jobs"][0], True)
    assert judge(watch, {"Jobs": [{"JobId": "j", "Status": "RUNNING"}]}) is None
    assert judge(watch, {"Jobs": []}) is None
    assert question(watch, {}, {"JobId": "j"}) == {"Jobs": ["j"]}


@pytest.mark.parametrize(("code", "failed"), [(0, False), (1, True), (None, False)])
def test_a_task_of_ecs_fails_by_the_exit_of_its_containers(code: int | None, failed: bool) -> None:
    watch = watch_of(resource("ecs:runTask.sync"))
    assert watch is not None
    container = {"Name": "c"} | ({} if code is None else {"ExitCode": code})
    ended = judge(watch, {"Tasks": [{"LastStatus": "STOPPED", "Containers": [container]}]})
    assert ended is not None
    assert ended.failed == failed


def test_everything_that_is_watched_is_an_operation_of_boto3() -> None:
    models = Models()
    for name, watch in WATCHES.items():
        integration = models.integration(resource(name))
        asked = models.named(integration.client, watch.operation)
        members = models.operation(integration._replace(operation=asked)).input_shape.members
        assert {field[:1].lower() + field[1:] for field in watch.ask} <= {
            name[:1].lower() + name[1:] for name in members
        }

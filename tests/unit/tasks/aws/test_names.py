"""How Step Functions spells services, members and errors."""

import pytest

from sfc.asl.model import Resource
from sfc.asl.resources import parse_resource
from sfc.errors import InvalidRequest
from sfc.tasks.aws.services import OPTIMISED, Models, NoSuchOperation, java_class, java_exception, java_member
from sfc.tasks.aws.settings import AwsSettings


@pytest.mark.parametrize(
    ("service_id", "name"),
    [
        ("DynamoDB", "DynamoDb"),
        ("SFN", "Sfn"),
        ("S3", "S3"),
        ("EC2", "Ec2"),
        ("Secrets Manager", "SecretsManager"),
        ("CloudWatch Logs", "CloudWatchLogs"),
        ("SESv2", "SesV2"),
        ("EventBridge", "EventBridge"),
        ("IoT Data Plane", "IotDataPlane"),
    ],
)
def test_a_service_is_called_as_the_sdk_for_java_calls_it(service_id: str, name: str) -> None:
    assert java_class(service_id) == name


@pytest.mark.parametrize(
    ("member", "field"),
    [
        ("ETag", "ETag"),
        ("ChecksumCRC32", "ChecksumCRC32"),
        ("MD5OfMessageBody", "Md5OfMessageBody"),
        ("DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("SSEKMSKeyId", "SsekmsKeyId"),
        ("restApiId", "RestApiId"),
        ("S", "S"),
        ("NULL", "Nul"),
    ],
)
def test_a_member_is_a_field_in_pascal_case(member: str, field: str) -> None:
    assert java_member(member) == field


@pytest.mark.parametrize(
    ("shape", "older", "name"),
    [
        ("NoSuchBucket", False, "NoSuchBucketException"),
        ("InvalidToken", False, "InvalidTokenException"),
        ("DBInstanceNotFoundFault", False, "DbInstanceNotFoundException"),
        ("ResourceNotFoundException", False, "ResourceNotFoundException"),
        ("QueueDoesNotExist", True, "QueueDoesNotExistException"),
        ("NotFoundException", True, "NotFoundException"),
    ],
)
def test_an_error_is_an_exception(shape: str, older: bool, name: str) -> None:
    assert java_exception(shape, older) == name


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


def resource(text: str) -> Resource:
    found = parse_resource(f"arn:aws:states:::{text}")
    assert isinstance(found, Resource)
    return found


@pytest.mark.parametrize(
    ("text", "client", "operation"),
    [
        ("aws-sdk:dynamodb:putItem", "dynamodb", "PutItem"),
        ("aws-sdk:s3:listObjectsV2", "s3", "ListObjectsV2"),
        ("aws-sdk:cloudwatchlogs:putLogEvents", "logs", "PutLogEvents"),
        ("aws-sdk:sfn:sendTaskSuccess", "stepfunctions", "SendTaskSuccess"),
        ("aws-sdk:eventbridge:putEvents", "events", "PutEvents"),
        ("aws-sdk:cognitoidentityprovider:adminGetUser", "cognito-idp", "AdminGetUser"),
        ("aws-sdk:rds:startDBInstance", "rds", "StartDBInstance"),
        ("sqs:sendMessage.waitForTaskToken", "sqs", "SendMessage"),
        ("elasticmapreduce:createCluster.sync", "emr", "RunJobFlow"),
    ],
)
def test_a_resource_is_an_operation_of_boto3(models: Models, text: str, client: str, operation: str) -> None:
    found = models.integration(resource(text))
    assert (found.client, found.operation) == (client, operation)


@pytest.mark.parametrize(
    "text",
    ["aws-sdk:nosuch:do", "aws-sdk:dynamodb:nosuch", "sqs:deleteMessage", "nosuch:do", "aws-sdk:events:putEvents"],
)
def test_what_no_api_has_is_told(models: Models, text: str) -> None:
    with pytest.raises(NoSuchOperation):
        models.integration(resource(text))


def test_every_optimised_integration_is_an_operation_of_boto3(models: Models) -> None:
    for service, known in OPTIMISED.items():
        for action in known.actions:
            models.integration(resource(f"{service}:{action}"))


@pytest.mark.parametrize(
    ("texts", "service", "url"),
    [
        ([], "sqs", None),
        (["http://one/"], "sqs", "http://one"),
        (["http://one", "sqs=http://two"], "sqs", "http://two"),
        (["http://one", "sqs=http://two?a=b"], "sns", "http://one"),
        (["http://one?a=b"], "sns", "http://one?a=b"),
    ],
)
def test_an_endpoint_is_that_of_all_services_or_of_one(texts: list[str], service: str, url: str | None) -> None:
    assert AwsSettings.of(texts).endpoint_of(service) == url


@pytest.mark.parametrize("text", ["", "sqs=", "sqs", "ftp://x", "SQS=http://x", "=http://x"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="neither URL nor SERVICE=URL"):
        AwsSettings.of([text])


def test_a_default_for_a_service_gives_way_to_what_was_said() -> None:
    said = AwsSettings.of(["http://all", "sqs=http://two"])
    assert said.otherwise("sqs", "http://three").endpoint_of("sqs") == "http://two"
    assert said.otherwise("lambda", "http://three").endpoint_of("lambda") == "http://three"

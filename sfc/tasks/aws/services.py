"""From a Resource to an operation that boto3 knows, and what AWS calls it in errors.

`aws-sdk:` resources and errors are spelled as the AWS SDK for Java 2 does (`aws-sdk:cloudwatchlogs`, `DynamoDb.…`), the
older optimised integrations as the SDK for Java 1 (`SQS.AmazonSQSException`): recorded from the service.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sfc.asl.model import Resource

if TYPE_CHECKING:
    from botocore.model import OperationModel


class Names(NamedTuple):
    """How errors of an integration are spelled."""

    prefix: str
    """`DynamoDb`, `SQS`: what stands in front of the exception's name."""
    exception: str
    """The name of what the service's API does not name: `DynamoDbException`, `AmazonSQSException`."""
    service: str
    """In causes: `AmazonSQS`; "" when they are spelled the newer way."""


class Integration(NamedTuple):
    client: str
    """boto3's name of the service: `events`, `stepfunctions`."""
    operation: str
    """`PutEvents`."""
    names: Names

    @property
    def older(self) -> bool:
        """Whether results carry metadata of the HTTP exchange and dates in milliseconds."""
        return bool(self.names.service)


class _Optimised(NamedTuple):
    client: str
    actions: frozenset[str]
    names: Names | None = None
    """None: as for an `aws-sdk:` resource."""


def _optimised(client: str, actions: str, *names: str) -> _Optimised:
    return _Optimised(client, frozenset(actions.split()), Names(*names) if names else None)


# Source: Step Functions, "Integrating optimized services"; lambda, states, http and apigateway are not calls by boto3.
OPTIMISED: Final = {
    "athena": _optimised(
        "athena", "startQueryExecution stopQueryExecution getQueryExecution getQueryResults",
        "Athena", "AmazonAthenaException", "AmazonAthena",
    ),
    "batch": _optimised("batch", "submitJob", "Batch", "AWSBatchException", "AWSBatch"),
    "bedrock": _optimised("bedrock-runtime", "invokeModel"),
    "codebuild": _optimised(
        "codebuild", "startBuild stopBuild batchDeleteBuilds batchGetReports startBuildBatch stopBuildBatch "
        "retryBuildBatch deleteBuildBatch",
        "CodeBuild", "AWSCodeBuildException", "AWSCodeBuild",
    ),
    "databrew": _optimised("databrew", "startJobRun"),
    "dynamodb": _optimised(
        "dynamodb", "getItem putItem deleteItem updateItem",
        "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2",
    ),
    "ecs": _optimised("ecs", "runTask", "ECS", "AmazonECSException", "AmazonECS"),
    "eks": _optimised("eks", "createCluster deleteCluster createNodegroup deleteNodegroup"),
    "elasticmapreduce": _optimised(
        "emr", "createCluster addStep cancelStep terminateCluster setClusterTerminationProtection "
        "modifyInstanceFleetByName modifyInstanceGroupByName",
        "ElasticMapReduce", "AmazonElasticMapReduceException", "AmazonElasticMapReduce",
    ),
    "emr-containers": _optimised("emr-containers", "createVirtualCluster deleteVirtualCluster startJobRun"),
    "emr-serverless": _optimised(
        "emr-serverless",
        "createApplication startApplication stopApplication deleteApplication startJobRun cancelJobRun",
    ),
    "events": _optimised("events", "putEvents"),
    "glue": _optimised("glue", "startJobRun", "Glue", "AWSGlueException", "AWSGlue"),
    "mediaconvert": _optimised("mediaconvert", "createJob"),
    "sagemaker": _optimised(
        "sagemaker", "createEndpoint createEndpointConfig createHyperParameterTuningJob createLabelingJob createModel "
        "createProcessingJob createTrainingJob createTransformJob updateEndpoint addTags",
        "SageMaker", "AmazonSageMakerException", "AmazonSageMaker",
    ),
    "sns": _optimised("sns", "publish", "SNS", "AmazonSNSException", "AmazonSNS"),
    "sqs": _optimised("sqs", "sendMessage", "SQS", "AmazonSQSException", "AmazonSQS"),
}  # fmt: skip

_OPERATIONS: Final = {
    ("elasticmapreduce", "createCluster"): "RunJobFlow",
    ("elasticmapreduce", "addStep"): "AddJobFlowSteps",
    ("elasticmapreduce", "cancelStep"): "CancelSteps",
    ("elasticmapreduce", "terminateCluster"): "TerminateJobFlows",
    ("elasticmapreduce", "setClusterTerminationProtection"): "SetTerminationProtection",
    ("elasticmapreduce", "modifyInstanceFleetByName"): "ModifyInstanceFleet",
    ("elasticmapreduce", "modifyInstanceGroupByName"): "ModifyInstanceGroups",
}


class NoSuchOperation(Exception):
    """The text says what is unknown."""


class Models:
    """The APIs as botocore describes them; loaded when first asked for. May be used from any thread."""

    def __init__(self) -> None:
        import botocore.session

        self._session = botocore.session.Session()
        self.integration = lru_cache(maxsize=1_024)(self._integration)
        self.service = lru_cache(maxsize=64)(self._session.get_service_model)

    def _integration(self, resource: Resource) -> Integration:
        """Raises NoSuchOperation."""
        sdk = resource.service.removeprefix("aws-sdk:")
        if sdk != resource.service:
            client = self._client(sdk)
            if client is None:
                raise NoSuchOperation(f"boto3 knows no service {sdk!r}")
            return Integration(client, self.named(client, resource.action), self._java(client))
        known = OPTIMISED.get(resource.service)
        if known is None or resource.action not in known.actions:
            raise NoSuchOperation(f"there is no integration {resource.service}:{resource.action}")
        wanted = _OPERATIONS.get((resource.service, resource.action), resource.action)
        return Integration(known.client, self.named(known.client, wanted), known.names or self._java(known.client))

    def operation(self, integration: Integration) -> "OperationModel":
        return self.service(integration.client).operation_model(integration.operation)

    def _client(self, name: str) -> str | None:
        return self._clients().get(name)

    @lru_cache(maxsize=1)  # noqa: B019 - there is one of these for each process
    def _clients(self) -> dict[str, str]:
        """boto3's name of each service by the one in a Resource: its id, without spaces, in small letters."""
        from botocore import utils

        ids = utils.CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES
        return {ids.get(name, name).replace("-", ""): name for name in self._session.get_available_services()}

    def names_of(self, client: str) -> tuple[str, ...]:
        """All names that a setting may give a service by."""
        return (client, *(name for name, each in self._clients().items() if each == client))

    def named(self, client: str, action: str) -> str:
        """The operation that a Resource calls `action`. Raises NoSuchOperation."""
        service = self.service(client)
        found = next((name for name in service.operation_names if name.lower() == action.lower()), None)
        if found is None:
            raise NoSuchOperation(f"the API of {client} has no action {action!r}")
        return found

    def _java(self, client: str) -> Names:
        name = java_class(self.service(client).service_id)
        return Names(name, f"{name}Exception", "")


def java_class(service_id: str) -> str:
    """`DynamoDb` for DynamoDB, `Sfn` for SFN, `SecretsManager` for Secrets Manager.

    Source: the AWS SDK for Java 2, how its code generator finds the words of a name.
    """
    text = re.sub(r"[^A-Za-z0-9]+", " ", service_id)
    text = re.sub(r"([^a-z]{2,})v([0-9]+)", r"\1 v\2 ", text)
    text = re.sub(r"([^A-Z]{2,})V([0-9]+)", r"\1 V\2 ", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-zA-Z0-9])", " ", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text)
    text = re.sub(r"([0-9])([a-zA-Z])", r"\1 \2", text)
    return "".join(word.capitalize() for word in text.split())


def java_member(name: str) -> str:
    """A member's name as an `aws-sdk:` resource spells it: `DbInstanceIdentifier` for DBInstanceIdentifier, `ETag` and
    `ChecksumCRC32` as they are.
    """
    if name == "NULL":  # of a DynamoDB value: renamed there, because `null` is a word of Java
        return "Nul"
    end = 1
    while end < len(name) and name[end].isupper() and not (end + 1 < len(name) and name[end + 1].islower()):
        end += 1
    lowered = name[:end].lower() + name[end:]
    return lowered[:1].upper() + lowered[1:]


def java_exception(shape: str, older: bool) -> str:
    """`NoSuchBucketException` for NoSuchBucket, `DbInstanceNotFoundException` for DBInstanceNotFoundFault."""
    stem = shape.removesuffix("Exception").removesuffix("Fault")
    return (stem if older else java_class(stem)) + "Exception"


def member_name(name: str, older: bool) -> str:
    """A member as a field of Parameters or of a result: with a capital letter in front."""
    return name[:1].upper() + name[1:] if older else java_member(name)

"""Calls of AWS services by boto3, which blocks: each runs in a thread of the worker."""

import threading
import uuid
from typing import Any, Final

from sfc.asl.model import Resource
from sfc.asl.resources import parse_resource
from sfc.jsonvalue import Json, text
from sfc.limits import AWS_CLIENTS, CAUSE_CHARS
from sfc.tasks.aws import faults, shapes
from sfc.tasks.aws.gateway import Asked
from sfc.tasks.aws.services import Integration, Models, NoSuchOperation
from sfc.tasks.aws.settings import AwsSettings
from sfc.tasks.context import TaskContext, TaskError

NOT_INSTALLED: Final = "AWS integrations need boto3: pip install 'service-flow-conductor[aws]'"
_REGION: Final = "us-east-1"
_MADE_UP: Final = {"aws_access_key_id": "sfc", "aws_secret_access_key": "sfc"}
_CONNECT_S: Final = 10
_ANSWER_S: Final = 70
"""Above the longest poll of a service (SQS: 20 s, activities: 60 s)."""
_KEYS: Final = uuid.UUID("5fc0a45e-2f0b-5c8e-9f6f-1f0b7a1c3d52")
"""Name space of the idempotency tokens made of a job's key."""


class AwsCalls:
    """Boto3's clients, one for each service, and what they are asked. May be used from any thread."""

    def __init__(self, settings: AwsSettings, connections: int) -> None:
        self._settings = settings
        self._connections = connections
        self._lock = threading.Lock()
        self._models: Models | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        """By service and role."""

    def do(self, parameters: Json, context: TaskContext, resource: Resource) -> Json:
        """The task whose Resource this is; its result as Step Functions shapes it. Raises TaskError."""
        integration = self._find(resource)
        answer = self._call(integration, parameters, context)
        result = self._result(integration, answer)
        if integration.older:
            result |= shapes.metadata_of(answer.get("ResponseMetadata", {}))
        if resource.service == "events" and result.get("FailedEntryCount"):
            raise TaskError("EventBridge.FailedEntry", text(result))
        return result

    def ask(self, parameters: Json, context: TaskContext, resource: Resource, action: str) -> Json:
        """Another action of the same service, in the same spelling. Raises TaskError."""
        integration = self._find(resource)
        integration = integration._replace(operation=self._loaded().named(integration.client, action))
        return self._result(integration, self._call(integration, parameters, context))

    def signed(self, asked: Asked, context: TaskContext) -> dict[str, str]:
        """The headers of a request, and those that prove by whom it is made. Raises TaskError."""
        self._loaded()
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with self._lock:
                session = self._session(context.role_arn)
            keys = session.get_credentials()
            if keys is None:
                raise TaskError("ApiGateway.SdkClientException", "Unable to locate credentials")
            request = AWSRequest(method=asked.method, url=asked.url, headers=asked.headers, data=asked.content or b"")
            SigV4Auth(keys.get_frozen_credentials(), "execute-api", self._region(session)).add_auth(request)
        except (ClientError, BotoCoreError) as error:
            raise TaskError("ApiGateway.SdkClientException", str(error)) from None
        return dict(request.headers)

    def _find(self, resource: Resource) -> Integration:
        """The operation behind a Resource. Raises TaskError: SFC.UnknownTask when there is none,
        SFC.AwsNotInstalled."""
        models = self._loaded()
        try:
            integration = models.integration(resource)
            operation = models.operation(integration)
            if operation.has_event_stream_output or operation.has_event_stream_input:
                raise NoSuchOperation("it speaks in a stream of events, which no task can take")
        except NoSuchOperation as error:
            raise TaskError("SFC.UnknownTask", f"Nothing here does {resource.text}: {error}") from None
        return integration

    def _call(self, integration: Integration, parameters: Json, context: TaskContext) -> dict[str, Any]:
        """What boto3 answers. The job's key becomes the request's idempotency token where the API has one."""
        from botocore.exceptions import BotoCoreError, ClientError

        operation = self._loaded().operation(integration)
        try:
            arguments = shapes.request_of(operation.input_shape, parameters, older=integration.older)
        except shapes.WrongParameters as error:
            raise TaskError("States.Runtime", _refused(parameters, error)) from None
        for member in operation.idempotent_members:
            arguments.setdefault(member, str(uuid.uuid5(_KEYS, context.idempotency_key)))
        try:
            client = self._client(integration.client, context.role_arn)
            answer: dict[str, Any] = client._make_api_call(integration.operation, arguments)
        except ClientError as error:
            raise faults.answered(integration, error) from None
        except (BotoCoreError, OSError) as error:
            raise faults.unanswered(integration, error) from None
        return answer

    def _result(self, integration: Integration, answer: dict[str, Any]) -> dict[str, Json]:
        """The answer without what boto3 adds of its own."""
        shape = self._loaded().operation(integration).output_shape
        return shapes.result_of(shape, answer, older=integration.older)

    def close(self) -> None:
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _loaded(self) -> Models:
        if self._models is None:
            try:
                self._models = Models()
            except ImportError:
                raise TaskError("SFC.AwsNotInstalled", NOT_INSTALLED) from None
        return self._models

    def _client(self, service: str, role_arn: str) -> Any:
        """Raises ClientError or BotoCoreError when the role cannot be taken on."""
        with self._lock:  # boto3 makes clients in one thread at a time only
            client = self._clients.get((service, role_arn))
            if client is None:
                client = self._make(service, role_arn)
                self._clients[service, role_arn] = client
                if len(self._clients) > AWS_CLIENTS:
                    del self._clients[next(iter(self._clients))]  # closed by the last call that still uses it
            return client

    def _session(self, role_arn: str) -> Any:
        import boto3

        session = boto3.session.Session()
        return self._in_role(session, role_arn) if role_arn else session

    def _make(self, service: str, role_arn: str) -> Any:
        from botocore.config import Config

        endpoint = self._endpoint(service)
        takes_roles = endpoint is None or self._endpoint("sts") is not None
        session = self._session(role_arn if takes_roles else "")
        keys = {} if endpoint is None or session.get_credentials() is not None else dict(_MADE_UP)
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_ANSWER_S,
            max_pool_connections=self._connections,
            parameter_validation=False,  # the service says what it misses, as it does to Step Functions
            retries={"mode": "standard"},
            s3={"addressing_style": "path"} if endpoint is not None else {},
        )
        region = self._region(session)
        return session.client(service, region_name=region, endpoint_url=endpoint, config=config, **keys)

    def _in_role(self, session: Any, role_arn: str) -> Any:
        """A session whose credentials are those of the role, renewed before they expire."""
        import boto3
        import botocore.session
        from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials

        source = session.get_credentials() or Credentials(*_MADE_UP.values())
        endpoint, region = self._endpoint("sts"), self._region(session)

        def client(service: str, **keys: Any) -> Any:
            return session.client(service, region_name=region, endpoint_url=endpoint, **keys)

        fetcher = AssumeRoleCredentialFetcher(client, source, role_arn, extra_args={"RoleSessionName": "sfc"})
        made = botocore.session.Session()
        made._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")  # type: ignore[attr-defined]
        return boto3.session.Session(botocore_session=made)

    def _endpoint(self, service: str) -> str | None:
        return self._settings.endpoint_of(*self._loaded().names_of(service))

    def _region(self, session: Any) -> str:
        return self._settings.region or session.region_name or _REGION


def parsed(resource: str) -> Resource:
    """A service integration's Resource. Raises TaskError."""
    found = parse_resource(resource)
    if isinstance(found, str) or found.kind != "service":
        raise TaskError("SFC.UnknownTask", f"Nothing here does {resource}")
    return found


def _refused(parameters: Json, error: shapes.WrongParameters) -> str:
    return f"The Parameters '{text(parameters)}' could not be used to start the Task: [{error}]"[:CAUSE_CHARS]

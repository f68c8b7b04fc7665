"""What went wrong with a call, as the Error and the Cause that Step Functions makes of it."""

from typing import TYPE_CHECKING, Any, Final

from sfc.tasks.aws.services import Integration, java_exception
from sfc.tasks.context import TaskError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_MODELLED: Final = "ClientError"
"""The class of errors that the service's API does not name."""


def answered(integration: Integration, error: "ClientError") -> TaskError:
    """The service answered with an error."""
    names, shape = integration.names, type(error).__name__
    kind = names.exception if shape == _MODELLED else java_exception(shape, integration.older)
    response: dict[str, Any] = dict(error.response)
    said, about = response.get("Error", {}), response.get("ResponseMetadata", {})
    message = said.get("Message") or said.get("message") or ""
    status, request = about.get("HTTPStatusCode", 0), about.get("RequestId", "")
    if integration.older:
        facts = f"Service: {names.service}; Status Code: {status}; Error Code: {said.get('Code', '')}; "
        return TaskError(f"{names.prefix}.{kind}", f"{message} ({facts}Request ID: {request}; Proxy: null)")
    facts = f"Service: {names.prefix}, Status Code: {status}, Request ID: {request}"
    if "HostId" in about:
        facts += f", Extended Request ID: {about['HostId']}"
    attempts = about.get("RetryAttempts", 0) + 1
    return TaskError(f"{names.prefix}.{kind}", f"{message} ({facts}) (SDK Attempt Count: {attempts})")


def unanswered(integration: Integration, error: "BotoCoreError | OSError") -> TaskError:
    """No answer: nobody is there, no credentials, a broken connection."""
    cause = f"Unable to execute HTTP request: {error or type(error).__name__}"
    return TaskError(f"{integration.names.prefix}.SdkClientException", cause)

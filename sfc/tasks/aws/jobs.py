"""`.sync`: a service's job is begun, then asked after until it has ended.

What a job's end looks like stands in one table. Its result is what the service tells of it last; a job that fails
fails the task with States.TaskFailed and that as the cause, as Step Functions does.
"""

from typing import Any, Final, NamedTuple

from sfc.asl.model import Resource
from sfc.jsonvalue import Json


class Watch(NamedTuple):
    """How a job is asked after; expressions are JMESPath over results as Step Functions spells them."""

    operation: str
    """Of the same service."""
    ask: dict[str, str]
    """Its parameters, out of {"Given": the task's parameters, "Answer": what began the job}."""
    job: str
    """The job in the answer."""
    state: str
    """In the job."""
    done: frozenset[str]
    failed: frozenset[str]
    spoilt: str = ""
    """Something in a job that is done which makes it a failure."""
    result: str = "@"
    """What becomes the task's result, in the answer."""


def _watch(
    operation: str,
    ask: dict[str, str],
    job: str,
    state: str,
    done: str,
    failed: str,
    spoilt: str = "",
    result: str = "",
) -> Watch:
    return Watch(operation, ask, job, state, frozenset(done.split()), frozenset(failed.split()), spoilt, result or job)


def _sagemaker(kind: str) -> Watch:
    name = f"{kind}Name"
    return _watch(f"describe{kind}", {name: f"Given.{name}"}, "@", f"{kind}Status", "Completed", "Failed Stopped")


_RUN: Final = {"ApplicationId": "Given.ApplicationId", "JobRunId": "Answer.JobRunId"}
_APPLICATION: Final = {"ApplicationId": "Given.ApplicationId || Answer.ApplicationId"}
_CLUSTER_BROKEN: Final = "TERMINATED TERMINATED_WITH_ERRORS"

# Source: Step Functions, "Run a Job (.sync)", and the page of each service.
WATCHES: Final = {
    "athena:startQueryExecution": _watch(
        "getQueryExecution", {"QueryExecutionId": "Answer.QueryExecutionId"}, "QueryExecution", "Status.State",
        "SUCCEEDED", "FAILED CANCELLED", result="@",
    ),
    "batch:submitJob": _watch("describeJobs", {"Jobs": "[Answer.JobId]"}, "Jobs[0]", "Status", "SUCCEEDED", "FAILED"),
    "codebuild:startBuild": _watch(
        "batchGetBuilds", {"Ids": "[Answer.Build.Id]"}, "Builds[0]", "BuildStatus",
        "SUCCEEDED", "FAILED FAULT TIMED_OUT STOPPED", result="{Build: Builds[0]}",
    ),
    "codebuild:startBuildBatch": _watch(
        "batchGetBuildBatches", {"Ids": "[Answer.BuildBatch.Id]"}, "BuildBatches[0]", "BuildBatchStatus",
        "SUCCEEDED", "FAILED FAULT TIMED_OUT STOPPED", result="{BuildBatch: BuildBatches[0]}",
    ),
    "databrew:startJobRun": _watch(
        "describeJobRun", {"Name": "Given.Name", "RunId": "Answer.RunId"}, "@", "State", "SUCCEEDED",
        "FAILED TIMEOUT STOPPED",
    ),
    "ecs:runTask": _watch(
        "describeTasks", {"Cluster": "Answer.Tasks[0].ClusterArn", "Tasks": "Answer.Tasks[*].TaskArn"}, "Tasks[0]",
        "LastStatus", "STOPPED", "", spoilt="Containers[?ExitCode && ExitCode != `0`]",
    ),
    "eks:createCluster": _watch(
        "describeCluster", {"Name": "Given.Name"}, "Cluster", "Status", "ACTIVE", "FAILED", result="@"
    ),
    "eks:createNodegroup": _watch(
        "describeNodegroup", {"ClusterName": "Given.ClusterName", "NodegroupName": "Given.NodegroupName"}, "Nodegroup",
        "Status", "ACTIVE", "CREATE_FAILED", result="@",
    ),
    "elasticmapreduce:addStep": _watch(
        "describeStep", {"ClusterId": "Given.ClusterId", "StepId": "Answer.StepIds[0]"}, "Step", "Status.State",
        "COMPLETED", "FAILED CANCELLED INTERRUPTED", result="@",
    ),
    "elasticmapreduce:createCluster": _watch(
        "describeCluster", {"ClusterId": "Answer.JobFlowId"}, "Cluster", "Status.State", "RUNNING WAITING",
        _CLUSTER_BROKEN, result="@",
    ),
    "elasticmapreduce:terminateCluster": _watch(
        "describeCluster", {"ClusterId": "Given.ClusterId"}, "Cluster", "Status.State", _CLUSTER_BROKEN, "", result="@"
    ),
    "emr-containers:startJobRun": _watch(
        "describeJobRun", {"Id": "Answer.Id", "VirtualClusterId": "Given.VirtualClusterId"}, "JobRun", "State",
        "COMPLETED", "FAILED CANCELLED", result="@",
    ),
    "emr-serverless:createApplication": _watch(
        "getApplication", _APPLICATION, "Application", "State", "CREATED STARTED", "TERMINATED", result="@"
    ),
    "emr-serverless:startApplication": _watch(
        "getApplication", _APPLICATION, "Application", "State", "STARTED", "STOPPED TERMINATED", result="@"
    ),
    "emr-serverless:stopApplication": _watch(
        "getApplication", _APPLICATION, "Application", "State", "STOPPED", "TERMINATED", result="@"
    ),
    "emr-serverless:startJobRun": _watch(
        "getJobRun", _RUN, "JobRun", "State", "SUCCESS", "FAILED CANCELLED", result="@"
    ),
    "glue:startJobRun": _watch(
        "getJobRun", {"JobName": "Given.JobName", "RunId": "Answer.JobRunId"}, "JobRun", "JobRunState",
        "SUCCEEDED", "FAILED ERROR STOPPED TIMEOUT EXPIRED",
    ),
    "mediaconvert:createJob": _watch(
        "getJob", {"Id": "Answer.Job.Id"}, "Job", "Status", "COMPLETE", "ERROR CANCELED", result="@"
    ),
    "sagemaker:createHyperParameterTuningJob": _sagemaker("HyperParameterTuningJob"),
    "sagemaker:createLabelingJob": _sagemaker("LabelingJob"),
    "sagemaker:createProcessingJob": _sagemaker("ProcessingJob"),
    "sagemaker:createTrainingJob": _sagemaker("TrainingJob"),
    "sagemaker:createTransformJob": _sagemaker("TransformJob"),
}  # fmt: skip


def watch_of(resource: Resource) -> Watch | None:
    """None: this integration has no `.sync`."""
    return WATCHES.get(f"{resource.service}:{resource.action}")


def question(watch: Watch, given: Json, answer: Json) -> dict[str, Json]:
    """The parameters of `watch.operation`."""
    return {name: _search(path, {"Given": given, "Answer": answer}) for name, path in watch.ask.items()}


class Ended(NamedTuple):
    result: Json
    failed: bool


def judge(watch: Watch, answer: Json) -> Ended | None:
    """How the job ended; None while it goes on."""
    job = _search(watch.job, answer)
    state = None if job is None else _search(watch.state, job)
    if state not in watch.done and state not in watch.failed:
        return None
    spoilt = bool(watch.spoilt and _search(watch.spoilt, job))
    return Ended(_search(watch.result, answer), state in watch.failed or spoilt)


def _search(path: str, value: Any) -> Any:
    import jmespath

    return jmespath.search(path, value)

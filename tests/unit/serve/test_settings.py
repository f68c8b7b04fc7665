"""What `sfc up` was asked for, on its way to other processes."""

import json

from serve.settings import Settings
from sfc.kafka.settings import KafkaSettings


def test_settings_cross_processes_as_json() -> None:
    settings = Settings(
        data="/data",
        handlers=("a", "b.py"),
        aws_endpoints=("http://x", "sqs=http://y"),
        aws_region="eu-west-1",
        mocks="/m",
        kafka=KafkaSettings.of("a:9092", ["sasl.password=${env:SECRET}"], topics=["retention.ms=1"]),
    )
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_step_functions_itself_is_this_server_unless_another_is_named() -> None:
    here = Settings(data="/data", port=8123)
    assert here.aws.endpoint_of("stepfunctions") == "http://127.0.0.1:8123"
    assert here.aws.endpoint_of("sqs") is None
    emulated = Settings(data="/data", port=8123, aws_endpoints=("http://emulator",))
    assert emulated.aws.endpoint_of("sqs") == "http://emulator"
    assert emulated.aws.endpoint_of("stepfunctions") == "http://127.0.0.1:8123"
    named = Settings(data="/data", aws_endpoints=("stepfunctions=http://other",))
    assert named.aws.endpoint_of("stepfunctions") == "http://other"

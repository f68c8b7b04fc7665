"""For services that do jobs of flows over Kafka. A service needs none of it: topics and headers are all there is."""

from sfc.client.answers import Message, failed, heartbeat, succeeded
from sfc.client.service import JobRecord, KafkaService
from sfc.tasks.context import TaskError

__all__ = ["JobRecord", "KafkaService", "Message", "TaskError", "failed", "heartbeat", "succeeded"]

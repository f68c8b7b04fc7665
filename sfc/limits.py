"""Every limit that input can run into, in one place; units are in the names.

Sources: the Step Functions service quotas where AWS has the limit, otherwise chosen here and said why.
"""

from typing import Final

DEFINITION_CHARS: Final = 1_048_576
PAYLOAD_BYTES: Final = 262_144
"""Input, output or result of a state, and of an execution, as UTF-8 JSON."""
REQUEST_BODY_BYTES: Final = 4_194_304
"""One HTTP request: a definition in JSON text inside JSON (escaped) plus its settings."""
HISTORY_EVENTS: Final = 25_000
"""Events of one execution; also what ends an endless loop of states that never wait."""
NAME_CHARS: Final = 80
ARN_CHARS: Final = 256
ERROR_CHARS: Final = 256
CAUSE_CHARS: Final = 32_768
JSON_DEPTH: Final = 200
"""Nesting of any JSON value. The fast JSON encoder stops at 254; AWS's own parser at 1,000."""
STATE_MACHINE_DEPTH: Final = 32
"""Parallel and Map inside each other."""
PATH_CHARS: Final = 4_096
PATH_VISITS: Final = 300_000
"""Values that one evaluation of a path may look at: about a second. `$..*..*` over a deep document is quadratic."""
PATTERN_CHARS: Final = 200
PATTERN_STATES: Final = 1_000
"""Of the automaton of one `=~` pattern; `{m,n}` multiplies them."""
INTRINSIC_DEPTH: Final = 10
INTRINSIC_TEXT_CHARS: Final = 10_000
INTRINSIC_RANGE_ITEMS: Final = 1_000
MAX_SECONDS: Final = 99_999_999
MAX_DELAY_SECONDS: Final = 31_622_400
RETRY_ATTEMPTS: Final = 99_999_999
PAGE_SIZE: Final = 1_000
DEFAULT_PAGE_SIZE: Final = 100
EXPRESS_DURATION_MS: Final = 300_000
STANDARD_DURATION_MS: Final = 31_536_000_000
"""One year."""
INLINE_MAP_CONCURRENCY: Final = 1_000
"""Iterations of one inline Map at once when MaxConcurrency is 0. AWS runs about 40; a Ray cluster can run more."""
WORKER_LOST_DEATHS: Final = 3
"""Deaths of a worker with the same job on board after which the job fails with SFC.WorkerLost."""
MAP_ITEM_BYTES: Final = 8_388_608
"""Text of one item in a file that a Distributed Map reads; what a child is given still obeys PAYLOAD_BYTES."""
MAP_RESULT_FILE_BYTES: Final = 5_368_709_120
"""One file of a ResultWriter; above, the next one begins."""
DIAGNOSTICS: Final = 100
"""Findings in one answer of ValidateStateMachineDefinition."""
RELEASES: Final = 1_000
"""Published versions of one state machine."""
ALIASES: Final = 100
"""Of one state machine."""
TAGS: Final = 50
"""Of one resource."""
TAG_KEY_CHARS: Final = 128
TAG_VALUE_CHARS: Final = 256
ROLE_ARN_CHARS: Final = 2_048
"""As IAM has it."""
AWS_CLIENTS: Final = 64
"""Clients of AWS services that one worker keeps, each with its connections and its description of the API."""
MOCKED_CALLS: Final = 25_000
"""Calls of one mocked state in one execution: no history has room for more."""
JSONATA_CHARS: Final = 32_768
"""One `{% %}` expression. Reading one takes time that grows with its square."""
JSONATA_STEPS: Final = 300_000
"""What one evaluation may do: items looked at, functions called, and a step for every 64 bytes made; about a second."""
JSONATA_DEPTH: Final = 1_200
"""Expressions inside each other while one is evaluated, calls included. AWS stops at about 100."""
JSONATA_HELD_BYTES: Final = 6_990_256
"""One value inside an expression, at 8 bytes a number and 1 a character: measured of AWS, which takes `[1..873782]`."""
VARIABLE_NAME_CHARS: Final = 80
VARIABLE_BYTES: Final = 262_144
"""What one state assigns, all its variables together, as UTF-8 JSON."""
VARIABLES_BYTES: Final = 10_485_760
"""All variables of one execution that are in scope somewhere."""
DISTRIBUTED_MAP_CONCURRENCY: Final = 10_000
"""Children of one Map Run at once, also when MaxConcurrency is 0."""
MAP_RUN_ENTRY_BYTES: Final = 262_144
"""Results that a Map Run writes with one journal entry; one result above it still makes one entry."""
REDRIVES: Final = 1_000
"""Of one execution."""
REDRIVABLE_MS: Final = 1_209_600_000
"""After its end: 14 days."""
TASK_VERSIONS: Final = 1_000
"""Of one task."""
TASK_META_BYTES: Final = 1_048_576
"""One version of a task as JSON: its schemas and descriptors, not its code."""
PACKAGE_BYTES: Final = 4_194_304
"""Code of handlers as a zip: what one request can hold."""
PACKAGE_UNPACKED_BYTES: Final = 33_554_432
PACKAGE_FILES: Final = 2_000
CACHED_CODE: Final = 256
"""Unpacked packages that the workers of one machine keep beyond those in use; as many sets of requirements."""
GRPC_DESCRIPTOR_BYTES: Final = 4_194_304
"""What one gRPC service, or one descriptor set, may take to describe."""
GRPC_CHANNELS: Final = 64
"""Connections to gRPC servers that one worker keeps while nothing is called there."""
ACTIVITIES: Final = 10_000
ACTIVITY_POLLERS: Final = 1_000
"""Workers that wait for a task of one activity at once."""
ACTIVITY_POLL_S: Final = 60
"""How long GetActivityTask waits for a task."""
TASK_TOKEN_CHARS: Final = 2_048
RESUME_RATE: Final = 100
"""Held jobs and timers that go out in a second after a pause, unless another rate is asked for."""
RESUME_RATE_LEAST: Final = 0.001
RESUME_RATE_MOST: Final = 100_000
PAUSED_RETRY_S: Final = 30
"""After so long whoever was refused by a pause may come again (`Retry-After`)."""
PAUSES_KEPT: Final = 1_000
"""Of one blueprint or group; older ones no longer put off the time-outs of executions that lived through them."""
STOP_PAGE: Final = 1_000
"""Executions that one request to stop a blueprint or group stops."""
POOL_WORKERS: Final = 1_000
"""Workers of one pool."""
POOL_IDLE_SECONDS: Final = 86_400
"""A pool's longest idle time before it shrinks."""
POOL_QUEUE_SECONDS: Final = 99_999_999
"""The longest limit on the time that jobs of a pool wait; as long as any time-out of a task."""
POOL_ENTRIES: Final = 64
"""Custom resources, or environment variables, of one pool."""
WORKER_CONCURRENCY: Final = 10_000
"""Jobs at once in one worker."""
QUEUED_JOBS: Final = 20_000
"""Jobs of one blueprint that no worker has yet, above which its starts are refused."""
ALL_QUEUED_JOBS: Final = 100_000
"""Jobs of all blueprints that no worker has yet, above which every start is refused."""
HOT_EXECUTIONS_A_DAY: Final = 10_000
"""Executions in 24 hours above which a blueprint in `auto` mode gets workers of its own."""
TRIGGERS: Final = 10_000
TRIGGER_NAME_CHARS: Final = 48
"""Executions are named after their trigger; the rest of NAME_CHARS is for a tick's time or a record's place."""
TRIGGER_SETTINGS_BYTES: Final = 262_144
CRON_CHARS: Final = 256
SCHEDULE_SECONDS: Final = 31_622_400
"""The longest time between two ticks of a schedule that counts seconds."""
JITTER_SECONDS: Final = 86_400
CATCH_UP_SECONDS: Final = 31_622_400
"""The oldest tick of a schedule that may still be started."""
CATCH_UP_TICKS: Final = 1_000
"""Ticks of one schedule that are started at once after they were missed: the newest."""
BACKFILL_TICKS: Final = 1_000
"""Ticks of a schedule that one request starts afterwards."""
WEBHOOK_SECRETS: Final = 8
"""Of one webhook, any of which may have signed."""
WEBHOOK_TOLERANCE_SECONDS: Final = 86_400
"""How far the time of a signed request may be from the server's."""
KAFKA_BATCH_RECORDS: Final = 10_000
"""Records that start one execution together."""
KAFKA_BATCH_SECONDS: Final = 3_600
KAFKA_RATE: Final = 1_000_000
"""Records a second: the highest rate that can be set for a trigger."""
KAFKA_RECORD_BYTES: Final = 16_777_216
"""One record that a trigger may be told to take; what its execution is given still obeys PAYLOAD_BYTES."""
KAFKA_PREFIX_CHARS: Final = 64
"""Of the names of SFC's own topics and groups; Kafka's names have 249."""
KAFKA_PARTITIONS: Final = 10_000
"""Of a topic that SFC makes."""
DEAD_LETTER_DETAIL_CHARS: Final = 1_000
"""Of what is said about a dead letter."""
KAFKA_CHUNK_RECORDS: Final = 250
"""Records that are read from a partition, and committed, at once."""
KAFKA_CHUNK_BYTES: Final = 262_144
"""Of their values, keys and headers; a single record may be larger."""
KAFKA_CHUNKS_AHEAD: Final = 4
"""Chunks that a feed has ready before they are asked for; one more for each of its partitions."""
KAFKA_READERS: Final = 16
"""Reader actors of one engine."""
KAFKA_PARTITIONS_OF_READER: Final = 8
"""Partitions of one feed that share a reader, as long as there may be more readers."""
DEAD_LETTERS: Final = 100_000
"""Dead letters that are kept; above, the oldest go that the topic of dead letters has."""
DEAD_LETTER_DAYS: Final = 14
"""How long dead letters are kept that the topic of dead letters has."""
KAFKA_HEADERS: Final = 64
"""That a task adds to its messages; as many settings of a topic that it makes."""
KAFKA_WAITING_MESSAGES: Final = 20_000
"""Messages that wait for the broker, above which starts are refused."""
KAFKA_UNACKNOWLEDGED: Final = 5_000
"""Messages on their way to the broker at once. Those that wait behind them can still be called back."""
EVENT_BYTES: Final = 900_000
"""One published event; above, it goes without its input and output. Brokers take a megabyte unless told otherwise."""

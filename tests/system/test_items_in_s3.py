"""Items and results in S3, against moto's server."""

import json
from collections.abc import Iterator

import pytest

from sfc.asl.expression import FlowError
from sfc.interpreter.children import ChildEnd
from sfc.interpreter.map_specs import ReaderSpec, WriterSpec
from sfc.items.reader import open_items
from sfc.items.results import export
from sfc.items.storage import Storage, StorageSettings
from tests.unit.items.test_results import RUN, UUID

boto3 = pytest.importorskip("boto3")
pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")
pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="items")
    client.put_object(Bucket="items", Key="a.json", Body=b"[1, 2, 3]")
    for number in range(5):
        client.put_object(Bucket="items", Key=f"many/{number}.csv", Body=f"A\n{number}\n".encode())
    yield Storage(StorageSettings(s3_endpoint=endpoint))
    server.stop()


def test_objects_are_read_listed_and_flattened_from_any_place(storage: Storage) -> None:
    whole = ReaderSpec(action="getObject", arguments={"Bucket": "arn:aws:s3:::items", "Key": "a.json"})
    listed = ReaderSpec(action="listObjectsV2", arguments={"Bucket": "items", "Prefix": "many/"})
    flat = ReaderSpec(
        action="listObjectsV2", arguments={"Bucket": "items", "Prefix": "many/"}, flatten=True, input_type="CSV"
    )
    for spec in (whole, listed, flat):
        read = list(open_items(storage, spec))
        assert list(open_items(storage, spec, json.loads(json.dumps(read[1].place)), 2)) == read[2:]
    assert [item.value for item in open_items(storage, whole)] == [1, 2, 3]
    first = next(open_items(storage, listed))
    assert (first.value["Key"], first.value["Size"], first.source) == ("many/0.csv", 4, "S3://items")
    assert [item.value for item in open_items(storage, flat)] == [{"A": str(number)} for number in range(5)]
    assert next(open_items(storage, flat)).source == "S3://items/many/0.csv"


@pytest.mark.parametrize(("bucket", "key"), [("items", "absent"), ("absent", "a.json")])
def test_what_is_not_there_fails_the_reader(storage: Storage, bucket: str, key: str) -> None:
    with pytest.raises(FlowError, match=r"States\.ItemReaderFailed"):
        list(open_items(storage, ReaderSpec(action="getObject", arguments={"Bucket": bucket, "Key": key})))


def test_results_are_written_with_a_manifest(storage: Storage) -> None:
    spec = WriterSpec(arguments={"Bucket": "items", "Prefix": "out"}, transformation="COMPACT")
    output = json.loads(export(storage, RUN, spec, [ChildEnd(0, 1, "SUCCEEDED", output=b'"x"')]))
    assert output["ResultWriterDetails"] == {"Bucket": "items", "Key": f"out/{UUID}/manifest.json"}
    place = ReaderSpec(action="getObject", arguments={"Bucket": "items", "Key": f"out/{UUID}/SUCCEEDED_0.json"})
    assert [item.value for item in open_items(storage, place)] == ["x"]
    with pytest.raises(FlowError, match=r"States\.ResultWriterFailed"):
        export(storage, RUN, WriterSpec(arguments={"Bucket": "absent"}), [])

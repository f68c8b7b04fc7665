"""Versions, aliases and tags as boto3 sees them."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.serve.sfn.test_endpoint import FAIL, PASS, ROLE, STATES, ended, refusal

MACHINE = f"{STATES}:stateMachine:one"


@pytest.fixture
def published(sfn: Any) -> Any:
    """A client of a server with the machine `one` in two versions: PASS and FAIL."""
    sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE, publish=True, versionDescription="first")
    sfn.update_state_machine(stateMachineArn=MACHINE, definition=FAIL, publish=True)
    return sfn


def routes(*weights: int) -> list[dict[str, Any]]:
    return [
        {"stateMachineVersionArn": f"{MACHINE}:{number}", "weight": weight} for number, weight in enumerate(weights, 1)
    ]


class TestVersions:
    def test_a_version_is_described_as_it_was_published(self, published: Any) -> None:
        first = published.describe_state_machine(stateMachineArn=f"{MACHINE}:1")
        assert (first["definition"], first["description"], first["stateMachineArn"]) == (PASS, "first", f"{MACHINE}:1")
        assert published.describe_state_machine(stateMachineArn=MACHINE)["definition"] == FAIL

    def test_publishing_what_did_not_change_gives_the_same_version(self, published: Any) -> None:
        again = published.publish_state_machine_version(stateMachineArn=MACHINE)
        assert again["stateMachineVersionArn"] == f"{MACHINE}:2"
        unchanged = published.update_state_machine(stateMachineArn=MACHINE, definition=FAIL, publish=True)
        assert unchanged["stateMachineVersionArn"] == f"{MACHINE}:2"

    def test_the_number_of_a_deleted_version_is_not_given_again(self, published: Any) -> None:
        published.delete_state_machine_version(stateMachineVersionArn=f"{MACHINE}:2")
        again = published.publish_state_machine_version(stateMachineArn=MACHINE)
        assert again["stateMachineVersionArn"] == f"{MACHINE}:3"
        code, _ = refusal(published.describe_state_machine, stateMachineArn=f"{MACHINE}:2")
        assert code == "StateMachineDoesNotExist"

    def test_versions_are_listed_newest_first_page_by_page(self, published: Any) -> None:
        first = published.list_state_machine_versions(stateMachineArn=MACHINE, maxResults=1)
        second = published.list_state_machine_versions(
            stateMachineArn=MACHINE, maxResults=1, nextToken=first["nextToken"]
        )
        arns = [page["stateMachineVersions"][0]["stateMachineVersionArn"] for page in (first, second)]
        assert arns == [f"{MACHINE}:2", f"{MACHINE}:1"]
        assert "nextToken" not in second

    def test_a_revision_that_is_not_the_current_one_is_not_published(self, published: Any) -> None:
        current = published.describe_state_machine(stateMachineArn=MACHINE)["revisionId"]
        refused = refusal(published.publish_state_machine_version, stateMachineArn=MACHINE, revisionId="old")
        assert refused == (
            "ConflictException",
            (
                "Failed to publish the State Machine version for revision old. "
                f"The current State Machine revision is {current}."
            ),
        )

    def test_creating_a_published_machine_again_tells_its_version(self, sfn: Any) -> None:
        made = [sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE, publish=True) for _ in range(2)]
        assert [each["stateMachineVersionArn"] for each in made] == [f"{MACHINE}:1"] * 2
        refused = refusal(
            sfn.create_state_machine,
            name="one",
            definition=PASS,
            roleArn=ROLE,
            publish=True,
            versionDescription="another",
        )
        assert refused[0] == "StateMachineAlreadyExists"

    def test_an_execution_knows_the_version_it_was_started_through(self, published: Any) -> None:
        started = published.start_execution(stateMachineArn=f"{MACHINE}:1")["executionArn"]
        plain = published.start_execution(stateMachineArn=MACHINE)["executionArn"]
        assert ended(published, started)["status"] == "SUCCEEDED"
        assert ended(published, started)["stateMachineVersionArn"] == f"{MACHINE}:1"
        assert "stateMachineVersionArn" not in ended(published, plain)
        through = published.list_executions(stateMachineArn=f"{MACHINE}:1")["executions"]
        assert [each["executionArn"] for each in through] == [started]
        begun = published.get_execution_history(executionArn=started)["events"][0]
        assert begun["executionStartedEventDetails"]["stateMachineVersionArn"] == f"{MACHINE}:1"


class TestAliases:
    def test_an_alias_leads_to_its_version(self, published: Any) -> None:
        alias = published.create_state_machine_alias(name="live", routingConfiguration=routes(100))
        arn = alias["stateMachineAliasArn"]
        assert arn == f"{MACHINE}:live"
        started = published.start_execution(stateMachineArn=arn)["executionArn"]
        found = ended(published, started)
        assert (found["stateMachineAliasArn"], found["stateMachineVersionArn"]) == (arn, f"{MACHINE}:1")
        listed = published.list_executions(stateMachineArn=arn)["executions"]
        assert [each["executionArn"] for each in listed] == [started]

    def test_starts_are_drawn_by_weight(self, published: Any) -> None:
        arn = published.create_state_machine_alias(name="live", routingConfiguration=routes(0, 100))[
            "stateMachineAliasArn"
        ]
        starts = [published.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(5)]
        assert {ended(published, each)["stateMachineVersionArn"] for each in starts} == {f"{MACHINE}:2"}
        published.update_state_machine_alias(stateMachineAliasArn=arn, routingConfiguration=routes(100, 0))
        assert ended(published, published.start_execution(stateMachineArn=arn)["executionArn"])["status"] == "SUCCEEDED"

    def test_an_alias_is_changed_described_listed_and_deleted(self, published: Any) -> None:
        for name in ("b", "a"):
            published.create_state_machine_alias(name=name, routingConfiguration=routes(100))
        published.update_state_machine_alias(
            stateMachineAliasArn=f"{MACHINE}:a", routingConfiguration=routes(30, 70), description="new"
        )
        found = published.describe_state_machine_alias(stateMachineAliasArn=f"{MACHINE}:a")
        assert (found["description"], found["routingConfiguration"]) == ("new", routes(30, 70))
        for arn, names in ((MACHINE, ["a", "b"]), (f"{MACHINE}:2", ["a"])):
            listed = published.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
            assert [each["stateMachineAliasArn"] for each in listed] == [f"{MACHINE}:{name}" for name in names]
        published.delete_state_machine_alias(stateMachineAliasArn=f"{MACHINE}:a")
        code, _ = refusal(published.describe_state_machine_alias, stateMachineAliasArn=f"{MACHINE}:a")
        assert code == "ResourceNotFound"
        assert refusal(published.start_execution, stateMachineArn=f"{MACHINE}:a")[0] == "StateMachineDoesNotExist"

    def test_a_version_that_an_alias_leads_to_stays(self, published: Any) -> None:
        published.create_state_machine_alias(name="live", routingConfiguration=routes(100))
        assert refusal(published.delete_state_machine_version, stateMachineVersionArn=f"{MACHINE}:1") == (
            "ConflictException",
            (
                "Version to be deleted must not be referenced by an alias. "
                "Current list of aliases referencing this version: [live]"
            ),
        )

    def test_creating_the_same_alias_again_is_no_error_and_another_of_its_name_is(self, published: Any) -> None:
        made = [
            published.create_state_machine_alias(name="live", routingConfiguration=routes(100))["creationDate"]
            for _ in range(2)
        ]
        assert made[0] == made[1]
        code, _ = refusal(published.create_state_machine_alias, name="live", routingConfiguration=routes(50, 50))
        assert code == "ConflictException"

    @pytest.mark.parametrize(
        ("routing", "message"),
        [
            pytest.param(
                [{"stateMachineVersionArn": MACHINE, "weight": 100}],
                f"Routing configuration must contain state machine version ARNs. Received: [{MACHINE}]",
                id="to no version",
            ),
            pytest.param(
                [routes(50)[0], routes(50)[0]],
                "Routing configuration must contain distinct state machine version ARNs. "
                f"Received: [{MACHINE}:1, {MACHINE}:1]",
                id="to one version twice",
            ),
            pytest.param(
                routes(70, 29),
                "Sum of routing configuration weights must equal 100. Received: [70, 29]",
                id="not all of the starts",
            ),
            pytest.param(
                routes(1, 1, 98),
                "1 validation error detected: Value '["
                + ", ".join(
                    f"RoutingConfigurationListItem(stateMachineVersionArn={MACHINE}:{number}, weight={weight})"
                    for number, weight in ((1, 1), (2, 1), (3, 98))
                )
                + "]' at 'routingConfiguration' failed to satisfy constraint: "
                "Member must have length less than or equal to 2",
                id="to three versions",
            ),
            pytest.param(
                routes(101),
                "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy "
                "constraint: Member must have value less than or equal to 100",
                id="more than all",
            ),
        ],
    )
    def test_a_routing_that_cannot_be_is_refused(
        self, published: Any, routing: list[dict[str, Any]], message: str
    ) -> None:
        refused = refusal(published.create_state_machine_alias, name="live", routingConfiguration=routing)
        assert refused == ("ValidationException", message)

    def test_an_alias_to_a_version_that_is_not_there_is_refused(self, published: Any) -> None:
        routing = [{"stateMachineVersionArn": f"{MACHINE}:9", "weight": 100}]
        code, _ = refusal(published.create_state_machine_alias, name="live", routingConfiguration=routing)
        assert code == "StateMachineDoesNotExist"

    def test_a_number_is_no_name_for_an_alias(self, published: Any) -> None:
        refused = refusal(published.create_state_machine_alias, name="123", routingConfiguration=routes(100))
        assert refused[0] == "ValidationException"
        assert "Member must satisfy regular expression pattern" in refused[1]


class TestTags:
    def test_tags_are_added_changed_and_taken_away(self, sfn: Any) -> None:
        sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE, tags=[{"key": "a", "value": "1"}])
        sfn.tag_resource(resourceArn=MACHINE, tags=[{"key": "b", "value": "2"}, {"key": "a", "value": "3"}])
        assert sfn.list_tags_for_resource(resourceArn=MACHINE)["tags"] == [
            {"key": "a", "value": "3"},
            {"key": "b", "value": "2"},
        ]
        sfn.untag_resource(resourceArn=MACHINE, tagKeys=["a", "none"])
        assert sfn.list_tags_for_resource(resourceArn=MACHINE)["tags"] == [{"key": "b", "value": "2"}]

    def test_there_are_at_most_fifty(self, sfn: Any) -> None:
        sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE, tags=[{"key": "a", "value": "1"}])
        many = [{"key": f"k{number}", "value": ""} for number in range(50)]
        assert refusal(sfn.tag_resource, resourceArn=MACHINE, tags=many)[0] == "TooManyTags"
        assert refusal(
            sfn.create_state_machine, name="two", definition=PASS, roleArn=ROLE, tags=[*many, many[0] | {"key": "x"}]
        )[0] == ("TooManyTags")

    @pytest.mark.parametrize("arn", [f"{STATES}:stateMachine:none", f"{MACHINE}:1"])
    def test_only_what_there_is_has_tags(self, sfn: Any, arn: str) -> None:
        sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE, publish=True)
        assert refusal(sfn.list_tags_for_resource, resourceArn=arn)[0] == "ResourceNotFound"


GROUP = {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:a:*"}}


class TestConfiguration:
    def test_logging_is_kept_and_a_revision_only_when_it_changes(self, sfn: Any) -> None:
        sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE, loggingConfiguration={})
        wanted = {"level": "FATAL", "includeExecutionData": True, "destinations": [GROUP]}
        revisions = [
            sfn.update_state_machine(stateMachineArn=MACHINE, loggingConfiguration=wanted)["revisionId"]
            for _ in range(2)
        ]
        assert revisions[0] == revisions[1]
        assert sfn.describe_state_machine(stateMachineArn=MACHINE)["loggingConfiguration"] == wanted

    @pytest.mark.parametrize(
        ("configuration", "code"),
        [
            ({"loggingConfiguration": {"level": "ERROR"}}, "InvalidLoggingConfiguration"),
            ({"loggingConfiguration": {"level": "OFF", "destinations": [GROUP, GROUP]}}, "InvalidLoggingConfiguration"),
            ({"loggingConfiguration": {"destinations": [{}]}}, "InvalidLoggingConfiguration"),
            ({"loggingConfiguration": {"level": "LOUD"}}, "ValidationException"),
            ({"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY"}}, "InvalidEncryptionConfiguration"),
            ({"encryptionConfiguration": {"type": "AWS_OWNED_KEY", "kmsKeyId": "k"}}, "InvalidEncryptionConfiguration"),
        ],
    )
    def test_a_configuration_that_aws_would_not_take_is_refused(
        self, sfn: Any, configuration: dict[str, Any], code: str
    ) -> None:
        found, _ = refusal(sfn.create_state_machine, name="one", definition=PASS, roleArn=ROLE, **configuration)
        assert found == code

    def test_an_answer_names_what_has_no_effect(self, url: str) -> None:
        body = {"name": "one", "definition": PASS, "roleArn": ROLE, "tracingConfiguration": {"enabled": True}}
        answer = httpx.post(
            url, content=json.dumps(body), headers={"x-amz-target": "AWSStepFunctions.CreateStateMachine"}
        )
        assert answer.status_code == 200
        assert answer.headers["x-sfc-without-effect"] == "tracingConfiguration"


def test_metadata_alone_holds_no_definition(sfn: Any) -> None:
    sfn.create_state_machine(name="one", definition=PASS, roleArn=ROLE)
    found = sfn.describe_state_machine(stateMachineArn=MACHINE, includedData="METADATA_ONLY")
    assert found["definition"] == "{}"

"""The group of a blueprint, such as a line of business: its setting `group`, a name."""

from collections.abc import Mapping

from sfc.arn import check_name
from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json


def read_group(settings: Mapping[str, Json]) -> str | None:
    """Raises InvalidRequest, InvalidName."""
    group = settings.get("group")
    if group is None:
        return None
    if not isinstance(group, str):
        raise InvalidRequest("group must be a name", field="group")
    return check_name(group, "group")

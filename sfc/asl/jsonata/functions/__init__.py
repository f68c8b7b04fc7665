"""The functions that are built in: JSONata's, save `$eval`, and those that Step Functions adds.

Sources: https://docs.jsonata.org and the Step Functions developer guide, "Transforming data with JSONata".
"""

from typing import Final

from sfc.asl.jsonata.calls import Native
from sfc.asl.jsonata.functions import arrays, numbers, objects, service, strings, times

FUNCTIONS: Final[dict[str, Native]] = {
    name: Native(name, entry.signature, entry.function, undefined=entry.undefined)
    for module in (strings, numbers, arrays, objects, times, service)
    for name, entry in module.TABLE.items()
}

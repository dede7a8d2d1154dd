"""What the record that was read does not show yet: a server may answer from a copy that lags."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from b12fhir.fhir.stamps import version_of
from b12fhir.fhir.subjects import medications_of
from b12fhir.ports import Expected, Resource, Version

# No copy is behind for longer. What does not show then is not given for this patient at all.
MOST = timedelta(hours=1)


def behind(
    resources: Sequence[Resource], expects: Sequence[Expected], kinds: Collection[str]
) -> Iterator[Expected]:
    """Of what the record must show, what it does not. ``kinds`` are the types that were asked for.

    A medicine is only given where something refers to it.
    """
    if not expects:
        return
    held = {(one.get("resourceType"), one.get("id")): one for one in resources}
    used = {id_ for one in resources for id_ in medications_of(one)}
    for one in expects:
        listed = one.version
        if listed.kind in kinds and not _is_met(one, held, used):
            yield one


def is_over(one: Expected, now: datetime) -> bool:
    """Was it waited for in vain? Also where our clock was set back by so much meanwhile.

    A run may have heard of it that began after this one.
    """
    return abs(now - one.listed) >= MOST


def _is_met(
    one: Expected, held: Mapping[tuple[object, object], Resource], used: Collection[str]
) -> bool:
    found = held.get((one.version.kind, one.version.id))
    if found is None:
        is_unused = one.version.kind == "Medication" and one.version.id not in used
        return is_unused or not one.is_there
    version = version_of(found)
    return version is None or _is_as_late(version, one.version)


def _is_as_late(held: Version, listed: Version) -> bool:
    """By the numbers of the versions, where they are numbers: stamps may be equal."""
    if held.version == listed.version:
        return True
    if held.version.isdigit() and listed.version.isdigit():
        return int(held.version) > int(listed.version)
    return held.at >= listed.at

"""Our own plans, found again in the record by their identifier."""

from collections.abc import Iterator

from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.subject import not_ours
from b12fhir.fhir.extract.tree import items, obj, text


def read_careplan(source: Source, record: Record) -> Iterator[Found]:
    """A plan this program proposed, or one approved from it; other plans are not read."""
    resource = source.resource
    values = {
        text(one.get("system")): text(one.get("value")) for one in items(resource.get("identifier"))
    }
    systems = (record.site.system("plan"), record.site.system("approved-plan"))
    key = next((values[system] for system in systems if values.get(system)), "")
    if not key:
        return
    stop = not_ours(source, record)
    if stop is not None:
        yield stop[0].issue(source.reference, stop[1])
        return
    start = record.when(obj(resource.get("period")).get("start"))
    yield OwnPlan(
        reference=source.reference,
        key=key,
        status=text(resource.get("status")),
        intent=text(resource.get("intent")),
        start=start.first if start and start.is_exact else None,
        decision_digest=values.get(record.site.system("decision-digest"), ""),
        treats=any(_is_medicine(activity) for activity in items(resource.get("activity"))),
    )


def _is_medicine(activity: Resource) -> bool:
    link = obj(activity.get("reference"))
    medicine = "MedicationRequest"
    return text(link.get("type")) == medicine or text(link.get("reference")).startswith(medicine)

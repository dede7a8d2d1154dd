"""From foreign FHIR resources to facts: one extractor per resource type, in one explicit list."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from b12fhir.facts.record import Facts
from b12fhir.fhir.bundle import Resource, is_incomplete, unfold
from b12fhir.fhir.extract.allergy import read_allergy
from b12fhir.fhir.extract.careplan import read_careplan
from b12fhir.fhir.extract.condition import read_condition
from b12fhir.fhir.extract.family import read_family
from b12fhir.fhir.extract.found import FACTS, Found
from b12fhir.fhir.extract.gather import gather
from b12fhir.fhir.extract.issues import INCOMPLETE, NO_TYPE, OTHER_PATIENT
from b12fhir.fhir.extract.lexicon import lexicon_of
from b12fhir.fhir.extract.medication import read_medicine
from b12fhir.fhir.extract.memory import memories_of
from b12fhir.fhir.extract.observation import read_observation
from b12fhir.fhir.extract.outcome import read_report
from b12fhir.fhir.extract.patient import choose, patient_issues, read_patient
from b12fhir.fhir.extract.procedure import read_procedure
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.subject import aliases_of, names_other, subjects_of
from b12fhir.fhir.extract.tree import text
from b12fhir.fhir.extract.versions import newest, reference_of
from b12fhir.fhir.site import Site
from b12fhir.kernel.evidence import Issue
from b12fhir.protocol.model import Protocol

Extractor = Callable[[Source, Record], Iterable[Found]]

# Every resource type that is read, and why. Any other type is counted as ignored. The order is
# that of clinical weight, for the reader: results do not depend on it.
EXTRACTORS: tuple[tuple[str, Extractor], ...] = (
    ("Observation", read_observation),  # results, signs, diet, pregnancy
    ("Condition", read_condition),  # causes, neurological signs, kidney disease, pregnancy
    ("Procedure", read_procedure),  # operations on stomach and ileum; injections given
    ("MedicationAdministration", read_medicine),  # B12 that was surely given
    ("MedicationStatement", read_medicine),  # what the patient takes, over the counter too
    ("MedicationRequest", read_medicine),  # orders: risk drugs, B12 on order
    ("MedicationDispense", read_medicine),  # supply
    ("AllergyIntolerance", read_allergy),  # the hard stop
    ("FamilyMemberHistory", read_family),  # pernicious anaemia of blood relatives: a risk
    ("CarePlan", read_careplan),  # our own earlier proposals
    ("OperationOutcome", read_report),  # what a server said it left out
)

# Looked up by the types above, never read by themselves.
_NEIGHBOURS = frozenset({"Medication", "Specimen"})
_BY_TYPE = dict(EXTRACTORS)


def extract(
    resources: Iterable[Resource], protocol: Protocol, site: Site, patient: str | None = None
) -> Facts:
    """Everything the resources say about one patient; nothing relevant is dropped in silence.

    ``resources`` may hold Bundles. ``patient`` (``Patient/1`` or ``1``) says who is meant if there
    are several; without a Patient resource there is a `PatientError`. The facts do not depend on
    the day of asking nor on the order of the resources.
    """
    bundles, given = _opened(resources)
    sources, conflicts = newest(given)
    person = choose(sources, patient)
    record = _record(person, sources, protocol, site)
    doubts = patient_issues(person, record.patient)
    found: list[Found] = [*conflicts, *_incomplete(bundles), *doubts]
    used, ignored, strangers = 1, 0, 0
    for source in sources:
        if source is person:
            continue
        yielded = _read(source, record)
        if yielded:
            found += yielded
            used += _holds_fact(yielded)
        else:
            ignored += 1
            strangers += names_other(source.resource, record)
    found += _strangers(strangers)
    return gather(record.patient, found, used=used, ignored=ignored)


def _opened(resources: Iterable[Resource]) -> tuple[list[Resource], list[Source]]:
    """The Bundles, and every other resource with its reference."""
    bundles, given = [], []
    for resource, url in unfold(resources):
        kind = text(resource.get("resourceType"))
        if kind == "Bundle":
            bundles.append(resource)
        else:
            # Past the checks of names: a record may hold thousands.
            parts = (resource, reference_of(resource, url), url, kind)
            given.append(tuple.__new__(Source, parts))
    return bundles, given


def _record(person: Source, sources: list[Source], protocol: Protocol, site: Site) -> Record:
    aliases, base = aliases_of(person.resource, person.url, site.server_id)
    neighbours: dict[str, Resource] = {}
    for source in sources:
        if source.kind in _NEIGHBOURS:
            own = text(source.resource.get("id"))
            names = (source.url, own and f"{source.kind}/{own}", own and f"urn:uuid:{own}")
            neighbours.update((name, source.resource) for name in names if name)
    return Record(
        protocol,
        site,
        read_patient(person, site),
        lexicon_of(protocol),
        memories_of(protocol, site),
        aliases,
        subjects_of(aliases),
        base,
        neighbours,
    )


def _read(source: Source, record: Record) -> Sequence[Found]:
    extractor = _BY_TYPE.get(source.kind)
    if extractor is not None:
        found = extractor(source, record)
        return found if isinstance(found, list) else tuple(found)
    if source.kind == "Patient":
        return (OTHER_PATIENT.issue(source.reference, "is another Patient", relevant=False),)
    if not source.kind:
        return (NO_TYPE.issue(source.reference, "states no resourceType", relevant=False),)
    return ()


def _holds_fact(found: Sequence[Found]) -> bool:
    for one in found:  # noqa: SIM110 - `any` costs three times as much, and the first mostly is
        if isinstance(one, FACTS):
            return True
    return False


def _incomplete(bundles: list[Resource]) -> Iterator[Issue]:
    for bundle in bundles:
        if is_incomplete(bundle):
            own = text(bundle.get("id"))
            reference = f"Bundle/{own}" if own else ""
            yield INCOMPLETE.issue(reference, "says that there is more than it holds")


def _strangers(count: int) -> Iterator[Issue]:
    """One issue for all that no rule would read anyway: foreign data must not go unnoticed."""
    if count:
        why = "What no rule needs names someone else than the patient"
        yield OTHER_PATIENT.summary(why, count, relevant=False)


__all__ = ["EXTRACTORS", "Extractor", "extract"]

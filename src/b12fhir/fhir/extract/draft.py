"""What is read of an order that is being written, and of no other: there it can still be mended."""

from collections.abc import Iterator
from decimal import Decimal

from b12fhir.facts.medicines import Drafted
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.amount import amounts, in_pieces, single_amount
from b12fhir.fhir.extract.drug import Drug, route_in
from b12fhir.fhir.extract.schedule import per_day
from b12fhir.fhir.extract.tree import items, obj, text

_REPLACED = "MedicationRequest/"


def drafted(resource: Resource, dosages: list[Resource], drug: Drug) -> Drafted:
    """How the draft says that the medicine is to be given, and in whose place it comes."""
    often = [per_day(dosage) for dosage in dosages]
    counts = [_count(dosage) for dosage in dosages]
    return Drafted(
        form=drug.route or route_in(drug.form, injected=False),
        often=often[0] if len(often) == 1 else None,
        count=counts[0] if len(counts) == 1 else None,
        in_pieces=any(in_pieces(one) for dosage in dosages for one in amounts(dosage)),
        timed=any(_is_timed(dosage) for dosage in dosages),
        worded=bool(words_of_dosages(dosages)),
        replaces=tuple(sorted(set(_replaced(resource)))),
    )


def words_of_dosages(dosages: list[Resource]) -> str:
    """What a Dosage says in words."""
    said = [text(dosage.get(name)) for dosage in dosages for name in ("text", "patientInstruction")]
    return "; ".join(one for one in said if one)


def amount_in_words(dosages: list[Resource]) -> Decimal | None:
    """The one amount that the words state, in micrograms, where no dose is structured."""
    if any(amounts(dosage) for dosage in dosages):
        return None
    return single_amount(words_of_dosages(dosages))


def _count(dosage: Resource) -> int | None:
    count = obj(obj(dosage.get("timing")).get("repeat")).get("count")
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else None


def _is_timed(dosage: Resource) -> bool:
    """Does its structure say when? "As needed" is an answer too."""
    timing = obj(dosage.get("timing"))
    told = any(timing.get(name) for name in ("event", "repeat", "code"))
    return (
        told or dosage.get("asNeededBoolean") is True or bool(dosage.get("asNeededCodeableConcept"))
    )


def _replaced(resource: Resource) -> Iterator[str]:
    for link in (obj(resource.get("priorPrescription")), *items(resource.get("basedOn"))):
        target = text(link.get("reference")).partition("/_history/")[0]
        _, found, own = target.rpartition(_REPLACED)
        if found:
            yield f"{_REPLACED}{own}"

"""What is read of an order that is being written, and of no other: there it can still be mended."""

import re
from collections.abc import Iterator
from decimal import Decimal

from b12fhir.facts.medicines import Drafted, Route
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.amount import Strength, amounts, dose_ug, in_pieces, single_amount
from b12fhir.fhir.extract.drug import Drug, route_in, route_of
from b12fhir.fhir.extract.schedule import per_day
from b12fhir.fhir.extract.tree import items, obj, text

_REPLACED = "MedicationRequest/"


# Words of a dosage are written by hand: small letters and abbreviations count as well.
_VEIN = re.compile(r"\bintraven|\biv\b|\bi\.v\.", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|never|no|avoid|without)\b[^.;]*\Z", re.IGNORECASE)
# Doses a day; "every other day" and the like are none of them.
_DAILY = (
    (re.compile(r"\bthree times (?:a|per) day\b|\b3 times (?:a|per) day\b|\btds\b|\btid\b"), 3),
    (
        re.compile(
            r"\btwice (?:a day|daily)\b|\b(?:2 times|two times) (?:a|per) day\b|\bbd\b|\bbid\b"
        ),
        2,
    ),
    (re.compile(r"\bdaily\b|\b(?:once a|once per|each|every) day\b|\bod\b|\bqd\b"), 1),
)


def drafted(resource: Resource, dosages: list[Resource], drug: Drug) -> Drafted:
    """How the draft says that the medicine is to be given, and in whose place it comes.

    Of several dosages the one given most often counts, in structure or words: too much is asked.
    """
    often = [one for one in (*map(per_day, dosages), _daily(dosages)) if one is not None]
    counts = [_count(dosage) for dosage in dosages]
    return Drafted(
        form=drug.route or route_in(drug.form, injected=False),
        often=max(often, default=None),
        count=counts[0] if len(counts) == 1 else None,
        in_pieces=any(in_pieces(one) for dosage in dosages for one in amounts(dosage)),
        timed=any(_is_timed(dosage) for dosage in dosages),
        worded=bool(words_of_dosages(dosages)),
        contradicts=contradicts(dosages, drug.strength),
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


def largest_ug(dosages: list[Resource], strength: Strength | None) -> Decimal | None:
    """The largest single dose of a draft, in micrograms; ``None`` if one of them is not known."""
    doses = [dose_ug(one, strength) for dosage in dosages for one in amounts(dosage)]
    known = [one for one in doses if one is not None]
    return max(known) if known and len(known) == len(doses) else None


def route_written(dosages: list[Resource], drug: Drug) -> Route:
    """The route of a draft: the vein, if any of its dosages names it in code or words.

    Whoever gives it may go by either. A text that warns of the vein does not name it.
    """
    said = words_of_dosages(dosages)
    stated = route_of(dosages, drug._replace(form=f"{drug.form}; {said}"))
    each = {route_of([dosage], drug) for dosage in dosages}
    named = any(not _DENIED.search(said[: one.start()]) for one in _VEIN.finditer(said))
    return Route.IV if named or Route.IV in each else stated


def contradicts(dosages: list[Resource], strength: Strength | None) -> bool:
    """Do words and structure of a draft state different amounts?

    Of a tablet the words may state the strength, which is no dose.
    """
    told = single_amount(words_of_dosages(dosages))
    doses = {dose_ug(one, strength) for dosage in dosages for one in amounts(dosage)} - {None}
    return told is not None and bool(doses) and told not in doses | {strength and strength.ug}


def _daily(dosages: list[Resource]) -> Decimal | None:
    said = words_of_dosages(dosages).lower()
    return next((Decimal(often) for words, often in _DAILY if words.search(said)), None)


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

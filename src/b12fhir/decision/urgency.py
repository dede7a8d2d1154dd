"""How soon? Computed last, as the highest that any rule asks for (R-61 to R-64, ruling 32)."""

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.case import Case
from b12fhir.decision.classification import Classified
from b12fhir.decision.intent import Question
from b12fhir.decision.model import Anaemia, Bucket, Urgency
from b12fhir.decision.model import Classification as C
from b12fhir.decision.neurology import Neurology
from b12fhir.decision.reasons import NONE, Flag, Reasons, found, joined
from b12fhir.decision.severity import pancytopenia_with_symptoms
from b12fhir.decision.symptoms import Symptoms
from b12fhir.decision.treatment import dose_within, first_dose
from b12fhir.facts.history import Concept
from b12fhir.kernel.dates import When
from b12fhir.kernel.values import value

_48_HOURS = 2
_DISCORDANT, _LONG_UNTREATED, _LEBER = Flag("discordant"), Flag("long-untreated"), Flag("leber")
_UNDECIDED = frozenset({C.NO_DATA, C.DATA_QUALITY})


@value
class Picture:
    """Everything urgency looks at."""

    asked: Question
    symptoms: Symptoms
    told: Reasons
    case: Case
    classified: Classified
    blood: Blood
    neurology: Neurology


def urgency(asked: Question, shown: Symptoms, told: Reasons) -> tuple[Urgency, Reasons]:
    """Urgent if any rule of R-61 holds, else soon by R-62, else routine."""
    seen = Picture(asked, shown, told, asked.case, asked.classified, asked.blood, asked.nerves)
    if seen.case.facts.patient.deceased:
        return Urgency.ROUTINE, NONE
    urgent = _urgent(seen)
    start = _start_at_once(seen)
    if urgent:
        return Urgency.URGENT, urgent + start
    soon = _soon(seen)
    if soon:
        return Urgency.SOON, soon + start
    return Urgency.ROUTINE, found("R-63")


def _urgent(seen: Picture) -> Reasons:
    blood, name = seen.blood, seen.classified.name
    reasons = _urgent_nerves(seen)
    if blood.may_be_severe:
        hemoglobin = (blood.hemoglobin,) if blood.hemoglobin is not None else ()
        note = "severe anaemia" if blood.grade is Anaemia.SEVERE else "anaemia that may be severe"
        reasons += found("R-61", hemoglobin, note)
    reasons += _urgent_treatment(seen)
    if pancytopenia_with_symptoms(blood, seen.symptoms):
        reasons += found("R-61", note="pancytopenia with symptoms of anaemia")
    if seen.asked.person.adult.is_no and (
        name.is_deficient or blood.anaemic.is_yes or seen.neurology.present
    ):
        reasons += found("R-61", note="under 16 and deficient, anaemic or with nerve signs")
    return reasons


def _urgent_treatment(seen: Picture) -> Reasons:
    """A B12 product running in spite of a stop; potassium that falls after the first doses."""
    asked = seen.asked
    running = asked.blocked_running
    reasons = NONE
    if running:
        rule = asked.stops.rule or "R-165"
        reasons = found("R-61", running, f"B12 is given or on order although {rule}")
    if asked.stops.potassium_low.is_yes and dose_within(seen.case, asked.treatment, _48_HOURS):
        potassium = asked.stops.potassium
        shown = (potassium,) if potassium is not None else ()
        reasons = reasons + found("R-61", shown, "potassium is low in the first 48 hours")
    return reasons


def _urgent_nerves(seen: Picture) -> Reasons:
    """Undecided classes are urgent only for new or worsening signs (ruling 28)."""
    name, nerves = seen.classified.name, seen.neurology
    if not nerves.present:
        return NONE
    if name is C.ON_TREATMENT:
        return _urgent_on_treatment(seen)
    if name.is_deficient or name is C.INDETERMINATE or seen.classified.treat_now:
        return found("R-61", nerves.signs, "neurological sign")
    if name in _UNDECIDED and nerves.fresh:
        return found("R-61", nerves.fresh, "new or worse neurological sign, B12 not known")
    return NONE


def _urgent_on_treatment(seen: Picture) -> Reasons:
    """Nerves that are worse, or new since the first dose, do not wait (R-61, R-187)."""
    start = first_dose(seen.asked.treatment)
    worse = tuple(
        sign
        for sign in seen.neurology.signs
        if sign.worse or (start is not None and _since(sign, start))
    )
    if not worse:
        return NONE
    return found("R-61", worse, "neurological sign new or worse on treatment")


def _since(sign: Concept, start: When) -> bool:
    when = sign.onset or sign.recorded
    return when is not None and when.later_than(start).is_yes


def _start_at_once(seen: Picture) -> Reasons:
    waits = seen.classified.name.is_deficient or seen.classified.name is C.INDETERMINATE
    if not (seen.neurology.present and (waits or seen.classified.treat_now)):
        return NONE
    return found("R-64", seen.neurology.signs)


def _soon(seen: Picture) -> Reasons:
    name = seen.classified.name
    reasons = []
    if name.is_deficient:
        reasons += [found("R-62", note=why) for why in _soon_when_deficient(seen)]
    if name is C.UNLIKELY and seen.neurology.present:
        reasons.append(found("R-62", seen.neurology.signs, "neurological sign (R-49)"))
    if name in _UNDECIDED and seen.neurology.present:
        reasons.append(found("R-62", seen.neurology.signs, "known neurological sign"))
    if name is C.ON_TREATMENT:
        reasons += _soon_on_treatment(seen)
    if seen.case.pregnant.is_yes and seen.blood.anaemic.is_yes:
        reasons.append(found("R-62", note="anaemia in pregnancy"))
    if not name.is_deficient:
        reasons += _permanent_cause_undecided(seen)
    return joined(*reasons)


def _soon_on_treatment(seen: Picture) -> list[Reasons]:
    signs = seen.neurology.signs
    reasons = [found("R-62", signs, "neurological sign under treatment")] if signs else []
    if seen.blood.anaemic.is_yes:
        reasons.append(found("R-62", note="anaemia under treatment"))
    return reasons


def _soon_when_deficient(seen: Picture) -> list[str]:
    case = seen.case
    holds = (
        (bool(seen.symptoms.other or seen.symptoms.of_anaemia), "symptoms"),
        (seen.blood.anaemic.is_yes, "anaemia"),
        (seen.asked.cause.bucket is Bucket.PERMANENT, "permanent malabsorption"),
        (case.pregnant.is_yes, "pregnancy"),
        (case.breastfeeding().is_yes, "breastfeeding"),
        (seen.asked.folate_low.is_yes, "folate deficiency"),
        (_DISCORDANT in seen.told, "total and active B12 disagree"),
        (_LONG_UNTREATED in seen.told, "low B12 known and untreated for long (R-60)"),
        (_LEBER in seen.told, "Leber disease"),
        (bool(case.with_role("polycythaemia-vera")), "polycythaemia vera"),
    )
    return [why for truth, why in holds if truth]


def _permanent_cause_undecided(seen: Picture) -> list[Reasons]:
    """Section 27: pernicious anaemia or gastrectomy on record, not shown deficient, untreated."""
    if seen.classified.name not in (C.INDETERMINATE, C.UNLIKELY):
        return []
    names = seen.asked.causes.names
    total = "gastrectomy-total" in names
    other = not names.isdisjoint(("pernicious-anaemia", "gastrectomy-partial"))
    if seen.classified.name is C.INDETERMINATE and (total or other):
        return [found("R-62", note="permanent cause on record, B12 undecided")]
    if seen.classified.name is C.UNLIKELY and other:
        return [found("R-62", note="permanent cause on record, no maintenance")]
    return []

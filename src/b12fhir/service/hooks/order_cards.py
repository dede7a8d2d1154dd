"""order-select and order-sign: orders that are being written, judged one by one.

A draft that is wrong gets a card of its own; what is right stays silent. Where nothing is wrong, at
most one card says what goes before the order: what presses more, or a result to confirm first.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from b12fhir.decision.model import Classification as C
from b12fhir.facts.medicines import B12Dose, DraftedDrug, Route
from b12fhir.fhir.dosage import dosage_text, product_text
from b12fhir.fhir.json import canonical
from b12fhir.kernel.evidence import Remark
from b12fhir.kernel.quantities import plain, quotient
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.gaps import gap_card
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Draft, Indicator
from b12fhir.service.hooks.order_fix import fixes, planned, replacement
from b12fhir.service.hooks.order_words import (
    DOUBLED,
    FOLIC,
    ORAL,
    Wrong,
    beside,
    dose_of,
    is_ours,
    saying,
    weight,
    wrong_of,
)
from b12fhir.service.hooks.picture import advice, capital, known, phase_text, summary
from b12fhir.service.hooks.rows import Row, assessment_rows, basis, checked, missing, why
from b12fhir.service.hooks.suggest import suggestions, tests_before_dose
from b12fhir.service.hooks.text import fitting, listed, sentence, when_text

# Where the result that speaks against the order belongs into the summary.
_WITH_RESULT = frozenset({ORAL, FOLIC})
# What is no content of an order: names, days of writing, and links to other orders.
_NOT_CONTENT = frozenset({"id", "authoredOn", "priorPrescription", "basedOn"})
# Of a B12 draft whose meaning something in it may change.
_HIDDEN = frozenset({"not-understood"})
_MOST_SAID = 5
_ROUTES = {
    Route.IM: "intramuscular",
    Route.SC: "subcutaneous",
    Route.IV: "intravenous",
    Route.ORAL: "oral",
    Route.SUBLINGUAL: "sublingual",
    Route.NASAL: "nasal",
    Route.INJECTION: "an injection, no route",
    Route.UNKNOWN: "no route",
}
# What is to be heeded beside an order that is right by itself: id, weight, and a noun phrase.
_BESIDE = (
    ("hospital", Indicator.CRITICAL, "hospital today instead of a course at home"),
    ("specialist", Indicator.WARNING, "a specialist first: an inborn defect of B12 handling"),
    ("under-16", Indicator.WARNING, "specialist referral: under 16 no adult dose applies"),
    ("potassium-low", Indicator.WARNING, "correcting potassium before or with dose 1"),
)


def order_cards(matter: Matter) -> tuple[Card, ...]:
    """One card for each draft that is wrong, else at most one about what goes before it."""
    chosen = [one for one in matter.call.drafts if one.selected]
    drafts = [one for one in chosen if is_ours(matter, one)]
    if not drafts:
        card = gap_card(matter) if any(_may_be_ours(matter, one) for one in chosen) else None
        return () if card is None else (card,)
    found = [wrong for one in drafts if (wrong := wrong_of(matter, one)) is not None]
    speaking = [one for place, one in enumerate(found) if not _is_told(matter, one, found[place:])]
    if speaking:
        return tuple(_card(matter, one) for one in speaking)
    card = _beside(matter, drafts) or gap_card(matter)
    return () if card is None else (card,)


def _may_be_ours(matter: Matter, draft: Draft) -> bool:
    """Is it B12 or folic acid that could not be read?"""
    about = (one for one in matter.proposal.issues if one.resource == draft.reference)
    return any(one.code in _HIDDEN for one in about)


def _is_told(matter: Matter, wrong: Wrong, others: Sequence[Wrong]) -> bool:
    """Of drafts that only double each other the last one speaks for all."""
    if wrong.ids != {DOUBLED}:
        return False
    after = {one.fact.reference for one in others[1:]}
    return {one.as_input().reference for one in beside(matter, wrong)} <= after


def _card(matter: Matter, wrong: Wrong) -> Card:
    indicator = weight(matter, wrong)
    key = f"draft:{wrong.lead.id}"
    said = Said(key, wrong.lead.rule, indicator, _summary(matter, wrong), "order")
    card = card_of(matter, said, _rows(matter, wrong), fixes(matter, wrong))
    grade = replace(card.grade, dangers=wrong.ids)
    return replace(card, fingerprint=_fingerprint(matter, wrong.draft), grade=grade)


def _summary(matter: Matter, wrong: Wrong) -> str:
    """What is wrong, on which result, and what to consider: the longest that fits."""
    words, phase = saying(wrong), replacement(matter, wrong)
    result = next(known(matter), "") if wrong.lead.id in _WITH_RESULT else ""
    action = _b12_first(matter, result) if wrong.lead.id == FOLIC else words.action
    mended = advice(matter.role, phase_text(phase) if phase is not None else action)
    plainly, lead = advice(matter.role, action), capital(words.what(matter, wrong))
    leads = (f"{lead}, {result}", lead) if result else (lead,)
    told = [f"{one}; {asked}" for one in leads for asked in (mended, plainly)]
    return fitting((*told, lead))


def _b12_first(matter: Matter, result: str) -> str:
    phase = planned(matter)
    if phase is None:
        return "MMA first" if result else "measuring B12 first"
    return f"{phase_text(phase)} first"


def _rows(matter: Matter, wrong: Wrong) -> list[Row]:
    phase = replacement(matter, wrong)
    instead = f"{capital(product_text(phase.product))}: {dosage_text(phase)}" if phase else ""
    return [
        ("Order", _ordered(wrong)),
        ("Against it", listed((_against(matter, one) for one in wrong.remarks), _MOST_SAID)),
        ("Instead", instead),
        ("Why", why(matter)),
        ("Checked", f"{checked(matter)} {missing(matter)}".strip()),
        ("Basis", basis(matter)),
    ]


def _ordered(wrong: Wrong) -> str:
    """The order as it was read, so that a misreading shows."""
    fact = wrong.fact
    if isinstance(fact, DraftedDrug):
        daily = f", {plain(fact.daily_mg)} mg a day" if fact.daily_mg is not None else ""
        return f"{fact.text}{daily}"
    held = fact.drafted
    often = held.often if held is not None else None
    parts = [
        fact.text,
        f"dose {plain(fact.dose_ug)} microgram" if fact.dose_ug is not None else "no dose",
        _ROUTES[fact.route],
        _often(often) if often is not None else "no interval that can be read",
        f"from {when_text(fact.when)}" if fact.when is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _often(often: Decimal) -> str:
    if often > 1:
        return f"{plain(quotient(often, Decimal(1)))} times a day"
    return "once a day" if often == 1 else f"every {plain(quotient(Decimal(1), often))} days"


def _against(matter: Matter, remark: Remark) -> str:
    """What a remark says, without the names that only this program gives to drafts."""
    said = remark.text.removeprefix(f"{remark.about}: ")
    for draft in matter.call.drafts:
        said = said.replace(draft.reference, "another draft")
    return f"{capital(said).rstrip('.')} ({remark.rule})."


def _fingerprint(matter: Matter, draft: Draft) -> str:
    """Of the decision and of what the draft orders: an answer to one order is none to another."""
    content = {key: value for key, value in draft.resource.items() if key not in _NOT_CONTENT}
    return hashlib.sha256(f"{matter.digest}|".encode() + canonical(content)).hexdigest()


def _beside(matter: Matter, drafts: Sequence[Draft]) -> Card | None:
    """What goes before an order of B12 that is right by itself."""
    doses = [dose for one in drafts if (dose := dose_of(matter, one)) is not None]
    if not doses:
        return None
    decision = matter.decision
    told = {one.id: one for one in (*decision.contraindications, *decision.cautions)}
    for key, indicator, action in _BESIDE:
        if key in told:
            remark = told[key]
            return _card_beside(matter, doses, f"order:{key}", remark.rule, indicator, action)
    if decision.classification is C.INDETERMINATE and decision.intent.kind == "confirm":
        action = "MMA before dose 1: it tells less afterwards"
        return _card_beside(matter, doses, "order:confirm", "R-35", Indicator.INFO, action)
    return None


def _card_beside(  # noqa: PLR0913, PLR0917 - what the card is made of
    matter: Matter,
    doses: Sequence[B12Dose],
    key: str,
    rule: str,
    indicator: Indicator,
    action: str,
) -> Card:
    told = summary(matter, "", action, lead="B12 ordered: ")
    said = Said(key, rule, indicator, told, "order")
    shown = listed((sentence(one.text) for one in doses), _MOST_SAID)
    rows = [row for row in assessment_rows(matter) if row[0] != "Plan"]
    tests = tests_before_dose(matter) if planned(matter) is not None else suggestions(matter)[:1]
    return card_of(matter, said, [("Order", shown), *rows], tests)

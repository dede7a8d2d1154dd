"""Are the vitamin B12 orders on record safe? (R-91 to R-95, R-99 to R-104; section 27)

Orders are flagged by their reference and never changed. Orders of an antidote to cyanide, and of
multivitamins, are no B12 treatment (ruling 31); of the latter only what a stop forbids is told.
"""

from decimal import Decimal

from b12fhir.decision.case import Case
from b12fhir.decision.drafts import (
    draft_of_b12,
    drafted_folic_acid,
    is_another_form,
    needs_injection,
    says_how_much,
    says_when,
)
from b12fhir.decision.intent import Question
from b12fhir.decision.reasons import (
    NONE,
    Reasons,
    caution,
    contraindication,
    found,
    gap,
    joined,
)
from b12fhir.facts.medicines import B12Dose, Route
from b12fhir.kernel.quantities import plain, quotient
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.model import Pack, PhaseTemplate

_OPEN = frozenset({"active", "on-hold", "draft", "unknown"})
_LEFT_BY_LEBER = "hydroxocobalamin"
_NOTE = "an open order"


def orders(asked: Question, kind: str) -> Reasons:
    """What is wrong with each open order; ``kind`` is that of the plan proposed beside them."""
    reasons = drafted_folic_acid(asked) if asked.case.facts.drafted else NONE
    for order in asked.case.facts.doses:
        if order.supplied:
            reasons = reasons + _supplied(asked, order)
        elif order.order in _OPEN and not _antidote(asked.case, order):
            reasons = reasons + _stopped(asked, order)
            reasons = reasons + (NONE if order.combined else _checked(asked, order, kind))
    return reasons


def _antidote(case: Case, order: B12Dose) -> bool:
    dose, least = order.dose_ug, case.limits.cyanide_antidote_from_ug
    iv_hydroxo = order.route is Route.IV and order.drug == _LEFT_BY_LEBER
    return iv_hydroxo and dose is not None and dose >= least


def _stopped(asked: Question, order: B12Dose) -> Reasons:
    """An order that an allergy (R-163) or Leber disease (R-165) forbids."""
    shown = (order,)
    if asked.stops.rule == "R-163":
        text = f"{order.reference}: on order although every B12 product is forbidden by an allergy."
        said = contraindication("order-allergy", text, "R-163", order.reference)
        return found("R-163", shown, _NOTE) + said
    if asked.stops.leber and order.drug != _LEFT_BY_LEBER:
        what = order.drug or "a form of B12 that is not named"
        text = (
            f"{order.reference}: {what} is on order, and Leber optic atrophy leaves"
            " hydroxocobalamin only; ask the prescriber today."
        )
        said = contraindication("order-leber", text, "R-165", order.reference)
        return found("R-165", shown, _NOTE) + said
    return NONE


def _supplied(asked: Question, supply: B12Dose) -> Reasons:
    """R-104: another form of B12 was handed out than the one on order."""
    for order in asked.treatment.running:
        if order.order and is_another_form(supply, order) and not _was_before(supply, order):
            text = (
                f"{supply.reference}: {supply.drug} was supplied, and {order.drug} is on order"
                f" ({order.reference}): no substitution without the prescriber."
            )
            said = caution("supply-changed", text, "R-104", order.reference)
            return found("R-104", (supply, order), "another form of B12") + said
    return NONE


def _was_before(supply: B12Dose, order: B12Dose) -> bool:
    """Was it handed out before the order, and so for another one?"""
    if supply.when is None or order.when is None:
        return False
    return supply.when.before(order.when.first).is_yes


def _checked(asked: Question, order: B12Dose, kind: str) -> Reasons:
    pack = asked.case.protocol.pack
    return joined(
        _route(pack, order),
        _by_mouth(asked, order, kind),
        _dose(asked, order),
        _concentration(pack, order),
        _incomplete(order),
        draft_of_b12(asked, order, kind),
    )


def _route(pack: Pack, order: B12Dose) -> Reasons:
    """R-91 to R-93: which route, and does a label allow it?"""
    if order.route is Route.IV:
        text = (
            "intravenous vitamin B12 is refused: most of it is lost in the urine. Ask for"
            " intramuscular or, where the label allows, deep subcutaneous."
        )
        return _forbids(order, "order-iv", text, "R-93")
    if order.route is Route.INJECTION:
        text = "an injection without a route cannot be signed: ask which route is meant."
        return _forbids(order, "order-route", text, "R-92")
    if order.route is Route.UNKNOWN:
        text = f"{order.reference}: neither route nor form can be read: ask which route is meant."
        unknown = found("R-92", (order,), truth=Truth.UNKNOWN)
        return unknown + gap("order-route", text, "R-92", order.reference)
    return _label(pack, order)


def _label(pack: Pack, order: B12Dose) -> Reasons:
    products = pack.products.values()
    if order.route is Route.NASAL and not any("nasal" in one.routes for one in products):
        text = "nasal vitamin B12 is not part of this pack."
        return _warns(order, "order-nasal", text, "R-93")
    same = [one for one in products if one.drug == order.drug and one.is_injection]
    if order.route is Route.SC and same and not any("sc" in one.routes for one in same):
        text = f"the label of {order.drug} does not allow the subcutaneous route."
        return _warns(order, "order-sc", text, "R-91")
    return NONE


def _by_mouth(asked: Question, order: B12Dose, kind: str) -> Reasons:
    """R-95: tablets alone where only a clinician may choose them.

    A plan that proposes injections says so itself; drafts are asked apart.
    """
    swallowed = order.route in (Route.ORAL, Route.SUBLINGUAL)
    injected = any(dose.route.is_injection for dose in asked.treatment.running)
    if order.drafted is not None or not swallowed or injected or kind == "treat":
        return NONE
    if not needs_injection(asked):
        return NONE
    text = (
        f"vitamin B12 by mouth is the sole route on record, which is not dependable here"
        f" ({asked.cause.cause}): only a clinician may choose it."
    )
    return _warns(order, "order-oral", text, "R-95")


def _dose(asked: Question, order: B12Dose) -> Reasons:
    """R-103 and R-102: a single dose no one gives, or one that is not the pack's."""
    if order.dose_ug is None:
        return NONE
    most = asked.case.limits.max_single_dose_ug
    if order.dose_ug > most:
        text = (
            f"a single dose of {plain(order.dose_ug)} microgram is refused, being above"
            f" {plain(most)}: probably mg was written for microgram; ask the prescriber."
        )
        return _forbids(order, "order-dose", text, "R-103")
    # The pack's tablets are a treatment; a maintenance by mouth may be lower.
    if not order.route.is_injection and not asked.classified.to_be_treated:
        return NONE
    return _ratio(asked.case, order, order.dose_ug)


def _ratio(case: Case, order: B12Dose, dose: Decimal) -> Reasons:
    usual = _nearest(_comparable(case.protocol.pack, order), dose)
    if usual is None or usual == dose:
        return NONE
    limits, ratio = case.limits, quotient(dose, usual)
    note = f"{plain(ratio)} times the pack's dose of {plain(usual)} microgram"
    reasons = found("R-102", (order,), note)
    inside = usual * limits.dose_ratio_low < dose < usual * limits.dose_ratio_high
    if inside:
        return reasons
    text = f"{plain(dose)} microgram are {note}: to be acknowledged before it is signed."
    said = f"{order.reference}: {text}"
    return reasons + caution("order-ratio", said, "R-102", order.reference)


def _comparable(pack: Pack, order: B12Dose) -> tuple[PhaseTemplate, ...]:
    """Phases of the pack given the same way, of the same form of B12 if the pack has it."""
    injected = order.route.is_injection
    return pack.alike.get((injected, order.drug)) or pack.alike.get((injected, ""), ())


def _nearest(phases: tuple[PhaseTemplate, ...], dose: Decimal) -> Decimal | None:
    """The pack's dose nearest to ``dose`` in proportion; ``dose`` itself inside a range."""
    edges = dict.fromkeys(
        min(max(dose, one.dose), one.dose_max if one.dose_max is not None else one.dose)
        for one in phases
    )
    return min(edges, key=lambda edge: max(edge / dose, dose / edge), default=None)


def _concentration(pack: Pack, order: B12Dose) -> Reasons:
    """R-100 and R-101: another strength needs another volume."""
    held = order.concentration
    if held is None or not order.route.is_injection:
        return NONE
    if any(one.is_injection and one.strength == held for one in pack.products.values()):
        return NONE
    phases = _comparable(pack, order)
    doses = sorted({one.dose for one in phases} | ({order.dose_ug} if order.dose_ug else set()))
    volumes = ", ".join(f"{plain(dose)} microgram = {_volume(dose, held)}" for dose in doses)
    text = (
        f"this product holds {plain(held)} microgram/mL, which is not the pack's strength:"
        f" {volumes}. 1 mL is never assumed."
    )
    return found("R-100", (order,), volumes) + _warns(order, "order-strength", text, "R-101")


def _volume(dose: Decimal, held: Decimal) -> str:
    return f"{plain(quotient(dose, held))} mL"


def _incomplete(order: B12Dose) -> Reasons:
    """R-99: an injection names its form, concentration and dose."""
    parts = (
        ("form of B12", bool(order.drug)),
        ("concentration", order.concentration is not None),
        ("dose", says_how_much(order)),
        ("interval", says_when(order)),
    )
    missing = [name for name, told in parts if not told]
    if not order.route.is_injection or not missing:
        return NONE
    text = f"the order does not say: {', '.join(missing)}."
    return _warns(order, "order-incomplete", text, "R-99")


def _forbids(order: B12Dose, key: str, text: str, rule: str) -> Reasons:
    said = f"{order.reference}: {text}"
    return found(rule, (order,), _NOTE) + contraindication(key, said, rule, order.reference)


def _warns(order: B12Dose, key: str, text: str, rule: str) -> Reasons:
    said = f"{order.reference}: {text}"
    return found(rule, (order,), _NOTE) + caution(key, said, rule, order.reference)

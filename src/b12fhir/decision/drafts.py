"""Orders that are being written: what can still be put right before somebody signs.

Beside what holds for every open order (`b12fhir.decision.orders`): is it complete, does it double
what runs already, does it come too soon, is it given as this product is given, and as this patient
needs it? (R-84 to R-87, R-95, R-99, R-104, R-117, R-130, R-163, R-169, R-178, R-182, R-197)
"""

from decimal import Decimal

from b12fhir.decision.intent import Question
from b12fhir.decision.model import Classification as C
from b12fhir.decision.model import SeverityGrade
from b12fhir.decision.reasons import NONE, Reasons, caution, found, joined
from b12fhir.decision.route import ORAL_FORBIDDEN, rejected, route
from b12fhir.facts.medicines import B12Dose, Drafted, DraftedDrug, Route
from b12fhir.kernel.dates import add_days, days_between
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.quantities import plain, quotient
from b12fhir.protocol.limits import DoseWindow
from b12fhir.protocol.model import Pack

_NOTE = "an order that is being written"
_SWALLOWED = frozenset({Route.ORAL, Route.SUBLINGUAL})
_KNOWN_LOW = frozenset({C.CONFIRMED, C.INDETERMINATE_CONFIRMED, C.FUNCTIONAL, C.INDETERMINATE})


def draft_of_b12(asked: Question, order: B12Dose, kind: str) -> Reasons:
    """What is wrong with a draft; ``kind`` is that of the plan proposed beside it."""
    held = order.drafted
    if held is None:
        return NONE
    return joined(
        _in_pieces(order, held),
        _too_often(asked.case.protocol.pack, order, held),
        _too_rarely(asked, order, held),
        _two_amounts(order, held),
        _form(order, held),
        _allergy(asked, order),
        _doubled(asked, order, held, kind),
        _too_soon(asked, order, held),
        _changed(asked, order, held),
        _by_mouth(asked, order),
    )


def says_when(order: B12Dose) -> bool:
    """Does a draft say when to give it, be it in words? (R-99: the interval)"""
    held = order.drafted
    return held is None or held.timed or held.worded


def says_how_much(order: B12Dose) -> bool:
    """Does an order say how much to give, be it in words that no program reads?"""
    held = order.drafted
    return order.dose_ug is not None or (held is not None and held.worded and not held.in_pieces)


def _is_injection(order: B12Dose, held: Drafted) -> bool:
    return order.route.is_injection or held.form.is_injection


def _in_pieces(order: B12Dose, held: Drafted) -> Reasons:
    """R-99: an injection ordered as a pill has lost its dose, and mostly route and interval too."""
    if not held.in_pieces or not _is_injection(order, held):
        return NONE
    text = (
        "an injection is ordered by the tablet or pill: that is no dose of it. Order an amount in"
        " microgram, a route and an interval."
    )
    return _warns(order, "order-pill", text, "R-99")


def _too_often(pack: Pack, order: B12Dose, held: Drafted) -> Reasons:
    """R-117: high doses every day are taken by mouth; injections are given days apart."""
    if held.often is None or not _is_injection(order, held):
        return NONE
    phases = pack.alike.get((True, order.drug)) or pack.alike.get((True, ""), ())
    most = max((one.doses_a_day for one in phases), default=held.often)
    if held.often <= most:
        return NONE
    text = (
        f"injections are ordered {_rate(held.often)}, and the pack gives {_rate(most)} at the most:"
        " probably the timing of a tablet."
    )
    return _warns(order, "order-too-often", text, "R-117")


def _too_rarely(asked: Question, order: B12Dose, held: Drafted) -> Reasons:
    """R-117: by mouth high doses treat when taken daily; a weekly one only maintains (R-109)."""
    untreated = asked.classified.to_be_treated and not asked.treatment.running
    if held.often is None or order.route not in _SWALLOWED or not untreated:
        return NONE
    pack = asked.case.protocol.pack
    phases = pack.alike.get((False, order.drug)) or pack.alike.get((False, ""), ())
    usual = max((one.doses_a_day for one in phases), default=held.often)
    if held.often >= usual * asked.case.limits.dose_ratio_low:
        return NONE
    text = (
        f"doses by mouth are ordered {_rate(held.often)}, and the pack treats with {_rate(usual)}:"
        " probably the timing of an injection."
    )
    return _warns(order, "order-too-rarely", text, "R-117")


def _two_amounts(order: B12Dose, held: Drafted) -> Reasons:
    """R-99: some go by the words of an order, pumps and programs by its structure."""
    if not held.contradicts:
        return NONE
    text = "the words of the order state another amount than its structure: ask which one is meant."
    return _warns(order, "order-two-amounts", text, "R-99")


def _rate(often: Decimal) -> str:
    if often > 1:
        return f"{plain(quotient(often, Decimal(1)))} a day"
    return "one a day" if often == 1 else f"one every {plain(quotient(Decimal(1), often))} days"


def _form(order: B12Dose, held: Drafted) -> Reasons:
    """R-99: a tablet into a muscle, or an ampoule by mouth, is one slip or the other."""
    crossed = (order.route.is_injection and held.form.is_oral) or (
        order.route.is_oral and held.form.is_injection
    )
    if not crossed:
        return NONE
    form = "to be injected" if held.form.is_injection else "not to be injected"
    text = f"the product is one {form}, and the route says otherwise: ask which one is meant."
    return _warns(order, "order-form", text, "R-99")


def _allergy(asked: Question, order: B12Dose) -> Reasons:
    """R-163: an allergy that nobody confirmed is cleared before the order, not after."""
    doubtful = tuple(one for one in asked.case.facts.allergies if one.stops.is_unknown)
    if not doubtful or asked.stops.rule == "R-163":
        return NONE
    text = (
        "an allergy to cobalt or a cobalamin is recorded as inactive or unconfirmed: clear it"
        " before dose 1."
    )
    return _warns(order, "order-allergy-unclear", text, "R-163", doubtful)


def _doubled(asked: Question, order: B12Dose, held: Drafted, kind: str) -> Reasons:
    """R-197: B12 that is on order or taken already, or in a second draft, is not ordered again."""
    others = tuple(
        one
        for one in (*asked.treatment.running, *_drafts(asked))
        if one is not order
        and (one.active or one.drafted is not None)
        and one.reference not in held.replaces
        and not _one_after_the_other(order, one)
        and not _steps_up(order, one, kind)
    )
    if not others:
        return NONE
    named = ", ".join(one.reference for one in others)
    text = f"vitamin B12 is on order, drafted or taken already ({named}): a dose would be doubled."
    return _warns(order, "order-duplicate", text, "R-197", others)


def _drafts(asked: Question) -> tuple[B12Dose, ...]:
    doses = asked.case.facts.doses
    return tuple(one for one in doses if one.drafted is not None and not one.combined)


def _steps_up(order: B12Dose, other: B12Dose, kind: str) -> bool:
    """Injections that are proposed in the place of the tablets running do not double them."""
    return kind == "treat" and order.route.is_injection and other.active and other.route.is_oral


def _one_after_the_other(order: B12Dose, other: B12Dose) -> bool:
    """Is one of the two over, by its own words, before the other begins?"""
    return _over_before(order, other) or _over_before(other, order)


def _over_before(first: B12Dose, then: B12Dose) -> bool:
    if first.when is None or then.when is None:
        return False
    end = first.until.last if first.until is not None else None
    held = first.drafted
    if end is None and held is not None and held.count is not None and held.often:
        end = add_days(first.when.last, int((held.count - 1) / held.often))
    return end is not None and end < then.when.first


def _too_soon(asked: Question, order: B12Dose, held: Drafted) -> Reasons:
    """R-130: an injection before the least gap since the last one was given does not count."""
    case = asked.case
    given = [
        (dose.when.last, dose)
        for dose in asked.treatment.sure
        if dose.route.is_injection and dose.given.is_yes and dose.when is not None
    ]
    if not given or not _is_injection(order, held):
        return NONE
    day, last = max(given, key=lambda one: one[0])
    first = max(order.when.first, case.day) if order.when is not None else case.day
    gap = _window(case.limits.dose_windows, held.often).least_gap
    if days_between(day, first) >= gap:
        return NONE
    text = (
        f"an injection was given on {day.isoformat()}: the next one on {first.isoformat()} would"
        f" come too soon, the least gap being {gap} days."
    )
    return _warns(order, "order-too-soon", text, "R-130", (last,))


def _changed(asked: Question, order: B12Dose, held: Drafted) -> Reasons:
    """R-104: an injection in the place of an order of another form of B12."""
    before = tuple(
        one
        for one in asked.case.facts.doses
        if one.reference in held.replaces and is_another_form(order, one)
    )
    # Leber disease leaves hydroxocobalamin alone: a change to it is what is asked for.
    if not before or asked.stops.leber:
        return NONE
    text = (
        f"{order.drug} comes in the place of {before[0].drug} ({before[0].reference}): a change of"
        " product is the prescriber's to make, above all in the first weeks."
    )
    return _warns(order, "order-changed", text, "R-104", before)


def is_another_form(one: B12Dose, other: B12Dose) -> bool:
    """Are both injections, and of two forms of B12 that are both named?"""
    injected = one.route.is_injection and other.route.is_injection
    return injected and bool(one.drug and other.drug) and one.drug != other.drug


def _window(windows: tuple[DoseWindow, ...], often: Decimal | None) -> DoseWindow:
    """How far doses of this interval may be off; without one the narrowest holds."""
    if often is None:
        return windows[0]
    return [one for one in windows if not one.from_days or one.from_days * often <= 1][-1]


def _by_mouth(asked: Question, order: B12Dose) -> Reasons:
    """R-95, R-84 to R-87: by mouth alone where this patient needs injections."""
    ordered = (one for one in asked.treatment.running if one.active)
    injected = any(one.route.is_injection for one in (*ordered, *_drafts(asked)))
    rule = _needs_injection(asked)
    if order.route not in _SWALLOWED or injected or not rule:
        return NONE
    against = rejected("im", asked.cause, asked.grade, neuro=asked.nerves.present, rule=rule)[0]
    text = (
        f"vitamin B12 by mouth alone is not dependable here ({against.reason}): consider"
        " injections; tablets are a clinician's choice."
    )
    return _warns(order, "order-oral", text, against.rule)


def needs_injection(asked: Question) -> bool:
    """Does the record forbid treatment by mouth alone, whatever is proposed? (R-95)"""
    if asked.cause.cause in ORAL_FORBIDDEN:
        return True
    concerned = asked.classified.to_be_treated or asked.classified.name is C.ON_TREATMENT
    return concerned and (asked.nerves.present or asked.grade is SeverityGrade.SEVERE)


def _needs_injection(asked: Question) -> str:
    """The rule by which this patient is injected, or ``""``."""
    if needs_injection(asked):
        return "R-95"
    if not asked.classified.to_be_treated:
        return ""
    low = asked.folate_low.is_yes
    chosen, rule, _ = route(asked.cause, asked.grade, asked.blood, asked.watched, folate_low=low)
    return rule if chosen == "im" else ""


def drafted_folic_acid(asked: Question) -> Reasons:
    """R-169, R-178: folic acid that is being ordered without B12, while B12 is low or not known.

    The folic acid of pregnancy goes on where nothing shows that B12 is low (R-182).
    """
    name = asked.classified.name
    drafts = [one for one in asked.case.facts.drafted if _is_folic_acid(asked, one)]
    goes_on = asked.case.pregnant.is_yes and name not in _KNOWN_LOW
    if not drafts or name in (C.UNLIKELY, C.ON_TREATMENT) or goes_on or _with_b12(asked):
        return NONE
    return joined(*(_alone(asked, one) for one in drafts))


def _is_folic_acid(asked: Question, drug: DraftedDrug) -> bool:
    plays = asked.case.protocol.concepts.plays.get(drug.ingredient, ())
    daily, limit = drug.daily_mg, asked.case.limits.folic_acid_masks_above_mg
    return "folic-acid" in plays and (daily is None or daily > limit)


def _with_b12(asked: Question) -> bool:
    return bool(asked.treatment.running or _drafts(asked))


def _alone(asked: Question, drug: DraftedDrug) -> Reasons:
    """A multivitamin holds some B12: too little for who is known to lack it."""
    held = any(one.reference == drug.reference for one in asked.case.facts.doses)
    if held and asked.classified.name not in _KNOWN_LOW:
        return NONE
    rule = "R-178" if asked.folate_low.is_yes else "R-169"
    known = "low" if asked.classified.name in _KNOWN_LOW else "not known"
    text = (
        f"{drug.reference}: folic acid is ordered without a course of B12 while B12 is {known}:"
        " blood can improve while nerve damage goes on. B12 comes first; never folic acid alone."
    )
    shown: Evidence = (drug,)
    return found(rule, shown, _NOTE) + caution("order-folic-acid", text, rule, drug.reference)


def _warns(order: B12Dose, key: str, text: str, rule: str, beside: Evidence = ()) -> Reasons:
    said = f"{order.reference}: {text}"
    return found(rule, (order, *beside), _NOTE) + caution(key, said, rule, order.reference)

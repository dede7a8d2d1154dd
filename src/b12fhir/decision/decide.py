"""The clinical pathway on one screen: one question after the other, in the rule book's order.

Classes and stops are the same under every pack (R-203). A number is never judged without the
clinical picture: signs and mimics are asked for whatever B12 says (R-196).
"""

from datetime import date

from b12fhir.decision.anaemia import blood
from b12fhir.decision.baseline import monitoring_needs
from b12fhir.decision.case import Case
from b12fhir.decision.cause import causes
from b12fhir.decision.cautions import cautions, folate_low, mimics
from b12fhir.decision.classify import classify
from b12fhir.decision.factors import four_factors
from b12fhir.decision.injection import injection
from b12fhir.decision.intent import Question, act, question
from b12fhir.decision.masking import masking
from b12fhir.decision.model import Decision, Intent, Urgency
from b12fhir.decision.neurology import neurology
from b12fhir.decision.orders import orders
from b12fhir.decision.person import person
from b12fhir.decision.reasons import Reasons, by_kind
from b12fhir.decision.severity import severity
from b12fhir.decision.stops import stops
from b12fhir.decision.symptoms import symptoms
from b12fhir.decision.told import told_beside
from b12fhir.decision.treatment import treatment
from b12fhir.decision.urgency import urgency
from b12fhir.decision.usable import usable
from b12fhir.decision.whom import whom_to_test
from b12fhir.facts.record import Facts
from b12fhir.protocol.model import Protocol


def decide(facts: Facts, protocol: Protocol, as_of: date) -> Decision:
    """Decide for one patient on one day; ``as_of`` is the day in the site's zone.

    Pure: the same facts, protocol and day give the same decision. Odd data never raise: what could
    not be used is among the facts' issues and the decision's gaps.
    """
    case = Case(facts, protocol, as_of)
    # Who is it, what is on record, which results count?
    who, results, given = person(case), usable(case), treatment(case)
    nerves = neurology(case)
    count = blood(case, results)
    shown = symptoms(case, count, nerves)
    # What is it, how bad, and why?
    named = classify(case, results, given, nerves, shown)
    grade, why_grade = severity(named, count, nerves, shown)
    why = causes(case, deficient=named.to_be_treated)
    # What forbids a regimen, what is to be done, and by which route?
    stop = stops(case, results, count, why.sure[0])
    folate = folate_low(case, results)
    asked = question(case, who, named, given, stop, why, results, grade, count, nerves, folate)
    action, why_action = act(asked)
    # What is to be heeded, and what else could it be?
    told = (
        *who.reasons,
        *results.reasons,
        *named.reasons,
        *count.reasons,
        *nerves.reasons,
        *shown.reasons,
        *why_grade,
        *why.reasons,
        *stop.reasons,
        *why_action,
        *cautions(case, results, named, count, nerves, folate),
        *mimics(case, results, named, nerves, folate),
        *whom_to_test(case, named.name, shown, nerves.signs, why.every),
        *masking(case, results, given, named, shown),
        *injection(case, named.metabolites, action.route),
        *told_beside(named, stop),
        *orders(asked, action.kind),
        *four_factors(asked),
    )
    # How soon? Last, as the highest that any rule asks for (ruling 32).
    soon, why_soon = urgency(asked, shown, told)
    return _decision(asked, action, soon, told + why_soon)


def _decision(asked: Question, action: Intent, soon: Urgency, reasons: Reasons) -> Decision:
    """The answer with its reasons, each said once."""
    said = by_kind(reasons)
    named, count, why = asked.classified, asked.blood, asked.causes
    return Decision(
        classification=named.name,
        severity=asked.grade,
        neuro=asked.nerves.present,
        anaemia=count.grade,
        urgency=soon,
        causes=why.every,
        intent=action,
        needs=monitoring_needs(asked.case, asked.results, named, count, why.names),
        flags=said.flags,
        findings=said.findings,
        gaps=said.gaps,
        cautions=said.cautions,
        contraindications=said.contraindications,
        mimics=said.mimics,
        as_of=asked.case.day,
    )

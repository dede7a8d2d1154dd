"""What the plan is to do: treat, prevent, confirm, stop, or nothing (R-82, R-114 to R-118)."""

from dataclasses import dataclass

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.baseline import before_dose_one
from b12fhir.decision.case import Case
from b12fhir.decision.cautions import folate_low
from b12fhir.decision.classification import Classified
from b12fhir.decision.model import Cause, Intent, RejectedRoute, SeverityGrade
from b12fhir.decision.model import Classification as C
from b12fhir.decision.neurology import Neurology
from b12fhir.decision.person import Person
from b12fhir.decision.reasons import NONE, Reasons, found, gap, joined
from b12fhir.decision.route import bleeding, rejected, route
from b12fhir.decision.stops import Stops, potassium_care
from b12fhir.decision.treatment import Treatment, running_reasons
from b12fhir.decision.usable import Usable
from b12fhir.facts.medicines import B12Dose
from b12fhir.kernel.analyte import Analyte
from b12fhir.protocol.model import Protocol, Regimen

_MAY_PREVENT = frozenset({C.INDETERMINATE, C.UNLIKELY})
_GIVEN_BY = frozenset({"im", "sc", "oral", "sublingual", "nasal"})
_ILEAL = frozenset({"ileal-disease", "ileal-resection-length-unknown"})
_PERMANENT_WITHOUT_PROPHYLAXIS = frozenset({"pernicious-anaemia", "gastrectomy-partial"})
_RESULT_OF = {
    "mma": Analyte.MMA,
    "homocysteine": Analyte.HOMOCYSTEINE,
    "copper": Analyte.COPPER,
    "tsh": Analyte.TSH,
    "folate": Analyte.FOLATE,
}


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that decides what is to be done."""

    case: Case
    person: Person
    classified: Classified
    treatment: Treatment
    stops: Stops
    cause: Cause
    results: Usable
    grade: SeverityGrade
    blood: Blood
    nerves: Neurology

    @property
    def protocol(self) -> Protocol:
        """The protocol of the case."""
        return self.case.protocol

    @property
    def folate_low(self) -> bool:
        """R-178: is folate known to be low?"""
        return folate_low(self.case, self.results).is_yes


def act(asked: Question) -> tuple[Intent, Reasons]:
    """What is to be done, by which route, and what belongs to doing it."""
    kind, why_kind = _kind(asked)
    chosen, refused, why_route = _route(asked, kind)
    care = NONE
    if kind == "treat":
        care = potassium_care(asked.stops, asked.blood, asked.cause)
        care = care + before_dose_one(asked.case, asked.results)
    if kind == "none":
        care = running_reasons(asked.treatment)
    reasons = joined(why_kind, why_route, bleeding(asked.case, asked.results, chosen), care)
    return _intent(asked, kind, chosen, refused), reasons


def _kind(asked: Question) -> tuple[str, Reasons]:
    """The kind of plan, and why nothing is treated where nothing is."""
    name = asked.classified.name
    wanted = _wanted(asked)
    if not asked.person.proposable.is_yes or asked.stops.rule == "R-76":
        return "none", NONE
    if wanted in ("treat", "prophylaxis") and asked.treatment.any_running:
        return "none", NONE
    if asked.stops.rule and wanted in ("treat", "prophylaxis"):
        return "stop", found("R-82", note=f"{asked.stops.rule} forbids a regimen")
    if wanted == "prophylaxis":
        return wanted, _prevention(asked)
    if wanted == "none" and not name.is_deficient:
        return wanted, _no_regimen(asked)
    return wanted, found("R-118") if wanted == "confirm" else NONE


def _wanted(asked: Question) -> str:
    classified = asked.classified
    if classified.name is C.ON_TREATMENT or classified.regimen_withheld:
        return "none"
    if classified.to_be_treated:
        return "treat"
    if classified.name in _MAY_PREVENT and prophylaxis(asked.protocol, asked.cause):
        return "prophylaxis"
    return "confirm" if classified.name is C.INDETERMINATE else "none"


def prophylaxis(protocol: Protocol, cause: Cause) -> Regimen | None:
    """The pack's row that prevents deficiency under this cause, if it has one."""
    rows = protocol.pack.regimens
    return next((row for row in rows if row.prophylaxis and cause.cause in row.causes), None)


def _prevention(asked: Question) -> Reasons:
    row = prophylaxis(asked.protocol, asked.cause)
    return found(row.prophylaxis_rule, asked.cause.inputs) if row else NONE


def _no_regimen(asked: Question) -> Reasons:
    reasons = found("R-118", note=f"class {asked.classified.name.value}")
    preventable = prophylaxis(asked.protocol, asked.cause)
    if asked.classified.name in (C.NO_DATA, C.DATA_QUALITY) and preventable:
        reasons = reasons + gap(
            "prophylaxis",
            f"{preventable.label}: prophylaxis would apply once a B12 result is usable.",
            preventable.prophylaxis_rule,
        )
    if asked.classified.name is C.UNLIKELY and asked.cause.cause in _PERMANENT_WITHOUT_PROPHYLAXIS:
        reasons = reasons + gap(
            "maintenance",
            "A permanent cause is on record without maintenance: the clinician decides; B12 every"
            " year.",
            "R-123",
        )
    return reasons


def _route(asked: Question, kind: str) -> tuple[str | None, tuple[RejectedRoute, ...], Reasons]:
    """Route of what is to be done or goes on, and the routes not chosen; none where nothing is.

    In hospital (R-167) the route stands although no community schedule is drafted; under treatment
    it is that of the B12 given last.
    """
    neuro = asked.nerves.present
    if kind == "treat" or (kind == "stop" and asked.stops.rule == "R-167"):
        low = asked.folate_low
        chosen, reasons = route(asked.cause, asked.grade, asked.blood, folate_low=low)
        return chosen, rejected(chosen, asked.cause, asked.grade, neuro=neuro), reasons
    row = prophylaxis(asked.protocol, asked.cause) if kind == "prophylaxis" else None
    if row is None:
        return _under_way(asked), (), NONE
    refused = rejected(row.prophylaxis_route, asked.cause, asked.grade, neuro=neuro)
    return row.prophylaxis_route, refused, NONE


def _under_way(asked: Question) -> str | None:
    known = [dose for dose in asked.treatment.running if dose.route.value in _GIVEN_BY]
    latest = max(known, key=_recency, default=None)
    return latest.route.value if latest is not None else None


def _recency(dose: B12Dose) -> tuple[str, str]:
    return dose.when.iso() if dose.when else "", dose.reference


def _intent(
    asked: Question, kind: str, chosen: str | None, refused: tuple[RejectedRoute, ...]
) -> Intent:
    """The intent with the tests to order."""
    name = asked.classified.name
    yearly = (
        kind in ("none", "confirm")
        and name in _MAY_PREVENT
        and asked.cause.cause in _ILEAL | _PERMANENT_WITHOUT_PROPHYLAXIS
    )
    orders = tuple(test for test in asked.classified.orders if _missing(asked, test))
    return Intent(kind, chosen, orders, asked.classified.rechecks, yearly, refused)


def _missing(asked: Question, test: str) -> bool:
    """Is the test not there yet? A withheld regimen repeats its tests on purpose (R-46)."""
    analyte = _RESULT_OF.get(test)
    if analyte is None or asked.classified.regimen_withheld:
        return True
    return asked.results.get(analyte) is None

"""What the plan is to do: treat, prevent, confirm, stop, or nothing (R-82, R-114 to R-118)."""

from b12fhir.decision.access import Access, access
from b12fhir.decision.anaemia import Blood
from b12fhir.decision.baseline import (
    before_dose_one,
    missing_baseline,
    tests_before_dose_one,
)
from b12fhir.decision.case import Case
from b12fhir.decision.cause import Causes
from b12fhir.decision.classification import Classified
from b12fhir.decision.model import (
    GIVEN,
    Bucket,
    Cause,
    Intent,
    RejectedRoute,
    SeverityGrade,
)
from b12fhir.decision.model import Classification as C
from b12fhir.decision.neurology import Neurology
from b12fhir.decision.person import Person
from b12fhir.decision.reasons import NONE, Reasons, contraindication, found, gap
from b12fhir.decision.route import bleeding, left_by_leber, rejected, rejected_by_leber, route
from b12fhir.decision.stops import Stops, potassium_care
from b12fhir.decision.treatment import Treatment, running_reasons
from b12fhir.decision.usable import Usable
from b12fhir.facts.medicines import B12Dose
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.values import value
from b12fhir.protocol.model import Pack, Regimen

_MAY_PREVENT = frozenset({C.INDETERMINATE, C.UNLIKELY})
_GIVEN_BY = frozenset({"im", "sc", "oral", "sublingual", "nasal"})
_ILEAL = frozenset({"ileal-disease", "ileal-resection-length-unknown"})
_PERMANENT_WITHOUT_PROPHYLAXIS = frozenset({"pernicious-anaemia", "gastrectomy-partial"})
_LASTING = _ILEAL | _PERMANENT_WITHOUT_PROPHYLAXIS
_LOAD_IF_MMA_RAISED = "R-114"
_RESULT_OF = {
    "copper": Analyte.COPPER,
    "tsh": Analyte.TSH,
    "folate": Analyte.FOLATE,
}


@value
class Question:
    """Everything that decides what is to be done, as `question` puts it together.

    ``cause`` is the one that governs. ``preventable`` is the pack's row of `prophylaxis`, if it has
    one.
    """

    case: Case
    person: Person
    classified: Classified
    treatment: Treatment
    stops: Stops
    causes: Causes
    results: Usable
    grade: SeverityGrade
    blood: Blood
    nerves: Neurology
    folate_low: Truth
    cause: Cause
    preventable: tuple[Regimen, Cause] | None
    watched: Access

    @property
    def blocked_running(self) -> tuple[B12Dose, ...]:
        """B12 under way that an allergy or Leber disease forbids."""
        if self.stops.rule == "R-163":
            return self.treatment.running
        if not self.stops.leber:
            return ()
        return tuple([one for one in self.treatment.running if one.drug != "hydroxocobalamin"])


def question(  # noqa: PLR0913, PLR0917 - the answers to all questions before
    case: Case,
    who: Person,
    named: Classified,
    given: Treatment,
    stop: Stops,
    why: Causes,
    results: Usable,
    grade: SeverityGrade,
    count: Blood,
    nerves: Neurology,
    folate_low: Truth,
) -> Question:
    """What is asked, and what follows from it for every answer."""
    return Question(
        case,
        who,
        named,
        given,
        stop,
        why,
        results,
        grade,
        count,
        nerves,
        folate_low,
        why.sure[0],
        prophylaxis(why.sure, case.protocol.pack),
        access(case),
    )


def act(asked: Question) -> tuple[Intent, Reasons]:
    """What is to be done, by which route, and what belongs to doing it."""
    kind, why_kind = _kind(asked)
    missing = missing_baseline(asked.case, asked.results) if kind == "treat" else ()
    chosen, refused, why_route = _route(asked, kind)
    risk = bleeding(asked.case, asked.results, chosen, leber=asked.stops.leber)
    reasons = why_kind + why_route + risk + _care(asked, kind, missing)
    return _intent(asked, kind, chosen, refused, missing), reasons


def _care(asked: Question, kind: str, missing: tuple[str, ...]) -> Reasons:
    """Potassium, baseline tests, and what runs already."""
    care = NONE
    if kind in ("treat", "stop") or asked.treatment.running:
        care = potassium_care(asked.stops, asked.blood, asked.causes.names)
    if kind == "treat":
        care = care + before_dose_one(missing)
        care = care + _oral_is_not_enough(asked)
    return care + (running_reasons(asked.treatment) if kind == "none" else NONE)


def _kind(asked: Question) -> tuple[str, Reasons]:
    """The kind of plan, and why nothing is treated where nothing is."""
    wanted = _wanted(asked)
    under_way = bool(asked.treatment.running) or asked.classified.name is C.ON_TREATMENT
    if not asked.person.proposable.is_yes or asked.stops.rule == "R-76":
        return "none", NONE
    forbidden = _forbidden(asked, wanted)
    if forbidden and (wanted in GIVEN or under_way):
        return "stop", found("R-82", note=f"{forbidden} forbids a regimen")
    if wanted in GIVEN and _doubles(asked, wanted):
        return "none", NONE
    if wanted == "prophylaxis":
        return wanted, _prevention(asked)
    if wanted == "none" and not asked.classified.name.is_deficient:
        return wanted, _no_regimen(asked)
    return wanted, found("R-118") if wanted == "confirm" else NONE


def _forbidden(asked: Question, wanted: str) -> str:
    """The rule that forbids every regimen, if one does.

    Leber disease forbids what is under way with another form than hydroxocobalamin, and a
    prevention, for which there is no row without cyanocobalamin.
    """
    leber = asked.stops.leber and (wanted == "prophylaxis" or asked.blocked_running)
    return asked.stops.rule or ("R-165" if leber else "")


def _wanted(asked: Question) -> str:
    classified = asked.classified
    if classified.name is C.ON_TREATMENT:
        return "none"
    preventable = asked.preventable
    if classified.regimen_withheld:
        # R-46 asks for a clinician, but where prophylaxis is due anyway a raised MMA adds the load.
        if preventable is None:
            return "none"
        return "treat" if preventable[0].prophylaxis_rule == _LOAD_IF_MMA_RAISED else "prophylaxis"
    if classified.to_be_treated:
        return "treat"
    if classified.name in _MAY_PREVENT and preventable:
        return "prophylaxis"
    return "confirm" if classified.name is C.INDETERMINATE else "none"


def _doubles(asked: Question, wanted: str) -> bool:
    """Would a new course double the one under way? An injection load does not double tablets."""
    others = asked.treatment.others
    if not others:
        return False
    tablets_only = all(dose.route.is_oral for dose in others)
    return not (wanted == "treat" and tablets_only and _treated_by(asked)[0] == "im")


def _oral_is_not_enough(asked: Question) -> Reasons:
    shown = asked.treatment.others
    if not shown:
        return NONE
    return found("R-95", shown, "an oral course is running") + contraindication(
        "oral-running",
        "Vitamin B12 is taken by mouth; here that is not dependable as the sole route. The"
        " injections proposed replace it.",
        "R-95",
    )


def prophylaxis(sure: tuple[Cause, ...], pack: Pack) -> tuple[Regimen, Cause] | None:
    """The pack's first row that prevents deficiency under a cause on record, if it has one.

    Tablets are no prophylaxis beside a permanent malabsorption: there the clinician decides.
    """
    for cause in sure:
        for row in pack.preventing.get(cause.cause, ()):
            if row.prophylaxis_route != "oral" or not _is_permanent(sure):
                return row, cause
    return None


def _is_permanent(sure: tuple[Cause, ...]) -> bool:
    return any(cause.bucket is Bucket.PERMANENT for cause in sure)


def _prevention(asked: Question) -> Reasons:
    chosen = asked.preventable
    return found(chosen[0].prophylaxis_rule, chosen[1].facts) if chosen else NONE


def _no_regimen(asked: Question) -> Reasons:
    name = asked.classified.name
    reasons = found("R-118", note=f"class {name.value}")
    preventable = asked.preventable
    if name in (C.NO_DATA, C.DATA_QUALITY) and preventable:
        reasons = reasons + gap(
            "prophylaxis",
            f"{preventable[0].label}: prophylaxis would apply once a B12 result is usable.",
            preventable[0].prophylaxis_rule,
        )
    lasting = not asked.causes.names.isdisjoint(_PERMANENT_WITHOUT_PROPHYLAXIS)
    if name is C.UNLIKELY and lasting and not asked.treatment.running:
        reasons = reasons + gap(
            "maintenance",
            "A permanent cause is on record without maintenance: the clinician decides; B12 every"
            " year.",
            "R-123",
        )
    return reasons


def _treated_by(asked: Question) -> tuple[str, str, Reasons]:
    if asked.stops.leber:
        return left_by_leber()
    low = asked.folate_low.is_yes
    return route(asked.cause, asked.grade, asked.blood, asked.watched, folate_low=low)


def _route(asked: Question, kind: str) -> tuple[str | None, tuple[RejectedRoute, ...], Reasons]:
    """Route of what is to be done or goes on, and the routes not chosen; none where nothing is.

    In hospital (R-167) the route stands although no community schedule is drafted; any other stop
    leaves none. Under treatment it is that of the B12 given last.
    """
    neuro = asked.nerves.present
    if kind == "treat" or (kind == "stop" and asked.stops.rule == "R-167"):
        chosen, rule, reasons = _treated_by(asked)
        return chosen, _refused(asked, chosen, rule), reasons
    row = asked.preventable if kind == "prophylaxis" else None
    if row is not None:
        by = row[0].prophylaxis_route
        return by, rejected(by, asked.cause, asked.grade, neuro=neuro), NONE
    return (None if kind == "stop" else _under_way(asked)), (), NONE


def _refused(asked: Question, chosen: str, rule: str) -> tuple[RejectedRoute, ...]:
    if asked.stops.leber:
        return rejected_by_leber()
    neuro = asked.nerves.present
    return rejected(chosen, asked.cause, asked.grade, neuro=neuro, rule=rule)


def _under_way(asked: Question) -> str | None:
    known = [
        dose
        for dose in (*asked.treatment.running, *asked.treatment.recent)
        if dose.route.value in _GIVEN_BY
    ]
    if not known or not (asked.treatment.running or asked.classified.name is C.ON_TREATMENT):
        return None
    return max(known, key=_recency).route.value


def _recency(dose: B12Dose) -> tuple[str, str]:
    return dose.when.iso() if dose.when else "", dose.reference


def _intent(
    asked: Question,
    kind: str,
    chosen: str | None,
    refused: tuple[RejectedRoute, ...],
    missing: tuple[str, ...],
) -> Intent:
    """The intent with the tests to order."""
    yearly = kind in ("none", "confirm") and asked.classified.name in _MAY_PREVENT
    row = asked.preventable if kind == "prophylaxis" else None
    wanted = [test for test in asked.classified.orders if _missing(asked, test)]
    baseline = tests_before_dose_one(asked.case, missing, asked.cause) if kind == "treat" else ()
    return Intent(
        kind,
        chosen,
        tuple(dict.fromkeys((*wanted, *baseline))),
        asked.classified.rechecks,
        yearly and not asked.causes.names.isdisjoint(_LASTING),
        refused,
        row[1].cause if row is not None else asked.cause.cause,
        "leber" if asked.stops.leber and kind == "treat" else "",
    )


def _missing(asked: Question, test: str) -> bool:
    """Is the test not there yet? A withheld regimen repeats its tests on purpose (R-46).

    A metabolite that was not joined to the B12 sample, or cannot be told from its cut-off, is
    missing although a result exists.
    """
    if asked.classified.regimen_withheld:
        return True
    m = asked.classified.metabolites
    if test == "mma":
        return m is None or m.mma is None or m.mma_raised.is_unknown
    if test == "homocysteine":
        return m is None or m.homocysteine is None
    analyte = _RESULT_OF.get(test)
    return analyte is None or asked.results.get(analyte) is None

"""Should B12 be measured in this patient at all? (R-01, R-03, R-05, R-08)

Asked only where no B12 result is known that counts.
"""

from b12fhir.decision.case import Case
from b12fhir.decision.model import Cause, Confidence
from b12fhir.decision.model import Classification as C
from b12fhir.decision.reasons import NONE, Reasons, found, gap
from b12fhir.decision.symptoms import Symptoms
from b12fhir.facts.history import Concept
from b12fhir.kernel.evidence import Evidence, Input
from b12fhir.kernel.truth import Truth

# Roles whose fact is a risk while it holds, or once it was done.
_RISKS = (
    *("pernicious-anaemia", "atrophic-gastritis", "coeliac", "ibd", "reversible-malabsorption"),
    *("gastrectomy-total", "gastrectomy-partial", "bariatric", "ileal-resection"),
    *("radiotherapy-abdomen-pelvis", "vegan", "vegetarian", "restrictive-diet", "n2o"),
    *("family-history-risk", "autoimmune-risk"),
)
_RISK_DRUGS = ("metformin", "ppi", "h2-blocker", "other-risk-drug")
# Without symptoms only these ask for a test; medicines do so past their time.
_SCREENED = ("gastrectomy-total", "gastrectomy-partial", "bariatric", "ileal-resection", "ibd")
_SCREENED_NOW = ("vegan",)
_SCREENED_DRUGS = frozenset({"metformin", "acid-blocker"})


def whom_to_test(
    case: Case, name: C, shown: Symptoms, signs: tuple[Concept, ...], causes: tuple[Cause, ...]
) -> Reasons:
    """Why to test, or which half of the reason is missing; nothing where B12 is known."""
    if name is not C.NO_DATA:
        return NONE
    risks = _risks(case)
    reasons = _pair(shown, risks, (*signs, *shown.other))
    if not shown.any_sign:
        reasons = reasons + _screening(case, causes)
    return reasons + _metformin(case, shown, risks)


def _risks(case: Case) -> Evidence:
    """R-03: every risk factor on record."""
    facts = dict.fromkeys(fact for role in _RISKS for fact in case.ever(role))
    drugs = tuple(drug for role in _RISK_DRUGS for drug in case.taking(role))
    return (*tuple(facts), *drugs, *_old_age(case))


def _old_age(case: Case) -> Evidence:
    older = case.aged_at_least(case.limits.older_risk_above_years + 1).is_yes
    return (Input(case.facts.patient.reference, "date of birth"),) if older else ()


def _pair(shown: Symptoms, risks: Evidence, signs: Evidence) -> Reasons:
    """R-01: a sign and a risk factor together; one alone is half a reason, and says which."""
    reasons = found("R-03", risks) if risks else NONE
    if shown.any_sign and risks:
        return reasons + found("R-01", signs + risks, "B12 test advised")
    if shown.any_sign:
        ask = "diet, operations on stomach or bowel, medicines, and illness in the family"
        return reasons + _half(signs, "no risk factor on record", f"Ask for {ask}.")
    if risks:
        return reasons + _half(risks, "no sign on record", "Ask for signs and symptoms.")
    return found("R-01", truth=Truth.NO)


def _half(known: Evidence, missing: str, ask: str) -> Reasons:
    text = f"Whether to test is open, {missing}: {ask} With both, a B12 test is advised."
    return found("R-01", known, missing, Truth.UNKNOWN) + gap("whom-to-test", text, "R-01")


def _screening(case: Case, causes: tuple[Cause, ...]) -> Reasons:
    """R-05: some risks are reason enough without a symptom."""
    done = tuple(fact for role in _SCREENED for fact in case.ever(role))
    diet = tuple(fact for role in _SCREENED_NOW for fact in case.with_role(role))
    drugs = tuple(cause for cause in causes if cause.cause in _SCREENED_DRUGS)
    long_taken = tuple(c for c in drugs if c.confidence is not Confidence.POSSIBLE)
    taken = tuple(one for cause in long_taken for one in cause.facts)
    why = (*(*done, *diet), *taken, *_old_age(case))
    if why:
        return found("R-05", why, "screening test advised")
    if drugs:
        begun = tuple(one for cause in drugs for one in cause.facts)
        return found("R-05", begun, "start of the medicine not known", Truth.UNKNOWN)
    return found("R-05", truth=Truth.NO)


def _metformin(case: Case, shown: Symptoms, risks: Evidence) -> Reasons:
    """R-08: test under metformin with symptoms, and now and then with other risks."""
    taken = tuple(drug for drug in case.taking("metformin"))
    if not taken:
        return NONE
    other = [risk for risk in risks if risk not in taken]
    return found("R-08", taken, truth=Truth.of(shown.any_sign or bool(other)))

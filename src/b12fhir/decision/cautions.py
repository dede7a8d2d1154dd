"""What to heed with a treatment, and what else may be wrong (sections 16 to 18)."""

from decimal import Decimal

from b12fhir.decision.anaemia import Blood
from b12fhir.decision.bands import BandName, band_of
from b12fhir.decision.case import Case
from b12fhir.decision.classification import Classified
from b12fhir.decision.model import Classification as C
from b12fhir.decision.neurology import Neurology, long_standing
from b12fhir.decision.reasons import NONE, Reasons, caution, flag, found, gap, mimic
from b12fhir.decision.usable import Usable, fresh
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.dates import add_months
from b12fhir.kernel.evidence import Evidence
from b12fhir.kernel.truth import Truth


def folate_low(case: Case, results: Usable) -> Truth:
    """R-178: folate below the laboratory's limit, or deficiency on record."""
    folate = results.get(Analyte.FOLATE)
    if folate is not None and fresh(folate, case.day, case.limits.baseline_folate_iron_days):
        return folate.low(case.limits.folate_low)
    return Truth.YES if case.with_role("folate-deficiency") else Truth.UNKNOWN


def cautions(  # noqa: PLR0913, PLR0917 - what the questions before have answered
    case: Case,
    results: Usable,
    classified: Classified,
    blood: Blood,
    neurology: Neurology,
    low_folate: Truth,
) -> Reasons:
    """Every caution and coexisting deficiency that belongs to this patient."""
    return (
        _folic_acid(case, classified)
        + _folate(case, results, classified, low_folate)
        + _iron(case, results, blood)
        + _polycythaemia(case)
        + _kidney(case, results, classified)
        + _lasting_damage(case, results, classified, neurology)
    )


def _folic_acid(case: Case, classified: Classified) -> Reasons:
    """R-169: folic acid can mend the blood while the nerves go on failing."""
    drugs = case.taking("folic-acid")
    if not drugs or classified.name in (C.UNLIKELY, C.ON_TREATMENT):
        return NONE
    limit = case.limits.folic_acid_masks_above_mg
    taken = tuple([drug for drug in drugs if drug.daily_mg is None or drug.daily_mg > limit])
    if not taken:
        return NONE
    return found("R-169", taken) + caution(
        "folic-acid",
        "Folic acid is taken while B12 is low or not known: the anaemia can improve while nerve"
        " damage goes on. B12 comes first; never folic acid alone.",
        "R-169",
    )


def _folate(case: Case, results: Usable, classified: Classified, low: Truth) -> Reasons:
    """R-178: B12 first, and never folic acid alone while B12 is low or not measured."""
    if not low.is_yes:
        return NONE
    folate = results.get(Analyte.FOLATE)
    shown = (folate,) if folate is not None else ()
    text = _FOLATE_TEXT.get(classified.name, _B12_FIRST)
    return found("R-178", shown + case.with_role("folate-deficiency")) + caution(
        "folate-low", text, "R-178"
    )


_B12_FIRST = (
    "Folate is low: B12 comes before folic acid, then both are treated; never folic acid alone"
    " while B12 is low."
)
_NOT_MEASURED = "Folate is low: measure B12 before folic acid is given alone."
_FOLATE_TEXT = {
    C.UNLIKELY: "Folate is low: treat it; B12 is not low.",
    C.NO_DATA: _NOT_MEASURED,
    C.DATA_QUALITY: _NOT_MEASURED,
}


def _iron(case: Case, results: Usable, blood: Blood) -> Reasons:
    """R-180: iron deficiency can hide macrocytosis and blunt the response."""
    limits = case.limits
    ferritin = results.get(Analyte.FERRITIN)
    saturation = results.get(Analyte.TRANSFERRIN_SATURATION)
    low: Evidence = ()
    if ferritin is not None and ferritin.low(limits.ferritin_low).is_yes:
        low += (ferritin,)
    if saturation is not None and saturation.low(limits.transferrin_saturation_low).is_yes:
        low += (saturation,)
    if not low:
        mcv = results.get(Analyte.MCV)
        small = blood.anaemic.is_yes and mcv is not None and blood.macrocytosis.is_no
        if ferritin is not None or saturation is not None or not small or mcv is None:
            return NONE
        return found("R-180", (mcv,), truth=Truth.UNKNOWN) + gap(
            "iron-studies",
            "Anaemia without large cells: ferritin and transferrin saturation would show a"
            " coexisting iron deficiency, which hides macrocytosis and blunts the response.",
            "R-180",
        )
    return found("R-180", low) + caution(
        "iron-low", "Iron is low as well: treat both deficiencies.", "R-180"
    )


def _polycythaemia(case: Case) -> Reasons:
    recorded = case.with_role("polycythaemia-vera")
    if not recorded:
        return NONE
    return found("R-171", recorded) + caution(
        "polycythaemia-vera",
        "B12 may unmask polycythaemia vera: weekly blood counts at first.",
        "R-171",
    )


def _kidney(case: Case, results: Usable, classified: Classified) -> Reasons:
    if not classified.name.is_deficient:
        return NONE
    egfr = results.get(Analyte.EGFR)
    shown: Evidence = ()
    if egfr is None:
        shown = case.with_role("ckd-confounds")
    elif egfr.amount.below(case.limits.egfr_prefer_hydroxo_below).is_yes:
        shown = (egfr,)
    if not shown:
        return NONE
    return found("R-174", shown) + caution(
        "kidney-product",
        "Reduced kidney function: hydroxocobalamin may be preferred to cyanocobalamin (advisory,"
        " not in the labels); mind aluminium in the product.",
        "R-174",
    )


def _lasting_damage(
    case: Case, results: Usable, classified: Classified, neurology: Neurology
) -> Reasons:
    """R-60: cord damage may become permanent when a low B12 stays untreated."""
    if not classified.to_be_treated:
        return NONE
    months = case.limits.untreated_warning_months
    known = _long_low(case, results)
    old = long_standing(case, neurology.signs)
    if not known and not old:
        return NONE
    text = (
        f"Neurological signs for more than {months} months: recovery may stay incomplete."
        if old
        else f"Low B12 known for more than {months} months and untreated: cord damage may become"
        " permanent."
    )
    why = found("R-60", old + known) + caution("lasting-damage", text, "R-60")
    return flag("long-untreated") + why


def _long_low(case: Case, results: Usable) -> Evidence:
    """Low B12 results older than an untreated deficiency may wait; B12 on record ends the wait."""
    if case.facts.doses:
        return ()
    since = add_months(case.day, -case.limits.untreated_warning_months)
    known = results.known
    measured = (*known.get(Analyte.B12_TOTAL, ()), *known.get(Analyte.B12_ACTIVE, ()))
    return tuple([one for one in measured if one.when.last < since and _is_low(case, one)])


def _is_low(case: Case, result: LabResult) -> bool:
    return band_of(case.limits, result) is BandName.LOW


def mimics(
    case: Case,
    results: Usable,
    classified: Classified,
    neurology: Neurology,
    low_folate: Truth,
) -> Reasons:
    """R-177, R-181, R-185: other explanations that nobody has excluded."""
    concerned = classified.to_be_treated or neurology.present
    if not concerned:
        return NONE
    told = NONE if low_folate.is_no else _FOLATE_OPEN
    told += _doubtful(case, results, Analyte.COPPER, "copper", "Copper deficiency")
    told += _doubtful(case, results, Analyte.TSH, "tsh", "Thyroid disease")
    if neurology.present:
        told += _diabetes(case) + _thiamine(case) + _INFECTION_AND_DRUGS
    return told


_FOLATE_OPEN = mimic("folate", "Folate deficiency is not excluded: folate.", "R-177")
_RECORDED = {Analyte.COPPER: "copper-deficiency", Analyte.TSH: "thyroid-disease"}
_RULE = {Analyte.COPPER: "R-181", Analyte.TSH: "R-177"}


def _doubtful(case: Case, results: Usable, analyte: Analyte, test: str, name: str) -> Reasons:
    """Excluded only by a result inside the laboratory's range (else the usual one)."""
    rule = _RULE[analyte]
    recorded = case.with_role(_RECORDED[analyte])
    if recorded:
        text = f"{name} is on record: it can explain or add to the signs."
        return found(rule, recorded) + mimic(test, text, rule)
    result = results.get(analyte)
    if result is not None and _inside(case, result):
        return NONE
    label = test.upper() if test == "tsh" else test
    if result is None:
        return mimic(test, f"{name} is not excluded: {label}.", rule)
    text = f"{name} is not excluded: {label} {result.amount.text()} is outside the range."
    return found(rule, (result,)) + mimic(test, text, rule)


def _inside(case: Case, result: LabResult) -> bool:
    low, high = result.lab_range.low, result.lab_range.high
    if low is None and high is None:
        usual = case.protocol.analytes.info[result.analyte].usual[result.amount.unit]
        bounds: tuple[Decimal | None, Decimal | None] = usual
    else:
        bounds = (low.value if low else None, high.value if high else None)
    least, most = bounds
    under = least is not None and not result.amount.below(least).is_no
    over = most is not None and not result.amount.above(most).is_no
    return not (under or over)


def _diabetes(case: Case) -> Reasons:
    recorded = case.with_role("diabetes") + case.with_role("neuro-mimic-diabetes")
    metformin = case.taking("metformin")
    if not (recorded or metformin):
        return NONE
    text = "Diabetic neuropathy may be there as well: keep the neurological sign, treat as such."
    if metformin:
        text += " Metformin goes on."
    shown = recorded + metformin
    # Metformin alone does not tell whose diabetes, if any: the rule's condition stays unknown.
    return found("R-185", shown, truth=Truth.of(bool(recorded) or None)) + mimic(
        "diabetes", text, "R-185"
    )


def _thiamine(case: Case) -> Reasons:
    if not case.ever("bariatric"):
        return NONE
    return mimic("thiamine", "Thiamine deficiency after bariatric surgery: thiamine.", "R-181")


_INFECTION_AND_DRUGS = mimic(
    "infection-drugs", "Infections and medicines can also harm nerves: consider them.", "R-177"
)

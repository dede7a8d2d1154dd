"""Facts built by hand for the tests of the decision: a plain adult, and what a test adds to it."""

from datetime import date, timedelta
from decimal import Decimal

from b12fhir.facts.history import Concept, Standing
from b12fhir.facts.labs import Analyte, LabResult, PresenceResult, Range
from b12fhir.facts.medicines import Allergy, B12Dose, DraftedDrug, Exposure, Route
from b12fhir.facts.patient import Patient, Sex
from b12fhir.facts.record import Facts
from b12fhir.kernel.dates import on
from b12fhir.kernel.quantities import Comparator, Measure
from b12fhir.kernel.truth import Truth

TODAY = date(2026, 11, 21)
WOMAN = Patient("Patient/p1", Sex.FEMALE, on(date(1980, 1, 1)))
MAN = Patient("Patient/p1", Sex.MALE, on(date(1980, 1, 1)))

NATIVE = {
    Analyte.B12_TOTAL: "ng/L",
    Analyte.B12_ACTIVE: "pmol/L",
    Analyte.MMA: "nmol/L",
    Analyte.MMA_URINE: "mmol/mol",
    Analyte.HOMOCYSTEINE: "umol/L",
    Analyte.FOLATE: "nmol/L",
    Analyte.HEMOGLOBIN: "g/L",
    Analyte.HEMATOCRIT: "%",
    Analyte.MCV: "fL",
    Analyte.WBC: "10*9/L",
    Analyte.PLATELETS: "10*9/L",
    Analyte.POTASSIUM: "mmol/L",
    Analyte.EGFR: "mL/min/{1.73_m2}",
    Analyte.FERRITIN: "ug/L",
    Analyte.TRANSFERRIN_SATURATION: "%",
    Analyte.TSH: "m[IU]/L",
    Analyte.COPPER: "umol/L",
    Analyte.RETIC_PCT: "%",
}


def days_ago(days: int) -> date:
    """A day before the day of the decision."""
    return TODAY - timedelta(days=days)


def lab(
    analyte: Analyte,
    value: str | int,
    *,
    unit: str = "",
    ago: int = 3,
    when: object = None,
    reference: str = "",
    low: str = "",
    high: str = "",
    **more: object,
) -> LabResult:
    """A result such as ``lab(Analyte.MMA, "> 400")`` taken ``ago`` days before the decision."""
    text = str(value)
    mark, _, number = text.rpartition(" ")
    native = unit or NATIVE[analyte]
    bound = {side: Measure(Decimal(b), native) for side, b in (("low", low), ("high", high)) if b}
    return LabResult(
        analyte,
        Measure(Decimal(number), native, Comparator(mark)),
        when or on(days_ago(ago)),
        reference or f"Observation/{analyte.value}-{number}",
        text,
        native,
        lab_range=Range(**bound),
        **more,
    )


def concept(
    name: str, *, standing: Standing = Standing.ACTIVE, ago: int | None = 30, **more: object
) -> Concept:
    """A recorded fact such as ``concept("paresthesia")``, first seen ``ago`` days before."""
    since = on(days_ago(ago)) if ago is not None else None
    return Concept(name, standing, f"Condition/{name}", name, onset=since, **more)


def drug(ingredient: str, *, months: int | None = 24, active: bool = True) -> Exposure:
    """A medicine started ``months`` (of 30 days) before the decision."""
    start = on(days_ago(30 * months)) if months is not None else None
    return Exposure(ingredient, f"MedicationRequest/{ingredient}", ingredient, active, start)


def injection(ago: int | None, *, dose: str | None = "1000", **more: object) -> B12Dose:
    """A B12 injection given ``ago`` days before the decision."""
    when = on(days_ago(ago)) if ago is not None else None
    amount = Decimal(dose) if dose is not None else None
    values = {"given": Truth.YES, "route": Route.IM} | more
    return B12Dose(
        f"MedicationAdministration/{ago}", text="B12", dose_ug=amount, when=when, **values
    )


def tablets(daily: str | None, *, start: int = 60, active: bool = True, **more: object) -> B12Dose:
    """Oral B12 taken since ``start`` days before the decision."""
    amount = Decimal(daily) if daily is not None else None
    values = {"given": Truth.YES, "route": Route.ORAL} | more
    return B12Dose(
        "MedicationStatement/b12",
        text="B12 tablet",
        daily_ug=amount,
        when=on(days_ago(start)),
        active=active,
        **values,
    )


def allergy(stops: Truth) -> Allergy:
    """An allergy to a cobalamin."""
    return Allergy("cobalamin", stops, "AllergyIntolerance/a1", "hydroxocobalamin")


def antibody(test: str, present: Truth = Truth.YES) -> PresenceResult:
    """A yes/no test taken a month before the decision."""
    return PresenceResult(test, present, on(days_ago(30)), f"Observation/{test}", present.value)


def record(*parts: object, patient: Patient = WOMAN, **more: object) -> Facts:
    """All facts of one patient: each part goes where its type belongs."""
    homes = {
        LabResult: "labs",
        Concept: "concepts",
        Exposure: "exposures",
        DraftedDrug: "drafted",
        B12Dose: "doses",
        Allergy: "allergies",
        PresenceResult: "presences",
    }
    filed: dict[str, tuple[object, ...]] = {}
    for part in parts:
        home = homes[type(part)]
        filed[home] = (*filed.get(home, ()), part)
    return Facts(patient, **filed, **more)

"""Dosage: the structure, and the one line of text that every viewer shows.

The text is built from the same values as the structure, in the display order of the NHS dose to
text translation: dose, frequency, route, number of doses, bounds, additional instruction, joined by
" - ". Many clients show nothing but this line, so the concentration stands in it.
"""

from decimal import Decimal
from typing import Any

from b12fhir.fhir.timing import bounds, every_text, phase_timing
from b12fhir.kernel.codes import SNOMED, UCUM
from b12fhir.kernel.quantities import plain
from b12fhir.plan.model import Phase
from b12fhir.protocol.model import Product

# SNOMED CT route codes and words. Intravenous is not here and must never be: not for cobalamin.
ROUTES = {
    "im": ("78421000", "Intramuscular route", "intramuscular"),
    "sc": ("34206005", "Subcutaneous route", "subcutaneous"),
    "oral": ("26643006", "Oral route", "oral"),
    "sublingual": ("37839007", "Sublingual route", "sublingual"),
    "nasal": ("46713006", "Nasal route", "nasal"),
}
_DOSE_TYPE = "http://terminology.hl7.org/CodeSystem/dose-rate-type"


def dosage(phase: Phase) -> dict[str, Any]:
    """The Dosage of one phase. The dose is the default; a permitted range stands in the text."""
    code, display, _ = ROUTES[phase.route]
    instruction: dict[str, Any] = {
        "sequence": 1,
        "text": dosage_text(phase),
        "timing": phase_timing(phase),
        "asNeededBoolean": False,
        "route": {
            "coding": [{"system": SNOMED, "code": code, "display": display}],
            "text": display,
        },
        "doseAndRate": [
            {
                "type": {"coding": [{"system": _DOSE_TYPE, "code": "ordered"}]},
                "doseQuantity": micrograms(phase.dose),
            }
        ],
        "maxDosePerPeriod": {
            "numerator": micrograms(phase.dose_max or phase.dose),
            "denominator": {"value": 1, "unit": "day", "system": UCUM, "code": "d"},
        },
    }
    if phase.stop_rule:
        instruction["additionalInstruction"] = [{"text": phase.stop_rule}]
    return instruction


def dosage_text(phase: Phase) -> str:
    """The whole dosage in one line."""
    return " - ".join(
        part
        for part in (
            dose_text(phase),
            every_text(phase),
            route_text(phase.route),
            f"for {phase.count} doses" if phase.count > 1 else "",
            bounds_text(phase),
            phase.stop_rule,
        )
        if part
    )


def dose_text(phase: Phase) -> str:
    """Amount and volume or tablets: "1000 microgram (1 mL of 1000 microgram/mL)"."""
    amount = f"{plain(phase.dose)} microgram"
    how = _measure(phase)
    if phase.dose_max is not None and phase.dose_max != phase.dose:
        return f"{amount} ({how}; range {plain(phase.dose)} to {plain(phase.dose_max)} microgram)"
    return f"{amount} ({how})"


def bounds_text(phase: Phase) -> str:
    """Say when it begins, and when it ends if it does: "from 2026-11-21 to 2027-02-13"."""
    period = bounds(phase)
    end = f" to {period['end']}" if "end" in period else ""
    return f"from {period['start']}{end}"


def route_text(route: str) -> str:
    """The route as it stands in a dosage line."""
    return ROUTES[route][2]


def strength_text(product: Product) -> str:
    """Strength with the unit spelled out: "1000 microgram/mL"; never "mcg" or the micro sign."""
    unit = product.strength_unit.replace("ug", "microgram")
    return f"{plain(product.strength)} {unit}"


def product_text(product: Product) -> str:
    """Drug, strength and form, always all three (R-99)."""
    return f"{product.drug} {strength_text(product)} {product.form}"


def micrograms(amount: Decimal) -> dict[str, Any]:
    """A Quantity in microgram; UCUM says ``ug`` (``mcg`` is no UCUM code)."""
    return {"value": number(amount), "unit": "microgram", "system": UCUM, "code": "ug"}


def number(amount: Decimal) -> int | Decimal:
    """A decimal as JSON shows it best: 1000, not 1E+3."""
    return int(amount) if amount == amount.to_integral_value() else Decimal(plain(amount))


def _measure(phase: Phase) -> str:
    strength = strength_text(phase.product)
    if phase.volume_ml is not None:
        return f"{plain(phase.volume_ml)} mL of {strength}"
    units = phase.dose / phase.product.strength
    if units == units.to_integral_value():
        return f"{plain(units)} x {strength} {phase.product.form}"
    return f"{phase.product.form} of {strength}"

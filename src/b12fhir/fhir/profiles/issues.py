"""What a DetectedIssue can be about: every caution and contraindication a decision can give.

The codes are the ids of those remarks. A test looks them up in the source of the decision, so that
none is missing here and none is left over.
"""

ISSUES = {
    "allergy": "Allergy or hypersensitivity to a B12 product",
    "aluminium": "Aluminium in injections, with kidney impairment or prematurity",
    "anaphylaxis": "Anaphylaxis on record before an injection",
    "b12-running": "B12 is already running",
    "benzyl-alcohol": "Benzyl alcohol in injections",
    "bleeding": "Bleeding risk of an intramuscular injection",
    "confirm": "The answer needs to be confirmed",
    "folate-low": "Folate is low: B12 before folic acid",
    "folic-acid": "Folic acid taken while B12 is low or unknown",
    "hospital": "Needs hospital treatment",
    "im-offered": "Monitoring is not available: injections can be offered",
    "infant": "Infant of a deficient mother",
    "iron-low": "Iron is low as well",
    "kidney-product": "Choice of product with impaired kidneys",
    "lasting-damage": "Damage of nerves may last",
    "leber": "Leber optic atrophy: cyanocobalamin is blocked",
    "no-promise": "Lower homocysteine promises no other benefit",
    "oral-running": "Tablets are running where injections are needed",
    "order-allergy": "An open order that an allergy forbids",
    "order-dose": "An open order beyond the largest dose",
    "order-incomplete": "An open order that does not name form, concentration or dose",
    "order-iv": "An open order into a vein",
    "order-leber": "An open order that Leber optic atrophy forbids",
    "order-nasal": "An open order by the nose, which the pack does not have",
    "order-oral": "An open order by mouth alone that is not dependable",
    "order-ratio": "An open order with a dose far from the pack's",
    "order-route": "An open injection order without a route",
    "order-sc": "An open order under the skin that its label does not allow",
    "order-strength": "An open order of another strength: another volume",
    "polycythaemia-vera": "Polycythaemia vera may be unmasked",
    "potassium-before-dose-1": "Potassium before the first dose",
    "potassium-low": "Potassium is low",
    "pregnancy-folic-acid": "Folic acid in pregnancy",
    "seriously-ill": "Seriously ill: B12 and folic acid may be given together",
    "specialist": "Inborn defect: a specialist's task",
    "under-16": "Under 16 years: no regimen",
}

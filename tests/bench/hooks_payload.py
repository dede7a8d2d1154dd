"""Bodies of patient-view calls as a hospital sends them: one patient, many Observations, all used.

Each Observation is of the length that real servers give it (about 1.1 KB), each call is another
patient with other values, and every one of them is deficient: the dearest answer, with plan and
card, is what is measured.
"""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

JSON = Mapping[str, Any]

# LOINC, unit, lowest and highest value, digits, reference range. B12 first: it is always there.
TESTS = (
    ("2132-9", "Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma", "pg/mL", 90, 160, 0),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 8, 11, 1),
    ("787-2", "MCV [Entitic mean volume] in Red Blood Cells", "fL", 102, 118, 1),
    ("777-3", "Platelets [#/volume] in Blood", "10*3/uL", 160, 300, 0),
    ("6690-2", "Leukocytes [#/volume] in Blood", "10*3/uL", 4, 9, 1),
    ("4544-3", "Hematocrit [Volume Fraction] of Blood", "%", 27, 34, 1),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 4, 5, 1),
    ("2284-8", "Folate [Mass/volume] in Serum or Plasma", "ng/mL", 6, 14, 1),
    ("2276-4", "Ferritin [Mass/volume] in Serum or Plasma", "ng/mL", 40, 150, 0),
    ("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "m[IU]/L", 1, 3, 2),
    ("33914-3", "Glomerular filtration rate", "mL/min/{1.73_m2}", 70, 100, 0),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.6, 1.0, 2),
    ("13964-2", "Methylmalonate [Moles/volume] in Serum or Plasma", "umol/L", 0.5, 1.4, 2),
    ("13965-9", "Homocysteine [Moles/volume] in Serum or Plasma", "umol/L", 16, 40, 1),
    ("2502-3", "Iron saturation [Mass Fraction] in Serum or Plasma", "%", 22, 40, 0),
)
EVERY_DAYS = 45
_ORGANISATION = "Central Laboratory of the Regional Hospital, Department of Clinical Chemistry"


def bodies(
    templates: Mapping[str, str], now: datetime, observations: int, seed: int
) -> Iterator[bytes]:
    """Endless calls, each of another patient; the same seed gives the same calls.

    ``templates`` are those of the discovery: every key is sent, and what a key would not find is
    an empty searchset.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret: numbers that come again
    while True:
        patient = f"bench-{chance.randrange(10**6):06}"
        found = [_observation(patient, n, now, chance) for n in range(observations)]
        context = {"userId": "Practitioner/dr1", "patientId": patient}
        body = {
            "hook": "patient-view",
            "hookInstance": f"00000000-0000-4000-8000-{chance.randrange(16**12):012x}",
            "context": context,
            "prefetch": _prefetch(templates, patient, found),
        }
        yield json.dumps(body, separators=(",", ":")).encode()


def _prefetch(templates: Mapping[str, str], patient: str, found: list[JSON]) -> dict[str, JSON]:
    """Every key once; an Observation goes to the first key that asks for its code."""
    given: dict[str, JSON] = {}
    left = list(found)
    for key, template in templates.items():
        if template.startswith("Patient/"):
            given[key] = _patient(patient)
            continue
        mine = [one for one in left if _asks_for(template, one)]
        left = [one for one in left if not _asks_for(template, one)]
        given[key] = _searchset(mine)
    return given


def _asks_for(template: str, one: JSON) -> bool:
    code = str(one["code"]["coding"][0]["code"])
    return template.startswith("Observation?") and code in template


def _searchset(found: list[JSON]) -> JSON:
    entries = [
        {
            "fullUrl": f"https://ehr.example/fhir/Observation/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in found
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    return {**bundle, "entry": entries} if entries else bundle


def _patient(patient: str) -> JSON:
    return {
        "resourceType": "Patient",
        "id": patient,
        "active": True,
        "name": [{"family": "Bench", "given": ["Invented"]}],
        "gender": "female",
        "birthDate": "1961-04-05",
    }


def _observation(patient: str, number: int, now: datetime, chance: random.Random) -> JSON:
    """The ``number``-th newest: round after round of all tests, each round some weeks older."""
    code, display, unit, low, high, digits = TESTS[number % len(TESTS)]
    drawn = now.astimezone(UTC) - timedelta(days=3 + EVERY_DAYS * (number // len(TESTS)))
    value = round(chance.uniform(low, high), digits)
    moment = drawn.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    laboratory = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation",
        "id": f"{patient}-{number}",
        "meta": {
            "versionId": "1",
            "lastUpdated": moment,
            "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"],
        },
        "identifier": [{"system": "https://lab.example/result", "value": f"{patient}.{number}"}],
        "status": "final",
        "category": [{"coding": [{"system": laboratory, "code": "laboratory"}]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": code, "display": display}],
            "text": display,
        },
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{patient}-{number // len(TESTS)}"},
        "effectiveDateTime": moment,
        "issued": moment,
        "performer": [{"reference": "Organization/lab1", "display": _ORGANISATION}],
        "valueQuantity": {
            "value": int(value) if digits == 0 else value,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }

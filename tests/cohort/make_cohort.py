"""Write the bundled demo cohort: `python tests/cohort/make_cohort.py`.

The same code always writes the same bytes. Each patient is told in one of the `stories_*`
modules; what the engine must answer for each stands in `expected.toml`.
"""

import json
from pathlib import Path

import stories_absorption
import stories_exposure
import stories_metabolites
import stories_people
import stories_records
import stories_values
from cohort_build import Person, Resource

COHORT = Path(__file__).parents[2] / "src" / "b12fhir" / "demo" / "cohort"

# The kinds of resource the cohort holds, one file each.
KINDS = (
    "Patient",
    "Observation",
    "Condition",
    "Procedure",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "AllergyIntolerance",
    "Medication",
    "Group",
)

# Not valid R4, on purpose: real servers send such things.
NOT_R4 = {
    "demo-71-b12-retracted": "entered-in-error, stripped: no code",
    "demo-71-b12-orphan": "entered-in-error, stripped: no code, no subject",
    "demo-77-mcv": "dateTime with a time but no zone",
    "demo-95-b12": "the decimal is a JSON string",
}

# Observations that name no patient, on purpose: two nobody, one a group.
OF_NO_PATIENT = {"demo-71-b12-orphan", "demo-97-b12-of-nobody", "demo-97-b12-of-a-group"}


def everyone() -> list[Person]:
    """All patients, in order of their number."""
    told = [
        *stories_absorption.people(),
        *stories_exposure.people(),
        *stories_metabolites.people(),
        *stories_people.people(),
        *stories_records.people(),
        *stories_values.people(),
    ]
    return sorted(told, key=lambda one: one.id)


def resources() -> list[Resource]:
    """Every resource of the cohort, shared ones last."""
    own = [one for patient in everyone() for one in patient.resources]
    return [*own, *stories_exposure.shared_medications(), *stories_values.shared_groups()]


def line(resource: Resource) -> str:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")) + "\n"


def files() -> dict[str, str]:
    """File name and content of each NDJSON file."""
    made = {f"{kind}.ndjson": "" for kind in KINDS}
    for resource in resources():
        made[f"{resource['resourceType']}.ndjson"] += line(resource)
    return made


def main() -> None:
    COHORT.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (COHORT / name).write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

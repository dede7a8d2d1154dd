"""Every profile, and which of them goes with a type that this program writes."""

from collections.abc import Iterator
from typing import Any

from b12fhir.fhir.profiles.answers import ASSESSMENT, DETECTED_ISSUE, ENGINE, LAB
from b12fhir.fhir.profiles.element import structure_definition
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.fhir.profiles.medicines import DOSE, ORDER, PROPOSAL
from b12fhir.fhir.profiles.plans import (
    APPROVAL_TASK,
    CARE_PLAN,
    GOAL,
    MONITORING,
    SIGNED_PLAN,
    TEST_ORDER,
)

WRITTEN = (
    CARE_PLAN,
    PROPOSAL,
    MONITORING,
    GOAL,
    ASSESSMENT,
    DETECTED_ISSUE,
    APPROVAL_TASK,
    ENGINE,
)
PROFILES = (*WRITTEN, SIGNED_PLAN, ORDER, TEST_ORDER, DOSE, LAB)


def structure_definitions(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """Every profile as FHIR."""
    for profile in PROFILES:
        yield structure_definition(shelf, profile)

"""A patient whose name, number and token must never be seen: sentinels, and how to look for them.

Use them in any test whose patient needs a name. The guard (`phi_guard`) then watches log records,
error texts and output by itself; `assert_no_phi` is for a text that a test holds in its hand.
"""

from collections.abc import Iterator
from typing import Any

FAMILY = "Zzsentinel"
GIVEN = "Qqpatient"
MRN = "MRN-SENTINEL-987654"
TOKEN = "tok-sentinel-4f1d0c"  # noqa: S105 - no secret: a text to look for

SENTINELS = {"family name": FAMILY, "given name": GIVEN, "MRN": MRN, "token": TOKEN}


def found_in(text: str) -> Iterator[str]:
    """Which sentinels a text holds, in words that do not repeat them."""
    folded = text.casefold()
    return (what for what, sentinel in SENTINELS.items() if sentinel.casefold() in folded)


def assert_no_phi(text: str) -> None:
    """Fail when a text shows who the patient is."""
    found = ", ".join(found_in(text))
    assert not found, f"the text shows the patient's {found}"


def sentinel_patient(patient_id: str = "sentinel", **elements: Any) -> dict[str, Any]:
    """A Patient who is named and numbered by the sentinels."""
    return {
        "resourceType": "Patient",
        "id": patient_id,
        "identifier": [{"system": "urn:example:mrn", "value": MRN}],
        "name": [{"family": FAMILY, "given": [GIVEN]}],
        "gender": "female",
        "birthDate": "1961-04-05",
        **elements,
    }

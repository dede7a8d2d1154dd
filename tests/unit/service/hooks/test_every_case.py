"""Each vignette through each hook, for each reader: whatever is said keeps every duty of a card.

Which card a vignette gives is written down by hand from the rule book: nobody is told what is
normal, a warning is a deficiency, and critical are nerves and forbidden orders only.
"""

import pytest

from b12fhir.fhir.json import decode
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from b12fhir.service.hooks.model import Hook, Role
from tests.spec.case import cases as all_cases
from tests.support.cards import call, cards

CASES = {case.id: case for case in all_cases()}
# By the words of section 3, 5 and 16: no line, no card.
SAID = {
    "V01": ("warning", "R-28"),
    "V02": ("critical", "R-28"),
    "V03": ("warning", "R-28"),
    "V04": ("info", "R-35"),
    "V05": ("warning", "R-28"),
    "V06": ("warning", "R-37"),
    "V07": ("critical", "R-37"),
    "V08": ("info", "R-40"),
    # B12 not low, numb feet: not treated, but what is missing is to be measured soon.
    "V09": ("info", "R-49"),
    "V10": ("warning", "R-30"),
    "V11": ("info", "R-35"),
    # Total B12 is normal: the active one decides.
    "V12": ("warning", "R-30"),
    "V13": ("warning", "R-28"),
    "V14": ("warning", "R-30"),
    "V15": ("warning", "R-175"),
    "V16": ("warning", "R-28"),
    "V17": ("critical", "R-28"),
    # Not deficient, and a cause that lasts: prevention, no warning.
    "V18": ("info", "R-114"),
    "V20": ("info", "R-115"),
    "V26": ("warning", "R-167"),
    "V27": ("critical", "R-28"),
    "V28": ("critical", "R-163"),
    "V29": ("warning", "R-28"),
    "V30": ("warning", "R-29"),
    "V31": ("info", "R-24"),
    "V32": ("warning", "R-28"),
    # B12 never measured since three years, and numb feet: measure it today.
    "V34-neuro": ("warning", "R-18"),
    "V37": ("critical", "R-93"),
    "V38": ("critical", "R-103"),
    "V39": ("warning", "R-28"),
    "V40": ("warning", "R-37"),
    "V40-mass": ("warning", "R-37"),
    "V40-nmol": ("warning", "R-37"),
}


def proposed(name):
    case = CASES[name]
    record = [entry["resource"] for entry in decode(case.bundle)["entry"]]
    return propose(record, load_protocol(case.pack), case.as_of, Site()), record


@pytest.mark.parametrize("name", CASES)
def test_what_a_vignette_says_when_the_patient_is_opened(name) -> None:
    proposal, record = proposed(name)
    asked = call(patient=proposal.patient_reference)
    told = [(one.indicator.value, one.rule) for one in cards(proposal, asked, record=record)]
    assert told == ([SAID[name]] if name in SAID else [])


@pytest.mark.parametrize("hook", Hook)
@pytest.mark.parametrize("role", Role)
def test_every_card_keeps_its_duties(hook, role) -> None:
    for name in CASES:
        proposal, record = proposed(name)
        asked = call(hook, role, patient=proposal.patient_reference)
        for one in cards(proposal, asked, record=record):
            assert not one.suggestions or role in {Role.PRESCRIBER, Role.UNKNOWN}

"""The card that says what could not be checked, where there would be no other.

No card reads as "no finding": that must not be said of data nobody saw.
"""

from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Hook, Indicator
from b12fhir.service.hooks.rows import assessment_rows
from b12fhir.service.hooks.text import fitting

# Hooks whose whole question is the thing in the context.
_ABOUT_IT = frozenset({Hook.MEDICATION_REFILL, Hook.PROBLEM_CREATE, Hook.ALLERGY_CREATE})


def gap_card(matter: Matter) -> Card | None:
    """What was not read, or ``None`` if everything was."""
    unread = matter.call.unread if matter.call.hook in _ABOUT_IT else ()
    count = len(matter.unchecked) + len(unread) + bool(matter.unfollowed)
    if not count:
        return None
    what = "one part of the data" if count == 1 else f"{count} parts of the data"
    text = fitting((f"Vitamin B12 not fully checked: {what} could not be read; see the detail",))
    said = Said("unchecked", "R-69", Indicator.INFO, text, "data")
    rows = [row for row in assessment_rows(matter) if row[0] != "Plan"]
    return card_of(matter, said, rows)

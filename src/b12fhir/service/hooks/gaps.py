"""The card that says what could not be checked, where there would be no other.

No card reads as "no finding": that must not be said of data nobody saw, nor of data that were sent
and not used because they may be somebody else's.
"""

from collections.abc import Iterator

from b12fhir.decision.model import Classification
from b12fhir.facts.labs import Analyte, LabResult, RefusedLab
from b12fhir.kernel.evidence import Finding
from b12fhir.service.hooks.build import Said, card_of
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Card, Hook, Indicator, Role
from b12fhir.service.hooks.rows import assessment_rows
from b12fhir.service.hooks.text import fitting

# Hooks whose whole question is the thing in the context.
_ABOUT_IT = frozenset({Hook.MEDICATION_REFILL, Hook.PROBLEM_CREATE, Hook.ALLERGY_CREATE})
# Set aside whatever it says: nobody knows whose it is, what it means, or how much is missing. What
# is unreadable by its value is no matter of its own: it counts where the decision needs it.
_UNUSED = frozenset({"other-patient", "no-subject", "not-understood", "incomplete-bundle"})
# A result under a code of the site's own: without another one it was measured and not seen.
_UNSEEN = "unmapped-b12"
# The rule that says of a result that its day cannot be.
_IMPOSSIBLE = "R-20"

# Without a day, or with one that cannot be, a B12 result may be the newest one: another that
# decides does not outdate it.
_B12 = frozenset({Analyte.B12_TOTAL, Analyte.B12_ACTIVE})


def gap_card(matter: Matter) -> Card | None:
    """What was not read or not used; ``None`` if nothing was.

    Also for a patient: there is nothing that a patient could do about it.
    """
    told = tuple(_told(matter))
    if not told or matter.role is Role.PATIENT:
        return None
    lead = "Vitamin B12 not fully checked:"
    text = fitting((f"{lead} {' and '.join(told)}; see the detail",))
    said = Said("unchecked", "R-69", Indicator.INFO, text, "data")
    rows = [row for row in assessment_rows(matter) if row[0] != "Plan"]
    return card_of(matter, said, rows)


def _told(matter: Matter) -> Iterator[str]:
    unread = matter.call.unread if matter.call.hook in _ABOUT_IT else ()
    count = len(matter.unchecked) + len(unread) + bool(matter.unfollowed)
    if count:
        yield f"{_counted(count, 'part')} of the data could not be read"
    count = _set_aside(matter)
    if count:
        yield f"{_counted(count, 'record')} sent could not be used"


def _set_aside(matter: Matter) -> int:
    unseen = matter.decision.classification is Classification.NO_DATA
    kinds = _UNUSED | {_UNSEEN} if unseen else _UNUSED
    undated = sum(
        one.faulty and one.when is None and one.analyte in _B12 for one in _refused(matter)
    )
    impossible = sum(map(_is_misdated, matter.decision.findings))
    aside = sum(one.relevant and one.code in kinds for one in matter.proposal.issues)
    return undated + impossible + aside


def _is_misdated(found: Finding) -> bool:
    """Is it said of a B12 result that its day cannot be?"""
    fact = found.facts[0] if found.rule == _IMPOSSIBLE and found.facts else None
    return isinstance(fact, LabResult) and fact.analyte in _B12


def _refused(matter: Matter) -> Iterator[RefusedLab]:
    """Results that were not used and are not counted by their issue already."""
    return (one for one in matter.facts.refused if one.code not in _UNUSED)


def _counted(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what}s"

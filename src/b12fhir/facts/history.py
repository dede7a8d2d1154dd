"""Diagnoses, procedures, symptoms, diet and exposures on record."""

from dataclasses import dataclass
from decimal import Decimal

from b12fhir.kernel.dates import When
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.words import Word


class Standing(Word):
    """Whether a recorded fact holds now."""

    ACTIVE = "active"
    PAST = "past"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Concept:
    """One recorded clinical fact: a diagnosis, sign, procedure, diet or status.

    ``concept`` is an id of the protocol's concept table ("pernicious_anemia", "paresthesia").
    ``weak`` marks text matches and codes that are never proof. ``onset`` is when it began,
    ``recorded`` when it was written down. ``length_cm`` is a resected length, if stated.
    ``source`` is the kind of record: condition, procedure, observation, medicine or family.
    """

    concept: str
    standing: Standing
    reference: str
    text: str
    weak: bool = False
    source: str = "condition"
    onset: When | None = None
    recorded: When | None = None
    length_cm: Decimal | None = None
    worse: bool = False

    def as_input(self) -> Input:
        """This fact as evidence."""
        when = self.onset or self.recorded
        return Input(self.reference, self.text, "", when.iso() if when else "")

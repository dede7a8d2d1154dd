"""The case in hand: facts, protocol and the day, with the look-ups every question needs."""

from dataclasses import dataclass, field
from datetime import date

from b12fhir.facts.history import Concept, Standing
from b12fhir.facts.labs import PresenceResult
from b12fhir.facts.medicines import Exposure
from b12fhir.facts.record import Facts
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.limits import Limits
from b12fhir.protocol.model import Protocol


@dataclass(frozen=True, slots=True)
class Case:
    """One patient on one day (in the site's zone) under one protocol.

    Some sixty roles are asked for in each decision, most of them in vain: ``_known`` are the facts
    not recorded for a later day, ``_names`` the concepts among them.
    """

    facts: Facts
    protocol: Protocol
    day: date
    _known: tuple[Concept, ...] = field(init=False, repr=False, compare=False)
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = tuple(fact for fact in self.facts.concepts if not self.in_future(fact))
        object.__setattr__(self, "_known", known)
        object.__setattr__(self, "_names", frozenset(fact.concept for fact in known))

    @property
    def limits(self) -> Limits:
        """Every number a rule compares with."""
        return self.protocol.limits

    def with_role(self, role: str, *standings: Standing) -> tuple[Concept, ...]:
        """Recorded facts whose concept plays ``role``; active ones unless told otherwise.

        A fact first recorded after the day of the decision is not known yet.
        """
        names = self.protocol.concepts.role(role)
        if names.isdisjoint(self._names):
            return ()
        wanted = standings or (Standing.ACTIVE,)
        return tuple(
            fact for fact in self._known if fact.concept in names and fact.standing in wanted
        )

    def in_future(self, fact: Concept) -> bool:
        """Was it recorded for a day that has not come yet?"""
        when = fact.onset or fact.recorded
        return when is not None and when.after(self.day).is_yes

    def ever(self, role: str) -> tuple[Concept, ...]:
        """Facts of a role that hold now or once held (an operation stays done)."""
        return self.with_role(role, Standing.ACTIVE, Standing.PAST)

    def has_no_code(self, fact: Concept) -> bool:
        """Has the concept no verified code, so that a text is all a record can hold?"""
        return not self.protocol.concepts.has_code(fact.concept)

    def asked(self, role: str) -> tuple[Concept, ...]:
        """Facts of a role that nobody has confirmed."""
        return self.with_role(role, Standing.UNCONFIRMED)

    def medicines(self, role: str) -> tuple[Exposure, ...]:
        """Medicines whose ingredient plays ``role``."""
        names = self.protocol.concepts.role(role)
        return tuple(drug for drug in self.facts.exposures if drug.ingredient in names)

    def taking(self, role: str) -> tuple[Exposure, ...]:
        """Medicines of a role that are taken now."""
        return tuple(drug for drug in self.medicines(role) if drug.active)

    def presences(self, test: str) -> tuple[PresenceResult, ...]:
        """Positive results of a yes/no test; a positive antibody never goes stale (R-19)."""
        return tuple(
            result
            for result in self.facts.presences
            if result.test == test and result.present.is_yes
        )

    def pregnant(self) -> Truth:
        """Pregnant now, as recorded; a pregnancy that must have ended by now is over."""
        pregnancy = self.facts.pregnancy
        weeks = pregnancy.weeks_on(self.day)
        if weeks is not None and weeks[0] > self.limits.pregnancy_longest_weeks:
            return Truth.NO
        return pregnancy.pregnant

    def breastfeeding(self) -> Truth:
        """Breast-feeding now, as recorded."""
        return self.facts.pregnancy.breastfeeding

    def age(self) -> tuple[int, int] | None:
        """Youngest and oldest possible age in completed years."""
        return self.facts.patient.age_range(self.day)

    def aged_at_least(self, years: int) -> Truth:
        """Is the patient ``years`` old or older, whichever birth date is meant?"""
        ages = self.age()
        if ages is None:
            return Truth.UNKNOWN
        youngest, oldest = ages
        if youngest >= years:
            return Truth.YES
        return Truth.NO if oldest < years else Truth.UNKNOWN


def inputs(facts: tuple[Concept, ...]) -> tuple[Input, ...]:
    """Recorded facts as evidence."""
    return tuple(fact.as_input() for fact in facts)

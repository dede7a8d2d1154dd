"""The case in hand: facts, protocol and the day, with the look-ups every question needs."""

from datetime import date

from b12fhir.facts.history import Concept, Standing
from b12fhir.facts.labs import PresenceResult
from b12fhir.facts.medicines import Exposure
from b12fhir.facts.record import Facts
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.limits import Limits
from b12fhir.protocol.model import Protocol

_ACTIVE, _UNCONFIRMED = Standing.ACTIVE, Standing.UNCONFIRMED
_Concepts = dict[str, tuple[Concept, ...]]
_Medicines = dict[str, tuple[Exposure, ...]]


class Case:
    """One patient on one day (in the site's zone) under one protocol; never changed once made.

    Some sixty roles are asked for in each decision, most of them in vain, so what is on record is
    sorted by role once. A fact first recorded after the day of the decision is not known yet. A
    role that the protocol does not know is a mistake and raises `KeyError`.

    ``ages`` are the youngest and the oldest possible age in completed years, ``limits`` every
    number a rule compares with.
    """

    __slots__ = (
        *("_asked", "_drugs", "_ever", "_nothing", "_now", "_positive", "_taken"),
        *("ages", "day", "facts", "limits", "pregnant", "protocol"),
    )

    def __init__(self, facts: Facts, protocol: Protocol, day: date) -> None:
        self.facts = facts
        self.protocol = protocol
        self.day = day
        self.limits: Limits = protocol.limits
        self.ages = facts.patient.age_range(day)
        self.pregnant = self._pregnant()
        self._nothing = protocol.concepts.nothing
        self._sort_concepts()
        self._sort_medicines()
        self._positive = self._positives()

    def _sort_concepts(self) -> None:
        """Facts by the roles they play, and by how they stand."""
        plays, day = self.protocol.concepts.plays, self.day
        now: _Concepts = {}
        ever: _Concepts = {}
        asked: _Concepts = {}
        for fact in self.facts.concepts:
            roles = plays.get(fact.concept)
            when = fact.onset or fact.recorded
            if roles is None or (when is not None and when.first > day):
                continue
            standing, one = fact.standing, (fact,)
            known = asked if standing is _UNCONFIRMED else ever
            for role in roles:
                known[role] = known[role] + one if role in known else one
                if standing is _ACTIVE:
                    now[role] = now[role] + one if role in now else one
        self._now, self._ever, self._asked = now, ever, asked

    def _sort_medicines(self) -> None:
        """Medicines by the roles of their ingredient."""
        plays = self.protocol.concepts.plays
        drugs: _Medicines = {}
        taken: _Medicines = {}
        for drug in self.facts.exposures:
            one = (drug,)
            for role in plays.get(drug.ingredient, ()):
                drugs[role] = drugs[role] + one if role in drugs else one
                if drug.active:
                    taken[role] = taken[role] + one if role in taken else one
        self._drugs, self._taken = drugs, taken

    def with_role(self, role: str) -> tuple[Concept, ...]:
        """Recorded facts whose concept plays ``role`` and that hold now."""
        return self._now.get(role) or self._nothing[role]

    def ever(self, role: str) -> tuple[Concept, ...]:
        """Facts of a role that hold now or once held (an operation stays done)."""
        return self._ever.get(role) or self._nothing[role]

    def has_ever(self, roles: frozenset[str]) -> bool:
        """Is there any fact of `ever` of any of ``roles``?"""
        return not roles.isdisjoint(self._ever)

    def has_asked(self, roles: frozenset[str]) -> bool:
        """Is there any fact of `asked` of any of ``roles``?"""
        return not roles.isdisjoint(self._asked)

    def asked(self, role: str) -> tuple[Concept, ...]:
        """Facts of a role that nobody has confirmed."""
        return self._asked.get(role) or self._nothing[role]

    def medicines(self, role: str) -> tuple[Exposure, ...]:
        """Medicines whose ingredient plays ``role``."""
        return self._drugs.get(role) or self._nothing[role]

    def taking(self, role: str) -> tuple[Exposure, ...]:
        """Medicines of a role that are taken now."""
        return self._taken.get(role) or self._nothing[role]

    def has_no_code(self, fact: Concept) -> bool:
        """Has the concept no verified code, so that a text is all a record can hold?"""
        return not self.protocol.concepts.has_code(fact.concept)

    def presences(self, test: str) -> tuple[PresenceResult, ...]:
        """Positive results of a yes/no test; a positive antibody never goes stale (R-19)."""
        return self._positive.get(test, ())

    def _positives(self) -> dict[str, tuple[PresenceResult, ...]]:
        positive: dict[str, tuple[PresenceResult, ...]] = {}
        for result in self.facts.presences:
            if result.present.is_yes:
                positive[result.test] = (*positive.get(result.test, ()), result)
        return positive

    def _pregnant(self) -> Truth:
        """Pregnant now, as recorded; a pregnancy that must have ended by now is over."""
        pregnancy = self.facts.pregnancy
        weeks = pregnancy.weeks_on(self.day)
        if weeks is not None and weeks[0] > self.limits.pregnancy_longest_weeks:
            return Truth.NO
        return pregnancy.pregnant

    def breastfeeding(self) -> Truth:
        """Breast-feeding now, as recorded."""
        return self.facts.pregnancy.breastfeeding

    def aged_at_least(self, years: int) -> Truth:
        """Is the patient ``years`` old or older, whichever birth date is meant?"""
        ages = self.ages
        if ages is None:
            return Truth.UNKNOWN
        youngest, oldest = ages
        if youngest >= years:
            return Truth.YES
        return Truth.NO if oldest < years else Truth.UNKNOWN

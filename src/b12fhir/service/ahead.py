"""The next day on which time alone makes a decision another one."""

from datetime import date, timedelta

from b12fhir.decision.decide import decide
from b12fhir.service.propose import Proposal

_DAY = timedelta(days=1)


def turns_on(proposal: Proposal, until: date) -> date | None:
    """The first coming day, ``until`` included, that brings another decision; ``None`` if none.

    A result dated in the future, an age, a pregnancy, the end of a window: each is known to the
    rule that asks for it and nowhere else. So the decision itself is asked, day by day, on the
    same facts; whatever rule comes to depend on the day is thereby heeded.
    """
    decision = proposal.decision
    day = proposal.as_of.astimezone(proposal.site.zone).date() + _DAY
    while day <= until:
        then = decide(proposal.facts, proposal.protocol, day)
        if then._replace(as_of=decision.as_of) != decision:
            return day
        day += _DAY
    return None

"""Signed plans followed: which doses are given, due or late on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from b12fhir.facts.record import Facts
from b12fhir.fhir.calendar import calendar
from b12fhir.fhir.course import dose_records, read_courses
from b12fhir.fhir.extract import extract
from b12fhir.fhir.site import Site
from b12fhir.plan.course import Course
from b12fhir.plan.slot import DoseLog
from b12fhir.plan.slots import dose_log
from b12fhir.ports import Resource
from b12fhir.protocol.model import Protocol
from b12fhir.service.propose import Proposal


@dataclass(frozen=True, slots=True)
class Followed:
    """One signed plan and its doses."""

    course: Course
    log: DoseLog


def follow(
    resources: Sequence[Resource],
    protocol: Protocol,
    as_of: datetime,
    site: Site,
    patient: str | None = None,
) -> tuple[Followed, ...]:
    """Every signed plan of one patient, as it stands on the day of ``as_of``.

    ``resources`` are all of that patient, the plans among them. Raises what `extract` and
    `read_courses` raise; a patient without a signed plan gives an empty answer.
    """
    facts = extract(resources, protocol, site, patient)
    return _follow(resources, facts, protocol, as_of, site)


def follow_proposed(proposal: Proposal, resources: Sequence[Resource]) -> tuple[Followed, ...]:
    """As `follow`, on what a proposal has read of the same ``resources`` already."""
    one = proposal
    return _follow(resources, one.facts, one.protocol, one.as_of, one.site)


def _follow(
    resources: Sequence[Resource], facts: Facts, protocol: Protocol, as_of: datetime, site: Site
) -> tuple[Followed, ...]:
    day = as_of.astimezone(site.zone).date()
    return tuple(
        Followed(course, dose_log(course, dose_records(resources, facts, course, site),
                                  protocol.limits, day))
        for course in read_courses(resources, facts, protocol.pack, site)
    )  # fmt: skip


def calendar_of(followed: Sequence[Followed], label: str = "") -> bytes:
    """The iCalendar file of these plans; see `b12fhir.fhir.calendar`."""
    return calendar(((one.course, one.log) for one in followed), label)

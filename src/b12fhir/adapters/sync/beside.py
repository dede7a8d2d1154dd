"""What a run does beside the proposals: late doses of plans in force, and therapies that double."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from b12fhir.errors import InputError
from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.dose_task import overdue_write
from b12fhir.fhir.doubled import doubled_write
from b12fhir.fhir.identity import APPROVED_PLAN
from b12fhir.fhir.publish import NO_LONGER, Write, why_withdrawn
from b12fhir.plan.slot import DoseLog
from b12fhir.ports import Resource
from b12fhir.service import Followed, Proposal, follow_proposed

# Sends a write, told the records it rests on; why it could not be sent, or "".
Publish = Callable[[Write, Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Beside:
    """What was found and written: ``overdue`` names each late dose by its order, nobody by name.

    ``written`` counts resources. ``problem`` says what could not be followed or written.
    """

    overdue: tuple[str, ...] = ()
    written: int = 0
    problem: str = ""


def look_beside(proposal: Proposal, stored: Sequence[Resource], publish: Publish) -> Beside:
    """Follow the signed plans of one patient and keep the Tasks about late doses in step.

    The doses of a closed record are not asked for. Raises what ``publish`` raises.
    """
    system = proposal.site.system(APPROVED_PLAN)
    sent = [_sent(doubled_write(stored, proposal.patient_reference, proposal.site), (), publish)]
    if not any(identifier_value(one, system) for one in stored):
        return _whole(sent)
    try:
        followed = follow_proposed(proposal, stored)
    except InputError as error:
        return _whole([*sent, Beside(problem=f"the doses were not followed: {error}")])
    why = why_withdrawn(proposal.facts.patient)
    is_closed = why != NO_LONGER
    for one in followed:
        log = DoseLog() if is_closed else one.log
        write = overdue_write(one.course, log, stored, proposal.site, why=why if is_closed else "")
        sent.append(_sent(write, [phase.order for phase in one.course.phases], publish))
    overdue = () if is_closed else tuple(told for one in followed for told in _late(one))
    return _whole([*sent, Beside(overdue)])


def _whole(parts: Sequence[Beside]) -> Beside:
    return Beside(
        tuple(late for part in parts for late in part.overdue),
        sum(part.written for part in parts),
        "; ".join(part.problem for part in parts if part.problem),
    )


def _sent(write: Write, inputs: Sequence[str], publish: Publish) -> Beside:
    if write.bundle is None:
        return Beside()
    if why := publish(write, inputs):
        return Beside(problem=f"not written: {write.reason}: {why}")
    return Beside(written=write.created + write.updated + write.withdrawn)


def _late(followed: Followed) -> Iterator[str]:
    late = followed.log.late
    if late is None:
        return
    order = next(phase.order for phase in followed.course.phases if phase.id == late.phase)
    yield f"dose {late.number} of {order}, due on {late.due}, is {late.status.value}"

"""One step of a plan's life: the transaction, and what it means in plain words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.identity import DECISION_DIGEST
from b12fhir.fhir.lifecycle.entries import Entry, transaction
from b12fhir.fhir.lifecycle.held import Held
from b12fhir.fhir.lifecycle.record import record_of
from b12fhir.fhir.lifecycle.signer import Signer


@dataclass(frozen=True, slots=True)
class Said:
    """What a step means, in lines; ``reason`` is the practitioner's own, warnings stop nothing."""

    lines: tuple[str, ...]
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """One step as one transaction.

    ``kind`` is ``approve``, ``reject``, ``withdraw`` or ``close``; ``decision`` the digest of the
    decision behind the plan.
    """

    kind: str
    key: str
    patient: str
    practitioner: str
    decision: str
    bundle: dict[str, Any]
    said: Said


def act(kind: str, held: Held, entries: Iterable[Entry], by: Signer, said: Said) -> Act:
    """The step, with the Provenance that answers for it.

    Raises `SignOffError` if a change cannot be guarded by a version.
    """
    plan, written = held.shown, list(entries)
    return Act(
        kind=kind,
        key=held.key,
        patient=plan.patient,
        practitioner=by.practitioner,
        decision=identifier_value(plan.resource, by.site.system(DECISION_DIGEST)),
        bundle=transaction([*written, record_of(written, plan, by, said.reason)]),
        said=said,
    )

"""What the record says of each patient, gathered entry by entry."""

from dataclasses import replace

from b12fhir.ports import AuditEntry, AuditKind, AuditState, Recalled

_NOTHING = Recalled()
ENDS = frozenset({AuditState.DONE, AuditState.REFUSED, AuditState.OVERTAKEN})


class Memory:
    """The last decision of each patient, and the last write whose end nobody knows."""

    def __init__(self) -> None:
        self._decisions: dict[str, str] = {}
        self._open: dict[str, Recalled] = {}

    def note(self, entry: AuditEntry, name: str) -> None:
        """Take one entry into account, in their order."""
        if entry.kind is AuditKind.DECISION:
            self._decisions[entry.patient] = entry.decision
        if entry.state is AuditState.INTENDED:
            digests = frozenset(one.digest for one in entry.written if one.digest)
            self._open[entry.patient] = Recalled("", name, digests, entry.outcome)
        elif entry.state in ENDS and self._left(entry.patient).unfinished == entry.answers:
            self._open.pop(entry.patient, None)

    def recall(self, patient: str) -> Recalled:
        """What is known of one patient."""
        return replace(self._left(patient), decision=self._decisions.get(patient, ""))

    def _left(self, patient: str) -> Recalled:
        return self._open.get(patient, _NOTHING)

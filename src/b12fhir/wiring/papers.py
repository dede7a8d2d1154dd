"""What a run leaves on paper: proposals as they come, then its report as JSON and as a page."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from b12fhir.adapters import cli, files, report
from b12fhir.adapters.sync import PatientResult, SyncReport
from b12fhir.adapters.sync.report import BLOCKED, INCOMPLETE, WRITTEN
from b12fhir.fhir.json import encode
from b12fhir.service.gist import Foremost, Gist
from b12fhir.service.rounds import RoundRow, RoundSums, row_json, set_aside, sums_json
from b12fhir.wiring.house import House

# Patients whom the table and the page show; the files hold all.
_SHOWN = 1000
_WHO_WAITED = "waiting"
_NEEDS = frozenset({BLOCKED, *INCOMPLETE})

Add = Callable[[bytes], object]


class Papers:
    """Takes each result as it comes and keeps little of it; files only where they are asked for.

    A run that ends before its time leaves no file: its next one reports.
    """

    def __init__(self, house: House, asked: cli.Round) -> None:
        self._house = house
        self._asked = asked
        self._open = ExitStack()
        self._proposals: Add | None = None
        self._rows: Add | None = None
        self._bundles = self._written = self._problems = 0
        self._shown = Foremost[RoundRow](lambda row: row.rank, _SHOWN)
        self.gist = Gist(_SHOWN)

    def __enter__(self) -> Self:
        if self._asked.files:
            folder = self._house.settings.out
            self._proposals = self._open.enter_context(files.sheet(folder, "proposals.ndjson"))
            self._rows = self._open.enter_context(files.sheet(folder, "sync.json"))
            self._rows(b'{"rows":[')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    @property
    def stand(self) -> str:
        """How it stands, in numbers."""
        return f"{self._written} written, {self._problems} with problems"

    def add(self, result: PatientResult) -> None:
        """Take one result into account."""
        self._written += result.kind in WRITTEN
        self._problems += result.kind in _NEEDS or bool(result.problem)
        if result.proposal is not None:
            self.gist.add(result.proposal)
        if self._proposals is None or self._rows is None:
            return
        row = _row(result, dry_run=self._asked.dry_run)
        self._rows((b",\n" if self._shown.total else b"\n") + encode(row_json(row)))
        self._shown.add(row)
        if result.write is not None and result.write.bundle is not None:
            self._bundles += 1
            self._proposals(encode(result.write.bundle) + b"\n")

    def finish(self, done: SyncReport, requests: int | None) -> Iterator[str]:
        """Write the reports; the lines that say where they are."""
        if self._rows is None:
            return
        folder, as_of = self._house.settings.out, self._asked.as_of
        sums = self._sums(done, requests)
        self._rows(b"\n]," + encode(sums_json(sums))[1:] + b"\n")
        pack = self._house.protocol(as_of).pack
        table = report.RoundTable(sums, self._shown)
        text = report.page(self.gist, done.problems(), pack, as_of, table)
        page = files.write(folder, "report.html", [text])
        yield (
            f"Proposals: {folder / 'proposals.ndjson'} "
            f"({self._bundles} transaction Bundles, one a line)"
        )
        yield f"Run: {folder / 'sync.json'} (what became of each patient, and why)"
        yield f"Report: {page} (each patient's reasons; open it in a browser)"

    def _sums(self, done: SyncReport, requests: int | None) -> RoundSums:
        return RoundSums(
            as_of=self._asked.as_of.isoformat(),
            dry_run=self._asked.dry_run,
            looked=done.looked or _WHO_WAITED,
            interrupted=done.interrupted,
            patients=done.patients,
            waiting=done.undone,
            urgent=self.gist.urgent,
            read=done.resources_read,
            written=done.resources_written,
            requests=requests,
            counts=dict(done.counts),
            notes=done.notes,
            problems=done.problems(),
        )


def _row(result: PatientResult, *, dry_run: bool) -> RoundRow:
    one = result.proposal
    return RoundRow(
        patient=result.patient,
        kind=result.kind,
        reason=result.reason,
        urgency=one.decision.urgency.value if one else "",
        classification=one.decision.classification.value if one else "",
        read=result.read,
        written=0 if dry_run else result.written,
        set_aside=set_aside(one) if one else (),
        overdue=result.overdue,
        problem=result.problem,
    )

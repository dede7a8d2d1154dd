"""One vignette, one answer: by `sync` on the memory server and on HAPI as from a file."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from b12fhir.adapters.sync import SyncSettings, sync
from b12fhir.fhir.bundle import entries
from b12fhir.fhir.json import decode
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import to_json
from tests.spec.case import Case, case_params, differences

ORDER = ("Patient", "Medication")


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same record under ids of this test's own."""
    if isinstance(value, dict):
        return {key: _renamed(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value


def _record(case: Case, fresh: str) -> tuple[list[dict[str, Any]], Case]:
    """The case's resources, patient first, each under a fresh id, and what is expected of them."""
    names = {}
    for entry in entries(decode(case.bundle)):
        kind, old = entry.resource["resourceType"], entry.resource["id"]
        new = f"{fresh}-{old}"[:64]
        names |= {old: new, f"{kind}/{old}": f"{kind}/{new}", entry.url: f"{kind}/{new}"}
    renamed = [_renamed(entry.resource, names) for entry in entries(decode(case.bundle))]
    lower = {old.lower(): new.lower() for old, new in names.items()}
    warnings = _renamed(list(case.expected.get("warnings", ())), lower)
    expected = {**case.expected, "warnings": warnings}
    resources = sorted(renamed, key=lambda r: r["resourceType"] not in ORDER)
    return resources, replace(case, expected=expected)


@pytest.mark.parametrize("case", case_params())
def test_a_server_gives_the_same_answer_and_is_written_once(server, store, fresh, case):
    """Another class, date or dose than from the file would mean that a door changes the record."""
    resources, case = _record(case, fresh)
    for resource in resources:
        store(resource)
    patient = f"Patient/{resources[0]['id']}"
    site = Site(server_id=fresh)
    settings = SyncSettings(patients=(patient,), workers=1)

    def run(later: int = 0):
        as_of = case.as_of + timedelta(days=later)
        (result,) = sync(server, load_protocol(case.pack), site, as_of, settings).results
        return result

    first = run()
    assert first.proposal is not None, first.reason
    shown = to_json(first.proposal)
    assert differences(case.expected, shown) == []
    assert first.kind == ("nothing" if first.proposal.bundle() is None else "create")
    assert run().kind == "nothing"
    assert run(later=1).kind == "nothing"

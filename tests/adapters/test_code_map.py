"""A site's own codes through the whole program: in by the file, out on the orders."""

import io
import json
from datetime import UTC, datetime

from b12fhir import wiring
from b12fhir.errors import ConfigError

CLOCK = datetime(2026, 11, 21, 10, tzinfo=UTC)
MAP = """
[[code]]
system = "urn:lab"
code = "VITB12"
loinc = "2132-9"

[[product]]
product = "cyanocobalamin-tablet-1000"
system = "urn:drugs"
code = "100777"
display = "Cyanocobalamin 1 mg tablet"
strength = {}
unit = "mg"
"""
RESOURCES = (
    {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-04"},
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "urn:lab", "code": "VITB12"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-18",
        "valueQuantity": {"value": 120, "unit": "pg/mL"},
    },
)


def assess(tmp_path, strength: str) -> tuple[int, str, str]:
    map_, record = tmp_path / "map.toml", tmp_path / "record.ndjson"
    map_.write_text(MAP.format(strength), "utf-8")
    record.write_text("".join(f"{json.dumps(one)}\n" for one in RESOURCES), "utf-8")
    out, err = io.StringIO(), io.StringIO()
    words = ["assess", str(record), "--json", "--as-of", "2026-11-21"]
    code = wiring.main(words, {"B12FHIR_CODE_MAP": str(map_)}, out, err, lambda: CLOCK)
    return code, out.getvalue(), err.getvalue()


def test_a_local_result_leads_to_an_order_in_the_sites_own_code(tmp_path) -> None:
    code, out, _ = assess(tmp_path, "1")
    assert code == 0
    assert '"code": "100777"' in out or '"code":"100777"' in out


def test_a_faulty_map_stops_the_command_in_one_line(tmp_path) -> None:
    """A tablet of 2 mg where the plan counts on 1 mg would be a doubled dose."""
    code, out, err = assess(tmp_path, "2")
    assert (code, out) == (ConfigError.exit_code, "")
    assert len(err.splitlines()) == 1
    for part in ("map.toml", "product 1, strength: 2 mg contradicts", "1000 ug"):
        assert part in err

"""The short way for a result like one before reads what the long way reads, whatever is sent.

A site that has read nothing yet goes the long way; one that has read many results of the same
shapes goes the short way wherever that is open.
"""

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from b12fhir.fhir.extract import extract, observation
from b12fhir.fhir.extract.memory import memories_of
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC
from b12fhir.protocol.load import load_protocol
from tests.unit.fhir.extract import given as build

PROTOCOL = load_protocol()
SERVER = "https://ehr.example/r4"
SITES = (Site(), Site(server_id=SERVER))
RANGE = [{"low": build.quantity("180", "pg/mL"), "high": build.quantity("914", "pg/mL")}]
CODING = build.concept(LOINC, build.B12)["coding"][0]
# What a shape can be learnt from: a code with one unit, another unit of it, a range, a note.
BASES = (
    build.lab("200", referenceRange=RANGE),
    build.lab("200"),
    build.lab("200", "pmol/L", build.B12_MOLES),
    build.lab("80", "mL/min", build.EGFR),
    build.lab(12, "g/dL", build.HB),
)
ODD = (None, "", "x", 7, True, [], ["x"], {}, {"x": 1}, [{}], Decimal("1.50"))
UNITS = ("pg/mL", "ng/L", "pmol/L", "g/dL", "g/L", "mL/min", "furlong", " pg/mL")
NUMBERS = (0, -1, 180, 10**40, "210", 12.5, *(Decimal(one) for one in ("180.0", "1E+2", "NaN")),
           *(Decimal(one) for one in ("210.50", "Infinity", "1E+99", "1E-99")))  # fmt: skip
LIMITS = (Decimal("180.0"), Decimal("914.0"), 180, 3000, "180")
STATUSES = ("amended", "corrected", "preliminary", "entered-in-error", "cancelled", " final")
SUBJECTS = ("Patient/p2", " Patient/p1", "Patient/p1/_history/2", "#p1", f"{SERVER}/Patient/p1",
            "https://other.example/r4/Patient/p1")  # fmt: skip
DAYS = ("2026-11-10", "2026-11-10T08:00:00", "2026-11-10T08:00:00Z", "2026", "no day")
CODINGS = (
    [CODING, {"system": LOINC, "code": build.HB}],
    [{"system": "urn:local", "code": "B"}, CODING],
    # What several codings mean is remembered under a name of its own, which nobody can send.
    [{"system": "several", "code": build.B12}],
    [{"system": ["several"], "code": build.B12}],
    [],
    ["x", CODING],
    CODING,
)
# Where a usual result is changed, and to what; a missing holder of the place is made.
CHANGES: tuple[tuple[tuple[str, ...], tuple[Any, ...]], ...] = (
    (("status",), STATUSES),
    (("subject", "reference"), SUBJECTS),
    (("effectiveDateTime",), DAYS),
    (("issued",), ("2026-11-12T08:00:00Z",)),
    (("valueString",), ("230",)),
    (("valueFoo",), ("230",)),
    (("dataAbsentReason",), ({"text": "lost"},)),
    (("modifierExtension",), ([{"url": "urn:x", "valueBoolean": True}],)),
    (("implicitRules",), ("urn:x",)),
    (("interpretation",), ([{}], ["x", {"coding": [{}, {"code": " L "}]}])),
    (("specimen", "reference"), ("Specimen/s1",)),
    (("component",), ([build.lab("11", "g/dL", build.HB)],)),
    (("code", "coding"), CODINGS),
    (("valueQuantity", "value"), NUMBERS),
    (("valueQuantity", "unit"), UNITS),
    (("valueQuantity", "code"), UNITS),
    (("valueQuantity", "system"), ("urn:local",)),
    (("valueQuantity", "comparator"), ("<", ">=")),
    (("valueQuantity", "extension"), ([{"url": "urn:x"}],)),
    (("referenceRange", "low", "value"), LIMITS),
    (("referenceRange", "high", "value"), LIMITS),
    (("referenceRange", "low", "code"), UNITS),
    (("referenceRange", "high", "unit"), UNITS),
    (("referenceRange", "age"), ({"low": {"value": 80, "code": "a"}},)),
    (("referenceRange", "type"), ({"coding": [{"code": "critical"}]},)),
)


def place(result: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Put a value where a path leads; of a list its first object is meant."""
    held: Any = result
    for name in path[:-1]:
        step = held.setdefault(name, [{}] if name == "referenceRange" else {})
        held = step[0] if isinstance(step, list) and step else step
        if not isinstance(held, dict):
            return
    held[path[-1]] = value


@st.composite
def results(draw: st.DrawFn) -> dict[str, Any]:
    """A result like one of the bases, but for no more than two places."""
    result = copy.deepcopy(draw(st.sampled_from(BASES)))
    for path, values in draw(st.lists(st.sampled_from(CHANGES), max_size=2)):
        place(
            result,
            path,
            draw(st.sampled_from(values + ODD[: draw(st.sampled_from([0, 0, 0, 11]))])),
        )
    return result


def said(result: dict[str, Any], url: str, site: Site) -> str:
    """The facts, every digit of them."""
    entry = {"fullUrl": url, "resource": result} if url else {"resource": result}
    person = {"fullUrl": f"{SERVER}/Patient/p1", "resource": build.patient()}
    first = person if site.server_id else {"resource": build.patient()}
    return repr(extract([{"resourceType": "Bundle", "entry": [first, entry]}], PROTOCOL, site))


def learn_bases(site: Site) -> None:
    """Read each base once."""
    for base in BASES:
        said(base, "", site)


URLS = st.sampled_from(
    ["", "urn:uuid:1", f"{SERVER}/Observation/o1", f"{SERVER}/Observation/o1/_history/3",
     "https://other.example/r4/Observation/o1"]
)  # fmt: skip


@settings(max_examples=400)
@given(results(), URLS, st.sampled_from(SITES))
def test_the_short_way_reads_what_the_long_way_reads(
    result: dict[str, Any], url: str, site: Site
) -> None:
    """The site has read all bases, and all that earlier examples brought."""
    if not memories_of(PROTOCOL, site).forms:
        learn_bases(site)
    expected = said(result, url, Site(server_id=site.server_id))
    assert said(result, url, site) == expected
    # A second time too, now that it has been read itself.
    assert said(result, url, site) == expected


def test_the_short_way_is_gone_by_each_base(monkeypatch: Any) -> None:
    """Else the test above would compare the long way with itself."""
    for site in SITES:
        learn_bases(site)
    went: list[bool] = []
    usual = observation.read_usual

    def watched(*given: Any) -> Any:
        found = usual(*given)
        went.append(bool(found))
        return found

    monkeypatch.setattr(observation, "read_usual", watched)
    for site in SITES:
        for base in BASES:
            said(base, f"{SERVER}/Observation/o1", site)
    assert went == [True] * (len(SITES) * len(BASES))

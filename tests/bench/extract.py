"""CPU of reading a record, beside a floor measured in the same run.

Run it with ``make bench-extract``. The floor is what the standard library needs to parse the same
bytes. Every patient has other values, days, ids and references, and each round reads other
patients, so that nothing remembered from the patient before flatters the figures but what a real
site would lend as well: its codes, units and ranges. CPU time, not the clock on the wall. Numbers
are for reading; no test depends on them.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from b12fhir.facts.record import Facts
from b12fhir.fhir.extract import extract
from b12fhir.fhir.json import decode
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, UCUM
from b12fhir.protocol.load import load_protocol

PROTOCOL, SITE = load_protocol(), Site()
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ROUNDS, MANY_ROUNDS = 150, 6
TYPICAL, MANY = 30, 2000

# LOINC code, name, unit, and a span of values that is plausible, in tenths.
TESTS = (
    ("2132-9", "Vitamin B12", "ng/L", 900, 4000),
    ("718-7", "Hemoglobin", "g/dL", 80, 160),
    ("787-2", "MCV", "fL", 800, 1200),
    ("2823-3", "Potassium", "mmol/L", 35, 50),
    ("33914-3", "eGFR", "mL/min/{1.73_m2}", 400, 1000),
    ("2284-8", "Folate", "ng/mL", 30, 200),
    ("2276-4", "Ferritin", "ng/mL", 150, 3000),
    ("777-3", "Platelets", "10*3/uL", 1500, 4000),
    ("6690-2", "Leukocytes", "10*3/uL", 40, 110),
    ("4544-3", "Hematocrit", "%", 250, 480),
)
# What no rule reads, by LOINC code.
OTHERS = tuple((code, f"Test {code}", "mmol/L", 10, 900) for code in (
    "2951-2", "2075-0", "17861-6", "1920-8", "1742-6", "1975-2", "6768-6", "2885-2", "1751-7",
    "2339-0", "4548-4", "2093-3", "2085-9", "2571-8", "8480-6", "8462-4", "8867-4", "9279-1",
    "8310-5", "29463-7", "8302-2", "39156-5", "59408-5", "19123-9",
))  # fmt: skip


def observation(chance: random.Random, number: int, test: tuple[str, str, str, int, int]) -> Any:
    """One final result as an EHR sends it: about a kilobyte."""
    code, name, unit, low, high = test
    taken = NOW - timedelta(minutes=chance.randrange(10, 900_000), seconds=chance.randrange(60))
    quantity = {"unit": unit, "system": UCUM, "code": unit}
    return {
        "resourceType": "Observation",
        "id": f"o{chance.getrandbits(64):x}",
        "meta": {
            "versionId": "1",
            "lastUpdated": f"{taken + timedelta(hours=2):%Y-%m-%dT%H:%M:%S.120+00:00}",
            "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"],
        },
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                        "display": "Laboratory",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": LOINC, "code": code, "display": name}], "text": name},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": f"Encounter/e{number // 5}"},
        "effectiveDateTime": f"{taken:%Y-%m-%dT%H:%M:%SZ}",
        "issued": f"{taken + timedelta(hours=2):%Y-%m-%dT%H:%M:%S.120+00:00}",
        "performer": [{"reference": "Organization/lab", "display": "Hospital laboratory"}],
        "valueQuantity": {"value": chance.randrange(low, high) / 10, **quantity},
        "interpretation": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-"
                        "ObservationInterpretation",
                        "code": chance.choice("LNH"),
                    }
                ]
            }
        ],
        "referenceRange": [
            {"low": {"value": low / 10, **quantity}, "high": {"value": high / 10, **quantity}}
        ],
    }


def body(seed: int, count: int, tests: tuple[Any, ...]) -> bytes:
    """A patient and a searchset of results, without blanks, as servers send it."""
    chance = random.Random(seed)  # noqa: S311 - invented patients, not secrets
    results = [observation(chance, n, tests[n % len(tests)]) for n in range(count)]
    chance.shuffle(results)
    found = [
        {"fullUrl": f"https://ehr.example/r4/Observation/{one['id']}", "resource": one}
        for one in results
    ]
    person = {
        "resourceType": "Patient",
        "id": "p1",
        "gender": chance.choice(["female", "male"]),
        "birthDate": f"{chance.randrange(1930, 2000)}-03-04",
    }
    labs = {"resourceType": "Bundle", "type": "searchset", "total": count, "entry": found}
    return json.dumps({"patient": person, "labs": labs}, separators=(",", ":")).encode()


def read(record: Any) -> Facts:
    """The facts of one decoded body."""
    return extract((record["patient"], record["labs"]), PROTOCOL, SITE)


def quickest(works: dict[str, Callable[[bytes], object]], bodies: Iterator[bytes]) -> Any:
    """CPU microseconds of each work on one body, the quickest of as many as there are."""
    best = dict.fromkeys(works, float("inf"))
    for one in bodies:
        for name, work in works.items():
            start = time.process_time_ns()
            work(one)
            best[name] = min(best[name], (time.process_time_ns() - start) / 1000)
    return best


def measure(rounds: int, count: int, tests: tuple[Any, ...]) -> dict[str, float]:
    """The floor, decoding, and decoding with extraction; what is read is looked at once."""
    facts = read(decode(body(0, count, tests)))
    assert len(facts.labs) + facts.ignored == count
    bodies = (body(seed, count, tests) for seed in range(1, rounds + 1))
    works = {"floor": json.loads, "decode": decode, "both": lambda raw: read(decode(raw))}
    return quickest(works, bodies)


def main() -> int:
    """Print the figures."""
    sets = (
        ("typical", ROUNDS, TYPICAL, TESTS),
        ("no rule reads them", ROUNDS, TYPICAL, OTHERS),
        ("a long history", MANY_ROUNDS, MANY, (*TESTS, *OTHERS)),
        ("a long history, all read", MANY_ROUNDS, MANY, TESTS),
    )
    for name, rounds, count, tests in sets:
        took = measure(rounds, count, tests)
        floor, reading = took["floor"], took["both"] - took["decode"]
        size = len(body(1, count, tests)) / 1000
        print(f"{count} Observations, {name} ({size:.0f} KB)")
        for work, cost in (("json.loads", floor), ("decode", took["decode"]), ("extract", reading)):
            each = cost / count
            print(f"  {work:<10} {cost:9.1f} us {each:7.2f} us each {cost / floor:6.2f} x floor")
    return 0


if __name__ == "__main__":
    sys.exit(main())

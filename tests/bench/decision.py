"""CPU of one decision for a typical patient of 30 facts, beside a floor measured in the same run.

Run it with ``make bench-decision``. The floor is a JSON round trip of the same facts by the
standard library: what it costs merely to move them. CPU time, not the clock on the wall, so that
other work on the machine counts little. Numbers are for reading; no test depends on them.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import date

from b12fhir.decision.decide import decide
from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.record import Facts
from b12fhir.plan.make import make_plan
from b12fhir.protocol.load import load_protocol
from tests.support.facts import TODAY, antibody, concept, drug, lab, record

BAR_MICROSECONDS = 150
ROUNDS, BATCH = 100, 20

LABS = {
    A.B12_TOTAL: "150",
    A.B12_ACTIVE: "20",
    A.MMA: "900",
    A.HOMOCYSTEINE: "30",
    A.HEMOGLOBIN: "105",
    A.HEMATOCRIT: "33",
    A.MCV: "108",
    A.WBC: "5",
    A.PLATELETS: "200",
    A.POTASSIUM: "4.1",
    A.EGFR: "80",
    A.FOLATE: "20",
    A.FERRITIN: "60",
    A.TRANSFERRIN_SATURATION: "25",
    A.TSH: "2",
    A.RETIC_PCT: "1.2",
}


def typical() -> Facts:
    """A woman of 46: results now and earlier, symptoms, diagnoses and medicines; 30 facts."""
    earlier = [lab(A.B12_TOTAL, "210", ago=400), lab(A.HEMOGLOBIN, "118", ago=400)]
    earlier += [lab(A.MCV, "101", ago=400), lab(A.EGFR, "85", ago=400)]
    names = ("fatigue", "paresthesia", "glossitis", "diabetes_type2", "autoimmune_thyroiditis")
    facts = record(
        *(lab(analyte, value) for analyte, value in LABS.items()),
        *earlier,
        *(concept(name) for name in names),
        concept("appendectomy", standing=Standing.PAST, ago=4000),
        concept("hypertension", ago=2000),
        drug("metformin"),
        drug("omeprazole", months=6),
        antibody("intrinsic-factor-antibody"),
    )
    many = (facts.labs, facts.concepts, facts.exposures, facts.presences)
    assert sum(map(len, many)) == 30
    return facts


def cpu(*works: Callable[[], object]) -> list[float]:
    """CPU microseconds of one call of each, the quickest of many rounds.

    The works take turns, so that a slow moment of a shared machine falls on all of them; the
    quickest round is the one that others disturbed least.
    """
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, row in zip(works, taken, strict=True):
            start = time.process_time_ns()
            for _ in range(BATCH):
                work()
            row.append((time.process_time_ns() - start) / BATCH / 1000)
    return [min(row) for row in taken]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else str(value)


def main() -> int:
    """Print the figures."""
    facts, protocol = typical(), load_protocol()
    told = decide(facts, protocol, TODAY)
    tree = json.loads(json.dumps(asdict(facts), default=_plain))
    floor, deciding, planning = cpu(
        lambda: json.loads(json.dumps(tree)),
        lambda: decide(facts, protocol, TODAY),
        lambda: make_plan(told, protocol, TODAY),
    )
    print(f"a patient of 30 facts: {told.classification.value}, {len(told.findings)} findings")
    print(f"floor (JSON there and back)  {floor:8.1f} us")
    print(f"decision                     {deciding:8.1f} us  {deciding / floor:5.2f} x floor")
    print(f"plan                         {planning:8.1f} us  {planning / floor:5.2f} x floor")
    within = "within" if deciding <= BAR_MICROSECONDS else "above"
    print(f"the decision is {within} its bar of {BAR_MICROSECONDS} us on this machine")
    return 0


if __name__ == "__main__":
    sys.exit(main())

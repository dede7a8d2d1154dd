"""Values built by hand: a decision, a plan and a protocol, with fixed defaults and dates.

Every builder has one default patient, who needs injections at once; a test names only what it is
about.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from b12fhir.decision.model import (
    Anaemia,
    Bucket,
    Cause,
    Classification,
    Confidence,
    Decision,
    Intent,
    RejectedRoute,
    SeverityGrade,
    Urgency,
)
from b12fhir.facts.labs import Analyte
from b12fhir.facts.patient import Patient, Sex
from b12fhir.facts.record import Facts, OwnPlan
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, RXNORM, Code
from b12fhir.kernel.evidence import Finding, Input, Remark
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Monitor, Phase, Plan, Rejected
from b12fhir.protocol.analytes import AnalyteTable, LabCode
from b12fhir.protocol.model import (
    Citation,
    ConceptTable,
    Pack,
    Product,
    Protocol,
    Review,
    Rule,
    Span,
    Test,
)

D0 = date(2026, 11, 21)
SITE = Site(server_id="test-server", site_key="test-key")
AMPOULE = Product(
    "hydroxo-im-1000",
    "hydroxocobalamin",
    "solution for injection",
    Decimal(1000),
    "ug/mL",
    ("im",),
)
TABLET = Product("cyano-tablet-1000", "cyanocobalamin", "tablet", Decimal(1000), "ug", ("oral",))
CODED = replace(AMPOULE, id="coded", codes=(Code(RXNORM, "240684"),))
EVERY_OTHER_DAY = Span(2, "d")
MONTHLY = Span(1, "mo")


def build_phase(**changes: Any) -> Phase:
    """A loading phase: 7 injections, every other day, from d0."""
    phase = Phase(
        id="induction",
        product=AMPOULE,
        route="im",
        dose=Decimal(1000),
        dose_max=None,
        volume_ml=Decimal(1),
        interval=EVERY_OTHER_DAY,
        count=7,
        start=D0,
        last=date(2026, 12, 3),
        end=None,
        duration=None,
        reviews=(),
        gate="",
        stop_rule="",
        alternative="",
        rule="R-105",
    )
    return replace(phase, **changes)


def build_maintenance(**changes: Any) -> Phase:
    """Monthly injections for life."""
    defaults: dict[str, Any] = {
        "id": "maintenance",
        "interval": MONTHLY,
        "count": 0,
        "start": date(2027, 1, 3),
        "last": None,
    }
    return build_phase(**(defaults | changes))


def build_oral(**changes: Any) -> Phase:
    """One tablet a day for twelve weeks."""
    defaults: dict[str, Any] = {
        "id": "oral",
        "product": TABLET,
        "route": "oral",
        "dose_max": Decimal(2000),
        "volume_ml": None,
        "interval": Span(1, "d"),
        "count": 0,
        "last": None,
        "end": date(2027, 2, 13),
        "duration": Span(12, "wk"),
        "rule": "R-112",
    }
    return build_phase(**(defaults | changes))


MONITORING = (
    Monitor("potassium", (D0, date(2026, 11, 22), date(2026, 11, 23)), "R-140"),
    Monitor("blood-count", (date(2026, 12, 19),), "R-142"),
    Monitor("b12", (date(2027, 2, 21), date(2027, 11, 21)), "R-143", open_ended=True),
    Monitor("clinical-review", (date(2026, 12, 5), date(2027, 2, 21)), "R-144"),
)


def build_plan(**changes: Any) -> Plan:
    """A load, maintenance, and four things to follow up."""
    plan = Plan(
        kind="treat",
        start=D0,
        regimen="pernicious-anaemia",
        phases=(build_phase(), build_maintenance()),
        monitoring=MONITORING,
        rejected=(Rejected("oral 1000 daily", "the cause prevents absorption", "R-105"),),
        advice=("Do not wait for further results before the first dose.",),
    )
    return replace(plan, **changes)


B12_LOW = Input("Observation/b12-1", "120", "ng/L", "2026-11-10")
TINGLING = Input("Condition/tingling", "Paresthesia", "", "2026-11-01")


def build_decision(**changes: Any) -> Decision:
    """Confirmed, severe, neurological, urgent, by pernicious anaemia."""
    decision = Decision(
        classification=Classification.CONFIRMED,
        severity=SeverityGrade.SEVERE,
        neuro=True,
        anaemia=Anaemia.MODERATE,
        urgency=Urgency.URGENT,
        causes=(
            Cause(
                "pernicious_anemia",
                Bucket.PERMANENT,
                Confidence.CONFIRMED,
                "life",
                governs=True,
                rule="R-70",
                facts=(Input("Condition/pa", "Pernicious anaemia", "", "2026-10-01"),),
            ),
        ),
        intent=Intent(
            "treat", "im", rejected_routes=(RejectedRoute("oral", "neurological signs", "R-90"),)
        ),
        findings=(
            Finding("R-28", Truth.YES, (B12_LOW,)),
            Finding("R-50", Truth.YES, (TINGLING,), "new since 2026-11-01"),
            Finding("R-60", Truth.NO, (Input("Condition/refuted", "Stroke"),)),
            Finding("R-61", Truth.UNKNOWN),
        ),
        gaps=(Remark("folate", "Folate is not known.", "R-178"),),
        cautions=(Remark("potassium-low", "Potassium may fall.", "R-166"),),
        contraindications=(Remark("iv", "Never give cobalamin into a vein.", "R-99"),),
        mimics=(Remark("copper", "Copper deficiency.", "R-177"),),
        as_of=D0,
    )
    return decision._replace(**changes)


def build_facts(patient: str = "Patient/p1", own_plans: tuple[OwnPlan, ...] = ()) -> Facts:
    """A woman with nothing but an identity; composing needs no more."""
    return Facts(Patient(patient, Sex.FEMALE), own_plans=own_plans)


def build_pack(**changes: Any) -> Pack:
    """The default pack in its first version, not reviewed by anybody."""
    pack = Pack(
        "seed-default",
        "1.0.0",
        date(2026, 11, 1),
        "Default",
        Review("unreviewed"),
        ("S004",),
        {},
        {},
        (),
        {},
    )
    return replace(pack, **changes)


def build_protocol(pack: Pack | None = None, **changes: Any) -> Protocol:
    """Three laboratory tests, one review, two rules. No limits: composing compares nothing."""
    citation = Citation(("S004",), "seed")
    codes = {
        "2823-3": LabCode("2823-3", Analyte.POTASSIUM, "moles", display="Potassium, serum"),
        "2132-9": LabCode("2132-9", Analyte.B12_TOTAL, "mass"),
    }
    protocol = Protocol(
        pack=pack or build_pack(),
        limits=None,  # type: ignore[arg-type]
        analytes=AnalyteTable({}, codes, {}, {}, frozenset()),
        concepts=ConceptTable({}, {}, frozenset(), {}),
        tests={
            "potassium": Test("potassium", "Potassium", (Code(LOINC, "2823-3"),)),
            "blood-count": Test("blood-count", "Full blood count", (Code(LOINC, "58410-2"),)),
            "b12": Test("b12", "Total vitamin B12", (Code(LOINC, "2132-9"),)),
            "uncoded": Test("uncoded", "Local antibody panel"),
            "clinical-review": Test("clinical-review", "Clinical review", laboratory=False),
        },
        rules={
            "R-28": Rule(
                "R-28", "Total B12 below the limit", "", citation, 3, "decision", "implemented"
            ),
            "R-50": Rule("R-50", "Neurological sign", "", citation, 5, "decision", "implemented"),
        },
    )
    return replace(protocol, **changes)

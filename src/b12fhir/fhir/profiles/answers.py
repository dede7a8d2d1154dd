"""Profiles of what was found and who found it, and of a result that is read."""

from b12fhir.fhir.profiles.element import Element, Invariant, Profile
from b12fhir.fhir.profiles.shared import SUBJECT, identified, key_in, origin, status_in
from b12fhir.fhir.stored import DRAFT, WITHDRAWN
from b12fhir.kernel.codes import SNOMED

_FINAL = ("final", "amended", "corrected", "entered-in-error")


def _judged(prefix: str, kind: str) -> Invariant:
    """Preliminary until a clinician has looked, then final or withdrawn."""
    return status_in(prefix, (DRAFT[kind][0], WITHDRAWN[kind], *_FINAL))


ASSESSMENT = Profile(
    "b12-assessment",
    "RiskAssessment",
    "the decision and its reasons",
    "Is there a deficiency? The class, how sure, and every result it rests on.",
    (
        *identified("assessment"),
        Element("method", 1, binding="b12-method"),
        Element("code", 1, binding="b12-assessment"),
        SUBJECT,
        Element("occurrence[x]", 1, types=("dateTime",)),
        Element("performer", 1, targets=("Device",)),
        Element("prediction", 1),
        Element("prediction.outcome", 1, binding="b12-classification"),
        Element("prediction.outcome.text", 1),
        Element("prediction.rationale", 1, why="The rules that spoke, with their inputs"),
    ),
    (
        _judged("b12-ra", "RiskAssessment"),
        key_in("b12-ra", "assessment"),
        origin("b12-ra"),
    ),
)

DETECTED_ISSUE = Profile(
    "b12-detectedissue",
    "DetectedIssue",
    "a caution",
    "Something to heed before or during treatment, or that forbids it.",
    (
        *identified("detected-issue"),
        Element("code", 1, binding="b12-issue"),
        Element("code.text", 1),
        Element("severity", 1),
        Element("patient", 1, targets=("Patient",)),
        Element("identified[x]", 1, types=("dateTime",)),
        Element("author", 1, targets=("Device",)),
        Element("detail", 1),
    ),
    (
        _judged("b12-di", "DetectedIssue"),
        key_in("b12-di", "detected-issue"),
        origin("b12-di"),
    ),
)

ENGINE = Profile(
    "b12-engine",
    "Device",
    "the engine",
    "This program in one version, as author and requester of what it proposes.",
    (
        *identified("device"),
        Element("status", 1),
        Element("manufacturer", 1),
        Element("deviceName", 1),
        Element(
            "type",
            1,
            pattern={"CodeableConcept": {"coding": [{"system": SNOMED, "code": "706689003"}]}},
        ),
        Element("version", 1),
    ),
    (key_in("b12-device", "device"), origin("b12-device")),
)

LAB = Profile(
    "b12-lab",
    "Observation",
    "a laboratory result that is read",
    "A result as this program reads it without doubt. Others are read too, and doubts told.",
    (
        Element("code", binding="b12-labs"),
        Element("subject", 1, targets=("Patient",)),
        Element("effective[x]", 1, types=("dateTime",)),
    ),
    (
        Invariant(
            "b12-lab-1",
            "It has a value with a unit, or says why it has none.",
            "dataAbsentReason.exists() or (value.exists() and ((value is Quantity).not()"
            " or value.unit.exists() or value.code.exists()))",
        ),
        Invariant(
            "b12-lab-2",
            "The time of the sample is a whole day or finer.",
            "effective.toString().length() >= 10",
        ),
    ),
)

"""Every reason for which a datum is set aside, doubted or only shown: codes that stay stable."""

from dataclasses import dataclass, field

from b12fhir.kernel.evidence import Issue, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.INFORMATION


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of issue.

    ``effect`` says what became of the datum, ``advice`` what a person can do. ``fault`` marks the
    kinds that make a result a data fault (DQ) rather than a test that was not done.
    """

    code: str
    severity: Severity
    effect: str
    advice: str
    fault: bool = False
    # Derived: both as they follow a sentence.
    _then: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        told = [part for part in (self.effect, self.advice) if part]
        object.__setattr__(self, "_then", "".join(f" {part}" for part in told))

    def issue(self, reference: str, why: str, *, relevant: bool = True) -> Issue:
        """An issue of this kind about one resource: what, where, why, what to do."""
        where = reference or "A resource without reference"
        stop = "" if why.endswith("?") else "."
        said = f"{where} {why}{stop}{self._then}"
        return Issue(self.code, self.severity, reference, said, relevant)

    def summary(self, why: str, count: int, *, relevant: bool) -> Issue:
        """One issue of this kind about ``count`` resources."""
        times = "one resource" if count == 1 else f"{count} resources"
        said = f"{why} (in {times}). {self.effect} {self.advice}"
        return Issue(self.code, self.severity, "", said, relevant)


class RefusedError(Exception):
    """A datum that cannot be used; caught by the extractor that was reading it."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.why = why


def quote(value: object, limit: int = 40) -> str:
    """A value from the record as it may stand in a message: one line, printable, short."""
    flat = "".join(char if char.isprintable() else " " for char in str(value))
    return f"'{flat[:limit]}...'" if len(flat) > limit else f"'{flat}'"


_UNUSED = "It was not used."
_RESULT = "The result was not used."
_LAB = "Ask the laboratory to report it again."

# The whole record
INCOMPLETE = Kind("incomplete-bundle", _ERROR, "", "Fetch every page before relying on the answer.")
NO_TYPE = Kind("no-resource-type", _ERROR, _UNUSED, "Send FHIR R4 resources.")
OUTCOME = Kind("server-outcome", _WARNING, "", "Ask the server's operator what is missing.")
VERSIONS = Kind("version-conflict", _WARNING, "", "Look at the resource in its system.")
# Whose it is
NO_SUBJECT = Kind("no-subject", _ERROR, _UNUSED, "Link the resource to its patient.")
OTHER_PATIENT = Kind("other-patient", _ERROR, _UNUSED, "Check how the data were gathered.")
# Whether it may be read at all
MODIFIED = Kind("not-understood", _ERROR, _UNUSED, "A person must read it.", fault=True)
WITHDRAWN = Kind("withdrawn", _NOTE, _UNUSED, "")
NOT_FINAL = Kind("status-not-final", _NOTE, _UNUSED, "Wait for the final result.")
BAD_STATUS = Kind("status-unknown", _WARNING, _UNUSED, "Ask the sender for the right status.")
PENDING = Kind("pending", _NOTE, "It is shown and does not decide.", "Wait for the final result.")
SUPERSEDED = Kind("superseded", _NOTE, _UNUSED, "")
# When it was
NO_DATE = Kind("no-date", _ERROR, _RESULT, "Ask when the sample was taken.", fault=True)
BAD_DATE = Kind("date-unreadable", _ERROR, _RESULT, "Ask when the sample was taken.", fault=True)
DATE_DROPPED = Kind("date-ignored", _WARNING, "The date was left out.", "Correct the date.")
ISSUED_ONLY = Kind("issued-only", _WARNING, "The issue date stands in for it.", "")
ZONE_ASSUMED = Kind("zone-assumed", _NOTE, "It was read in the site's time zone.", "")
# What was measured
UNMAPPED = Kind("unmapped", _NOTE, _UNUSED, "Map the local code in the site's code map.")
UNMAPPED_B12 = Kind(
    "unmapped-b12", _WARNING, _UNUSED, "Map the code in the site's code map: names never decide."
)
LOOKALIKE = Kind("look-alike-code", _NOTE, _UNUSED, "")
CODES_DIFFER = Kind("code-contradiction", _ERROR, _RESULT, _LAB, fault=True)
CODE_NOTE = Kind("code-note", _NOTE, "", "")
DEPRECATED = Kind("code-deprecated", _WARNING, "It was read all the same.", "Update the code map.")
# Its value
NO_RESULT = Kind("no-result", _NOTE, "It counts as not done.", "Order the test again if needed.")
VALUE_AND_ABSENT = Kind("value-and-absent", _ERROR, _RESULT, _LAB, fault=True)
UNREADABLE = Kind("value-unreadable", _ERROR, _RESULT, _LAB, fault=True)
STRING_VALUE = Kind("string-value", _NOTE, "It was read by rule R-26.", "")
IMPLAUSIBLE = Kind("implausible", _ERROR, _RESULT, _LAB, fault=True)
# Its unit
UNIT_MISSING = Kind("unit-missing", _ERROR, _RESULT, "Ask the laboratory for the unit.", fault=True)
UNIT_UNKNOWN = Kind("unit-unknown", _ERROR, _RESULT, "Ask the laboratory for the unit.", fault=True)
UNIT_DIFFERS = Kind("unit-contradiction", _ERROR, _RESULT, "Ask which one is right.", fault=True)
UNIT_KIND = Kind("unit-kind", _ERROR, _RESULT, "Ask which one is right.", fault=True)
UNIT_OF_RANGE = Kind("unit-from-range", _WARNING, "The range's unit was used.", "Ask for the unit.")
UNIT_SYSTEM = Kind("unit-system", _NOTE, "The unit text was used.", "")
UNIT_NOTE = Kind("unit-note", _NOTE, "", "")
# Its reference range
RANGE_DIFFERS = Kind(
    "range-contradiction", _ERROR, _RESULT, "Ask the laboratory for the unit.", fault=True
)
RANGE_DROPPED = Kind("range-ignored", _WARNING, "The range was left out.", "Ask the laboratory.")
# History
ASK = Kind("code-asks", _NOTE, "", "Ask the patient or look it up.")
TEXT_ONLY = Kind("text-only", _NOTE, "It counts as weak evidence, never as proof.", "Code it.")
NAME_ONLY = Kind("name-only", _WARNING, _UNUSED, "Code it: names never decide.")
DRUG_NAME = Kind("drug-by-name", _NOTE, "It counts as weak evidence.", "Code the ingredient.")
DOUBTED = Kind("unconfirmed", _NOTE, "It counts as unconfirmed.", "")
RELATION = Kind(
    "relation-unclear", _WARNING, "It counts as unconfirmed.", "Ask whether it is a blood relative."
)
EXCLUDED = Kind("excluded", _NOTE, _UNUSED, "")
CLINICAL_DIFFERS = Kind(
    "status-contradiction", _WARNING, "It counts as unconfirmed.", "Clarify it."
)
LENGTH = Kind("length-unclear", _WARNING, "No length was assumed.", "Record the resected length.")
PRESENCE = Kind("answer-unclear", _WARNING, "It counts as unknown.", "Ask what was found.")
# Medicines
UNMAPPED_DRUG = Kind(
    "unmapped-medicine",
    _NOTE,
    _UNUSED,
    "If it holds B12 or a rule asks for it, add it to the site's code map.",
)
MAP_DIFFERS = Kind(
    "map-contradiction", _WARNING, "The standard code was used.", "Correct the site's code map."
)
MEDICINE_UNKNOWN = Kind("medicine-unresolved", _WARNING, _UNUSED, "Send the Medication along.")
NOT_TAKEN = Kind("not-taken", _NOTE, "It is no medicine that is taken.", "")
DOSE_UNCLEAR = Kind("dose-unclear", _WARNING, "The dose counts as unknown.", "Clarify the dose.")
GIVEN_UNKNOWN = Kind(
    "dose-given-unknown", _WARNING, "It may or may not count.", "Ask if it was given."
)

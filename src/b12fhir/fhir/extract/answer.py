"""Yes/no answers: coded, in words, as a boolean, or by the laboratory's own flag."""

import re

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.tree import codes_of, displays_of, first_code, items, obj, text
from b12fhir.kernel.codes import SNOMED, Code
from b12fhir.kernel.truth import Truth

_CODES = {
    Code(SNOMED, "10828004"): Truth.YES,  # positive
    Code(SNOMED, "260385009"): Truth.NO,  # negative
    Code(SNOMED, "260415000"): Truth.NO,  # not detected
}
_YES = frozenset(
    {"positive", "weakly positive", "weak positive", "strongly positive", "present", "detected"}
    | {"reactive", "yes", "true", "abnormal", "raised", "found", "seen"}
)
_NO = frozenset(
    {"negative", "absent", "not detected", "not present", "undetected", "nonreactive", "no"}
    | {"non-reactive", "non reactive", "none", "none seen", "not seen", "not found", "false"}
    | {"normal"}
)
# v3-ObservationInterpretation
_FLAGS = {
    **dict.fromkeys(("POS", "DET", "RR", "H", "HH", "HU", "A", "AA"), Truth.YES),
    **dict.fromkeys(("NEG", "ND", "NR", "N", "L", "LL"), Truth.NO),
}
_QUALIFIER = re.compile(r"\s*\([^)]*\)|[.!]+\Z")


def answer_of(part: Resource) -> Truth:
    """What the value says; ``unknown`` if it is no plain yes or no."""
    said = part.get("valueBoolean")
    if isinstance(said, bool):
        return Truth.of(said)
    concept = obj(part.get("valueCodeableConcept"))
    for code in codes_of(concept):
        if code in _CODES:
            return _CODES[code]
    words = [text(concept.get("text")), *displays_of(concept), text(part.get("valueString"))]
    answers = {in_words(one) for one in words if one} - {Truth.UNKNOWN}
    return answers.pop() if len(answers) == 1 else Truth.UNKNOWN


def flag_of(part: Resource) -> Truth:
    """What the laboratory's interpretation says about a test that may be positive or negative."""
    flags = {_FLAGS.get(first_code(one)) for one in items(part.get("interpretation"))} - {None}
    return (flags.pop() or Truth.UNKNOWN) if len(flags) == 1 else Truth.UNKNOWN


def in_words(said: str) -> Truth:
    """A plain positive or negative in words."""
    plain = _QUALIFIER.sub("", said).strip().lower()
    if plain in _YES:
        return Truth.YES
    return Truth.NO if plain in _NO else Truth.UNKNOWN

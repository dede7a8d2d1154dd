"""Elements and rules that several profiles share."""

from collections.abc import Iterable

from b12fhir.fhir.narrative import PROPOSAL_NOTICE
from b12fhir.fhir.profiles.element import Element, Invariant
from b12fhir.fhir.stored import DRAFT, WITHDRAWN
from b12fhir.kernel.codes import UCUM

# What every notice begins with, also where more stands behind it.
_NOTICE = PROPOSAL_NOTICE.partition(":")[0]
_NOTICED = f"note.text.where(startsWith('{_NOTICE}'))"
# Carried out, or a mistake: where a proposal ends up once a clinician has spoken.
_ENDED = ("completed", "entered-in-error")

SUBJECT = Element("subject", targets=("Patient",))
PROTOCOL = (
    Element("instantiatesCanonical", 1, why="The PlanDefinition of the protocol pack"),
    Element("instantiatesUri", 1, why="The protocol pack with its version"),
)


def identified(system: str) -> tuple[Element, ...]:
    """An identifier that is the same on every run; ``system`` is told to the reader."""
    return (Element("identifier", 1, why=f"Business key in our system '{system}'"),)


def origin(prefix: str) -> Invariant:
    """Whoever reads the resource can tell that a program wrote it."""
    return Invariant(
        f"{prefix}-origin",
        "The resource says that this program wrote it.",
        "meta.tag.where(system = '{canonical}/CodeSystem/origin' and code = 'b12fhir').exists()",
    )


def key_in(prefix: str, system: str) -> Invariant:
    """The identifier that makes a second run find the resource again."""
    return Invariant(
        f"{prefix}-key",
        f"It has one identifier in the system '{system}'.",
        f"identifier.where(system = '{{canonical}}/sid/{system}').count() = 1",
    )


def proposed(prefix: str, kind: str) -> Invariant:
    """A proposal is a draft, or what became of it; never active."""
    return status_in(prefix, (DRAFT[kind][0], WITHDRAWN[kind], *_ENDED))


def status_in(prefix: str, allowed: Iterable[str]) -> Invariant:
    """Which statuses this program gives or expects."""
    words = tuple(dict.fromkeys(allowed))
    listed = " | ".join(f"'{word}'" for word in words)
    return Invariant(
        f"{prefix}-1", f"The status is one of {', '.join(words)}.", f"status in ({listed})"
    )


def says_proposal(prefix: str) -> Invariant:
    """A reader of a draft who sees nothing but its notes still learns that it is no order."""
    return Invariant(
        f"{prefix}-notice",
        "While it is a draft, a note says that it is a proposal and no order.",
        f"status != 'draft' or {_NOTICED}.exists()",
    )


def says_no_proposal(prefix: str) -> Invariant:
    """An order must not say that it is none."""
    return Invariant(
        f"{prefix}-notice", "No note says that it is only a proposal.", f"{_NOTICED}.empty()"
    )


def micrograms() -> str:
    """FHIRPath: this quantity is a positive number of UCUM microgram."""
    return f"value > 0 and system = '{UCUM}' and code = 'ug'"

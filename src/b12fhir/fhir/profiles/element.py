"""The little language in which the profiles are written: elements, invariants, and one profile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from b12fhir.fhir.profiles.header import Shelf

_BASE = "http://hl7.org/fhir/StructureDefinition"
FHIR_VERSION = "4.0.1"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of our own: its key, what a person reads, and the FHIRPath that must hold.

    ``{canonical}`` in the expression stands for the canonical base.
    """

    key: str
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class Element:
    """What one element must be. ``path`` is without the resource: ``dosageInstruction.route``.

    ``least`` and ``most`` are its cardinality (``""`` leaves it as it is). ``pattern`` is what it
    must hold at least, by the name of its type: ``{"Code": "proposal"}``. ``binding`` names one of
    our ValueSets, required. ``types`` narrows a choice, ``targets`` what a reference may point at.
    """

    path: str
    least: int | None = None
    most: str = ""
    pattern: Mapping[str, Any] = field(default_factory=dict)
    binding: str = ""
    types: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One StructureDefinition: a resource type, its elements in the order of R4, its own rules."""

    name: str
    kind: str
    title: str
    about: str
    elements: tuple[Element, ...]
    invariants: tuple[Invariant, ...]


def structure_definition(shelf: Shelf, profile: Profile) -> dict[str, Any]:
    """The profile as FHIR, differential only: a validator makes the snapshot."""
    return {
        **shelf.own("StructureDefinition", profile.name, profile.title),
        "description": profile.about,
        "fhirVersion": FHIR_VERSION,
        "kind": "resource",
        "abstract": False,
        "type": profile.kind,
        "baseDefinition": f"{_BASE}/{profile.kind}",
        "derivation": "constraint",
        "differential": {"element": list(_differential(shelf, profile))},
    }


def _differential(shelf: Shelf, profile: Profile) -> Iterable[dict[str, Any]]:
    # The root stands in it once, with all rules: a second time would be read as a slice.
    rules = [_constraint(shelf, profile, one) for one in profile.invariants]
    root: dict[str, Any] = {"id": profile.kind, "path": profile.kind, "constraint": rules}
    yield root
    for element in profile.elements:
        yield _element(shelf, profile.kind, element)


def _constraint(shelf: Shelf, profile: Profile, one: Invariant) -> dict[str, Any]:
    return {
        "key": one.key,
        "severity": "error",
        "human": one.human,
        "expression": one.expression.replace("{canonical}", shelf.canonical),
        "source": shelf.url("StructureDefinition", profile.name),
    }


def _element(shelf: Shelf, kind: str, element: Element) -> dict[str, Any]:
    path = f"{kind}.{element.path}"
    made: dict[str, Any] = {"id": path, "path": path}
    if element.why:
        made["short"] = element.why
    if element.least is not None:
        made["min"] = element.least
    if element.most:
        made["max"] = element.most
    if element.types:
        made["type"] = [{"code": code} for code in element.types]
    if element.targets:
        profiles = [f"{_BASE}/{target}" for target in element.targets]
        made["type"] = [{"code": "Reference", "targetProfile": profiles}]
    made |= {f"pattern{name}": value for name, value in element.pattern.items()}
    if element.least or element.pattern or element.binding:
        made["mustSupport"] = True
    if element.binding:
        made["binding"] = {"strength": "required", "valueSet": shelf.value_set(element.binding)}
    return made

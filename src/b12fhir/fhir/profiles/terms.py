"""ValueSets beside those of roles and of our own codes: routes, products, tests, and unions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from b12fhir.fhir.dosage import ROUTES
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.fhir.profiles.notices import notices
from b12fhir.kernel.codes import SNOMED, Code

# Several roles that a reader asks for together.
_UNIONS = {
    "neuro-conditions": (
        "Neurological signs and their mimics",
        ("neuro-sign", "neuro-mimic-diabetes"),
    ),
    "malabsorption-conditions": (
        "Conditions that keep B12 from being absorbed",
        (
            *(
                "pernicious-anaemia",
                "atrophic-gastritis",
                "gastrectomy-total",
                "gastrectomy-partial",
            ),
            *("ileal-resection", "ileal-crohn", "bariatric", "coeliac", "bacterial-overgrowth"),
            *("blind-loop", "pancreatic-insufficiency", "fish-tapeworm", "malabsorption"),
        ),
    ),
    "interacting-drugs": (
        "Medicines that lower B12 or its stores",
        ("metformin", "ppi", "h2-blocker", "other-risk-drug", "n2o-drug"),
    ),
}


def term_value_sets(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """Routes, products, tests, and the unions of roles."""
    routes = {Code(SNOMED, code): display for code, display, _ in ROUTES.values()}
    header = shelf.own("ValueSet", "b12-route", "routes of a dose")
    yield _listed(header, "Routes of a proposed dose. Intravenous is not among them.", routes)
    pack = shelf.protocol.pack
    products = {code: one.drug for one in pack.products.values() for code in one.codes}
    header = shelf.packed("ValueSet", "b12-products", "products of the pack")
    yield _listed(header, "Ingredient codes of the pack's products.", products)
    header = shelf.packed("ValueSet", "b12-tests", "tests that are ordered")
    yield _listed(header, "Laboratory tests of plans.", _tests(shelf))
    for name, (about, roles) in _UNIONS.items():
        header = shelf.packed("ValueSet", f"b12-{name}", name.replace("-", " "))
        yield _union(shelf, header, f"{about}.", roles)


def _tests(shelf: Shelf) -> dict[Code, str]:
    return {
        code: display_of(shelf, code)
        for test in shelf.protocol.tests.values()
        for code in test.codes
    }


def display_of(shelf: Shelf, code: Code) -> str:
    """The terminology's own name of a laboratory code; ``""`` where none is held."""
    known = shelf.protocol.analytes.codes.get(code.code)
    return known.display if known is not None else ""


def _listed(header: dict[str, Any], about: str, codes: Mapping[Code, str]) -> dict[str, Any]:
    systems = sorted({code.system for code in codes})
    return {
        **header,
        "description": about,
        "copyright": notices(systems),
        "compose": {"include": [included(system, codes) for system in systems]},
    }


def included(system: str, displays: Mapping[Code, str]) -> dict[str, Any]:
    """The codes of one system, in order."""
    codes = sorted(code for code in displays if code.system == system)
    return {"system": system, "concept": [_concept(code, displays[code]) for code in codes]}


def _concept(code: Code, display: str) -> dict[str, str]:
    return {"code": code.code, "display": display} if display else {"code": code.code}


def _union(
    shelf: Shelf, header: dict[str, Any], about: str, roles: Iterable[str]
) -> dict[str, Any]:
    """Each include by itself: all of them together would be an intersection."""
    sets = [{"valueSet": [shelf.value_set(f"b12-{role}")]} for role in roles]
    return {**header, "description": about, "compose": {"include": sets}}

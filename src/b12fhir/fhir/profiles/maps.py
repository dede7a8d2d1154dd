"""ConceptMaps: what a site calls things, and what is understood by it."""

from collections.abc import Iterable, Iterator
from typing import Any

from b12fhir.fhir.dosage import strength_text
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.kernel.codes import LOINC, RXNORM, UCUM
from b12fhir.kernel.quantities import plain


def concept_maps(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """A template for local laboratory codes, spellings of units, and strengths of products."""
    yield _map(
        shelf,
        "local-lab-to-loinc",
        "local laboratory codes to LOINC",
        "A template: copy it, put the system and codes of your laboratory in the place of these,"
        " and keep only the rows whose unit and specimen are those of the LOINC code.",
        [_group(shelf.code_system("local-lab"), LOINC, _labs(shelf))],
    )
    yield _map(
        shelf,
        "unit-text-to-ucum",
        "spellings of units to UCUM",
        "How units are spelled in results, and what is read. Where a spelling has two meanings the"
        " kind of test tells.",
        [_group(shelf.code_system("unit-text"), UCUM, _units(shelf))],
    )
    yield _map(
        shelf,
        "product-to-strength",
        "products to form and strength",
        "The pack's products, and the RxNorm codes that state a strength by themselves.",
        [
            _group(shelf.code_system("product"), shelf.code_system("form"), _products(shelf)),
            _group(RXNORM, shelf.code_system("drug"), _strengths(shelf)),
        ],
    )


def _map(
    shelf: Shelf, name: str, title: str, about: str, groups: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    return {
        **shelf.packed("ConceptMap", f"b12-{name}", title),
        "description": about,
        "group": list(groups),
    }


def _group(source: str, target: str, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"source": source, "target": target, "element": list(rows)}


def _labs(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """One placeholder for each laboratory code that is read."""
    for code in shelf.protocol.analytes.codes.values():
        target = {"code": code.code, "display": code.display, "equivalence": "equivalent"}
        name = f"LOCAL-{code.analyte.value}-{code.code}"
        yield {"code": name, "target": [target | ({"comment": code.note} if code.note else {})]}


def _units(shelf: Shelf) -> Iterator[dict[str, Any]]:
    meanings: dict[str, dict[str, list[str]]] = {}
    for analyte, info in shelf.protocol.analytes.info.items():
        for spelling, rule in info.units.items():
            meanings.setdefault(spelling, {}).setdefault(rule.unit, []).append(analyte.value)
    for spelling, units in sorted(meanings.items()):
        yield {"code": spelling, "target": [_unit(shelf, *one, units) for one in units.items()]}


def _unit(
    shelf: Shelf, unit: str, analytes: list[str], units: dict[str, list[str]]
) -> dict[str, Any]:
    target: dict[str, Any] = {"code": unit, "equivalence": "equivalent"}
    if len(units) == 1:
        return target
    # A spelling of two meanings must never be taken for one of them without looking at the test.
    asked = [
        {"property": shelf.code_system("analyte"), "value": analyte} for analyte in sorted(analytes)
    ]
    return target | {
        "comment": f"Only for {', '.join(sorted(analytes))}.",
        "dependsOn": asked,
    }


def _products(shelf: Shelf) -> Iterator[dict[str, Any]]:
    for product in shelf.protocol.pack.products.values():
        strength = strength_text(product)
        yield {"code": product.id, "target": [_form(shelf, product.form, strength)]}


def _strengths(shelf: Shelf) -> Iterator[dict[str, Any]]:
    for code, known in sorted(shelf.protocol.concepts.strengths.items()):
        strength = f"{plain(known.value)} {known.unit.replace('ug', 'microgram')}"
        yield {"code": code.code, "target": [_form(shelf, known.drug, strength)]}


def _form(shelf: Shelf, code: str, strength: str) -> dict[str, Any]:
    return {
        "code": code,
        "equivalence": "wider",
        "product": [{"property": shelf.code_system("strength"), "value": strength}],
    }

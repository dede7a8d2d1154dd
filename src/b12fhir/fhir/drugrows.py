"""Rows of a site's code map about medicines, checked against the protocol.

A wrong strength here would be a wrong dose everywhere, so a row says the same thing twice where it
can (product and strength, form and unit), and is refused where the two differ.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from b12fhir.facts.medicines import Route
from b12fhir.fhir.formulary import FORMS, Formulary, LocalCoding, LocalDrug, plain
from b12fhir.kernel.codes import ATC, DMD, RXNORM, SNOMED, Code, is_snomed, normal_system
from b12fhir.kernel.quantities import plain as number_text
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Product, Protocol
from b12fhir.protocol.names import MEDICINE_ROLES

Row = dict[str, Any]
Rows = Mapping[str, list[tuple[int, Row]]]

_UG = {"ug": 1, "mg": 1000, "ug/mL": 1, "mg/mL": 1000}
_STANDARD = {"rxnorm": RXNORM, "atc": ATC}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class _Row:
    """One row while it is read: what it says, and what is wrong with it."""

    def __init__(self, kind: str, number: int, row: Row) -> None:
        self.row = {k: v.strip() if isinstance(v, str) else v for k, v in row.items()}
        self.problems: list[str] = []
        self._name = f"{kind} {number}"

    def wrong(self, key: str, why: str) -> None:
        """Note a fault of one key."""
        self.problems.append(f"{self._name}{f', {key}' if key else ''}: {why}")

    @property
    def code(self) -> Code:
        """The local code, empty if the row goes by a name."""
        return Code(normal_system(self.row.get("system", "")), self.row.get("code", ""))


def formulary_of(rows: Rows, protocol: Protocol) -> tuple[Formulary, list[str]]:
    """The site's medicines, and every fault of their rows: with one, they are not to be used."""
    drugs = [_Row("drug", number, row) for number, row in rows["drug"]]
    products = [_Row("product", number, row) for number, row in rows["product"]]
    by_code: dict[Code, LocalDrug] = {}
    by_name: dict[str, LocalDrug] = {}
    codings: dict[str, list[LocalCoding]] = {}
    for one in (*drugs, *products):
        drug = _drug(one, protocol)
        _known_code(one, drug, protocol)
        _enter(one, drug, by_code, by_name)
    for one in products:
        _written(one, codings)
    made = Formulary(by_code, by_name, {name: tuple(held) for name, held in codings.items()})
    return made, [problem for one in (*drugs, *products) for problem in one.problems]


def _enter(
    one: _Row, drug: LocalDrug, by_code: dict[Code, LocalDrug], by_name: dict[str, LocalDrug]
) -> None:
    """One local code or name stands once: two rows could mean two things."""
    code, name = one.code, plain(one.row.get("name", ""))
    if ("code" in one.row) == bool(name):
        one.wrong("", "names the medicine by system and code, or by its exact name: one of the two")
    elif name:
        _once(one, "name", by_name, name, drug)
    elif not code.code or not _URI.fullmatch(code.system):
        one.wrong("system", "a code and the absolute address (URI) of its system are needed")
    elif code.system in {SNOMED, DMD} and not is_snomed(code.code):
        one.wrong("code", f"{code.code!r} is no SNOMED CT identifier (check digit)")
    else:
        _once(one, "code", by_code, code, drug)


def _once(one: _Row, key: str, held: dict[Any, LocalDrug], name: object, drug: LocalDrug) -> None:
    if name in held:
        one.wrong(key, f"{one.row[key]!r} stands in another row too; keep one")
    held[name] = drug


def _written(one: _Row, codings: dict[str, list[LocalCoding]]) -> None:
    """The coding that goes on orders: one a system, else a reader could not tell which is meant."""
    held, code = codings.setdefault(one.row["product"], []), one.code
    if any(other.code.system == code.system for other in held):
        why = (
            "has a code of this system already; which is to be ordered? Put the other in a [[drug]]"
        )
        one.wrong("product", f"{one.row['product']!r} {why}")
    held.append(LocalCoding(code, one.row.get("display", "")))


def _drug(one: _Row, protocol: Protocol) -> LocalDrug:
    """What a row says of the medicine itself."""
    if ("product" in one.row) == ("ingredients" in one.row):
        one.wrong("", "says what it is by a product or by its ingredients: one of the two")
        return LocalDrug(frozenset())
    if "product" in one.row:
        product = _product(one.row["product"], protocol)
        if product is None:
            known = ", ".join(sorted(protocol.pack.products))
            one.wrong("product", f"{one.row['product']!r} is no product of a pack; known: {known}")
            return LocalDrug(frozenset())
        return _as_product(one, product)
    return _of_ingredients(one, protocol)


def _product(name: str, protocol: Protocol) -> Product | None:
    """The product of that id: of this pack, else of another one that is shipped."""
    if name in protocol.pack.products:
        return protocol.pack.products[name]
    packs = (load_protocol(pack).pack for pack in protocol.packs if pack != protocol.pack.id)
    return next((pack.products[name] for pack in packs if name in pack.products), None)


def _as_product(one: _Row, product: Product) -> LocalDrug:
    """A product of ours; what the row says of it besides must agree."""
    form = one.row.get("form", product.form)
    if form != product.form:
        one.wrong("form", f"{form!r} contradicts {product.id}: {product.form}")
    own = _in_ug(product.strength, product.strength_unit)
    if "strength" in one.row and _strength(one) != own:
        stated = f"{number_text(Decimal(one.row['strength']))} {one.row['unit']}"
        theirs = f"{number_text(product.strength)} {product.strength_unit}"
        one.wrong("strength", f"{stated} contradicts {product.id}: {theirs}")
    route = one.row.get("route")
    if route is not None and route not in product.routes:
        one.wrong("route", f"{route!r} contradicts {product.id}: {', '.join(product.routes)}")
    return LocalDrug(
        frozenset({product.drug}), (), product.form, own[0], Route(route) if route else None, own[1]
    )


def _of_ingredients(one: _Row, protocol: Protocol) -> LocalDrug:
    """A medicine described by its ingredients; its form, strength and route must fit together."""
    table, row = protocol.concepts, one.row
    concepts, codes = set(), []
    for said in row["ingredients"]:
        concept, code = _ingredient(said, protocol)
        if concept is None:
            one.wrong("ingredients", f"{said!r} is no ingredient that a rule asks for; see the"
                      " medicines among the roles of the rule catalogue")  # fmt: skip
        else:
            concepts.add(concept)
            codes += [code] if code else []
    b12 = concepts & (table.roles["b12"] | table.roles["b12-combination"])
    _fits(one, concepts, b12, protocol)
    strength = _strength(one)
    route = row.get("route")
    return LocalDrug(
        frozenset(concepts),
        tuple(codes),
        row.get("form", ""),
        strength[0] if strength else None,
        Route(route) if route else None,
        is_liquid=strength is not None and strength[1],
    )


def _ingredient(said: str, protocol: Protocol) -> tuple[str | None, Code | None]:
    """The concept an ingredient is: by its own name, or by ``rxnorm|code`` or ``atc|code``."""
    table = protocol.concepts
    medicines = {concept for role in MEDICINE_ROLES for concept in table.roles[role]}
    system, bar, number = said.partition("|")
    if not bar:
        return (said if said in medicines else None), None
    known = table.known(Code(_STANDARD.get(system, ""), number))
    concept = table.codes[known] if known else None
    return (concept, known) if concept in medicines else (None, None)


def _fits(one: _Row, concepts: set[str], b12: set[str], protocol: Protocol) -> None:
    row = one.row
    form, route = FORMS.get(row.get("form", "")), row.get("route")
    if route is not None and form is not None and Route(route) not in form.routes:
        one.wrong("route", f"{route!r} does not go with the form {row['form']!r}")
    strength = _strength(one)
    if strength is None:
        if b12 and form is not None:
            one.wrong("strength", "a form without a strength: no dose can be told; state both")
        return
    amount, liquid = strength
    if form is None:
        one.wrong("form", "a strength without a form: is it one in a millilitre or in a piece?")
    elif liquid is not form.is_liquid:
        wanted = "ug/mL or mg/mL" if form.is_liquid else "ug or mg"
        one.wrong("unit", f"{row['unit']!r} does not go with {row['form']!r}; write {wanted}")
    if not b12 and len(concepts) != 1:
        one.wrong("strength", "of which ingredient? State it for B12 or for a single ingredient")
    most = protocol.limits.max_single_dose_ug
    if b12 and amount > most:
        one.wrong("strength", f"more than the {number_text(Decimal(most))} ug of a single dose of"
                  " B12; is the unit right?")  # fmt: skip


def _strength(one: _Row) -> tuple[Decimal, bool] | None:
    """Micrograms, and whether they are in a millilitre; ``None`` if the row states none."""
    if "strength" not in one.row:
        return None
    return _in_ug(Decimal(one.row["strength"]), one.row["unit"])


def _in_ug(number: Decimal, unit: str) -> tuple[Decimal, bool]:
    return number * _UG[unit], unit.endswith("/mL")


def _known_code(one: _Row, drug: LocalDrug, protocol: Protocol) -> None:
    """A code that the tables know may not be given another meaning."""
    table, code = protocol.concepts, one.code
    known = table.known(code)
    if known is None or not drug.concepts:
        return
    if table.codes[known] not in drug.concepts:
        one.wrong("code", f"{code.code!r} is known to mean {table.codes[known]}")
    held = table.strengths.get(known)
    if held is not None and drug.strength_ug not in {None, _in_ug(held.value, held.unit)[0]}:
        one.wrong("strength", f"{code.code!r} is known to hold {number_text(held.value)}"
                  f" {held.unit}")  # fmt: skip

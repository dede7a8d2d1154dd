"""A site's own codes: one meaning each, checked against the protocol, every fault named at once."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from b12fhir.errors import ConfigError
from b12fhir.facts.labs import Analyte
from b12fhir.facts.medicines import Route
from b12fhir.fhir.codemap import CodeMap, read_code_map
from b12fhir.fhir.extract import extract
from b12fhir.fhir.formulary import FORMS, LocalCoding, LocalDrug
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import ATC, LOINC, RXNORM, SNOMED, Code
from b12fhir.protocol.load import load_protocol, pack_ids
from b12fhir.protocol.model import Protocol

PROTOCOL = load_protocol()
TEMPLATE = Path(__file__).parents[3] / "profiles" / "code-map.toml"
ROW = '[[code]]\nsystem = "urn:lab"\ncode = "VITB12"\nloinc = "{}"\n'
OURS, TABLET = "cyanocobalamin-injection-1000", "cyanocobalamin-tablet-1000"
HERE = {"system": "urn:drugs", "code": "4711"}
B12_TABLET = {"ingredients": ["cyanocobalamin"], "form": "tablet", "strength": 50, "unit": "ug"}


def mapped(text: str, protocol: Protocol = PROTOCOL) -> CodeMap:
    return read_code_map(text, where="map", protocol=protocol)


def row(kind: str = "drug", /, **keys) -> str:
    """A row of TOML."""
    lines = [f"{key} = {toml(value)}" for key, value in keys.items() if value is not None]
    return "\n".join([f"[[{kind}]]", *lines]) + "\n"


def toml(value) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(toml(one) for one in value)}]" if isinstance(value, list) else str(value)


def drug(**keys) -> LocalDrug:
    (found,) = mapped(row(**(HERE | keys))).drugs.by_code.values()
    return found


# Laboratory codes


def test_a_row_maps_a_local_code() -> None:
    assert mapped(ROW.format("2132-9")).labs == {Code("urn:lab", "VITB12"): Code(LOINC, "2132-9")}


def test_the_same_row_twice_is_one() -> None:
    assert len(mapped(ROW.format("2132-9") * 2).labs) == 1


FAULTS = [
    ("not toml", "is not TOML"),
    ("", r"no list of \[\[code\]\]"),
    ("other = 1\n" + ROW.format("2132-9"), "no list"),
    ("code = 1", "no list"),
    ("code = [1]", "code 1: 1 is not of type 'object'"),
    ('[[code]]\nsystem = "s"\n', "code 1: 'loinc' is a required property"),
    ('[[code]]\nsystem = "s"\ncode = 5\nloinc = "2132-9"\n', "code 1, code: 5 is not of type"),
    ('[[code]]\nsystem = "s"\ncode = " "\nloinc = "2132-9"\n', "code 1: every value"),
    ('[[code]]\nsystem = "s"\ncode = ""\nloinc = "2132-9"\n', "code 1, code: is empty"),
    (ROW.format("2132-8"), "check digit"),
    (ROW.format("2132-9") + ROW.format("2132-8"), "code 2"),
    (ROW.format("2132-9") + ROW.format("718-7"), "twice"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_fault_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        mapped(text)


def test_a_mapped_result_is_read_and_an_unmapped_one_reported() -> None:
    """Without the map the result must not vanish, with it it must not change."""
    resources = [
        {"resourceType": "Patient", "id": "p1"},
        {
            "resourceType": "Observation",
            "id": "o1",
            "status": "final",
            "code": {"coding": [{"system": "urn:lab", "code": "VITB12"}]},
            "subject": {"reference": "Patient/p1"},
            "effectiveDateTime": "2026-11-18",
            "valueQuantity": {"value": 150, "unit": "pg/mL"},
        },
    ]
    codes = mapped(ROW.format("2132-9")).labs
    found = extract(resources, PROTOCOL, Site(code_map=codes))
    bare = extract(resources, PROTOCOL, Site())
    assert [result.analyte for result in found.labs] == [Analyte.B12_TOTAL]
    assert not bare.labs
    assert any(issue.code.startswith("unmapped") for issue in bare.issues)


# Medicines


def test_the_template_is_a_map_as_it_stands() -> None:
    """What a site copies must work before it is changed."""
    found = mapped(TEMPLATE.read_text("utf-8"))
    assert len(found.labs) == 1
    assert len(found.drugs.by_code) == 7
    assert set(found.drugs.codings) == {OURS, TABLET}
    assert found.drugs.named("vit. B12  amp. (Ward Stock)") is not None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"product": OURS},
         LocalDrug(frozenset({"cyanocobalamin"}), (), "injection", Decimal(1000), is_liquid=True)),
        ({"product": OURS, "strength": 1, "unit": "mg/mL", "form": "injection", "route": "im"},
         LocalDrug(frozenset({"cyanocobalamin"}), (), "injection", Decimal(1000), Route.IM,
                   is_liquid=True)),
        ({"product": TABLET, "strength": Decimal("1.0"), "unit": "mg"},
         LocalDrug(frozenset({"cyanocobalamin"}), (), "tablet", Decimal(1000))),
        (B12_TABLET, LocalDrug(frozenset({"cyanocobalamin"}), (), "tablet", Decimal(50))),
        ({"ingredients": ["hydroxocobalamin"], "form": "injection", "strength": Decimal("0.25"),
          "unit": "mg/mL"},
         LocalDrug(frozenset({"hydroxocobalamin"}), (), "injection", Decimal(250), is_liquid=True)),
        ({"ingredients": ["vitamin_b12"]}, LocalDrug(frozenset({"vitamin_b12"}))),
        ({"ingredients": ["metformin"]}, LocalDrug(frozenset({"metformin"}))),
        ({"ingredients": ["rxnorm|6809"], "form": "tablet", "strength": 850, "unit": "mg"},
         LocalDrug(frozenset({"metformin"}), (Code(RXNORM, "6809"),), "tablet", Decimal(850000))),
        ({"ingredients": ["atc|B01AB05"]},
         LocalDrug(frozenset({"anticoagulant"}), (Code(ATC, "B01AB"),))),
        ({"ingredients": ["metformin"], "form": "tablet"},
         LocalDrug(frozenset({"metformin"}), (), "tablet")),
        ({"ingredients": []}, LocalDrug(frozenset())),
    ],
)  # fmt: skip
def test_what_a_row_says_of_a_medicine(keys, expected) -> None:
    """1 mg/mL is 1000 ug/mL, 1 mg a tablet 1000 ug: all strengths are held in micrograms."""
    assert drug(**keys) == expected


def test_a_row_of_a_product_is_read_and_written() -> None:
    """What we ask a site to order must be B12 again when the order is read back."""
    found = mapped(
        row("product", product=OURS, **HERE, display="Amp.", strength=1000, unit="ug/mL")
    ).drugs
    local = Code("urn:drugs", "4711")
    assert found.codings == {OURS: (LocalCoding(local, "Amp."),)}
    assert found.by_code[local].strength_ug == 1000


def test_a_product_of_another_shipped_pack_is_known() -> None:
    """A site that changes its pack need not change its map."""
    pack = replace(PROTOCOL.pack, id="site-pack", products={})
    other = replace(PROTOCOL, pack=pack, packs=("site-pack", PROTOCOL.pack.id))
    (found,) = mapped(row(**HERE, product=OURS), other).drugs.by_code.values()
    assert found.strength_ug == PROTOCOL.pack.products[OURS].strength


def two(**second) -> str:
    return row(**HERE, ingredients=["metformin"]) + row(**second)


PRODUCT = {"product": OURS, **HERE, "strength": 1000, "unit": "ug/mL"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # which medicine
        (row(product=OURS), "drug 1: names the medicine by system and code, or by its exact name"),
        (row(**HERE, name="B12", product=OURS), "one of the two"),
        (row(name=" ", product=OURS), "one of the two"),
        (row(code="1", product=OURS), "lacks a key that goes with another"),
        (row(system="drugs", code="1", product=OURS), "drug 1, system: .* absolute address"),
        (row(system="urn:drugs", code=" ", product=OURS), "drug 1, system: a code and"),
        (row(system=SNOMED, code="1234567", product=OURS), "is no SNOMED CT identifier"),
        (two(**HERE, ingredients=["cimetidine"]), "drug 2, code: '4711' stands in another row too"),
        (two(**HERE, ingredients=["metformin"]), "stands in another row too"),
        (row(**HERE, ingredients=[]) + row("product", **PRODUCT), "product 1, code: '4711' stands"),
        (row(name="B12  amp", product=OURS) + row(name="b12 AMP", product=OURS), "drug 2, name:"),
        # what it is
        (row(**HERE), "by a product or by its ingredients: one of the two"),
        (row(**HERE, product=OURS, ingredients=[]), "one of the two"),
        (row(**HERE, product="b12-1000"), f"'b12-1000' is no product of a pack; known: {OURS}"),
        (row(**HERE, ingredients=["b-12"]), "'b-12' is no ingredient that a rule asks for"),
        (row(**HERE, ingredients=["pernicious_anemia"]), "is no ingredient"),
        (row(**HERE, ingredients=["rxnorm|1"]), "'rxnorm|1' is no ingredient".replace("|", r"\|")),
        (row(**HERE, ingredients=["snomed|6809"]), "is no ingredient"),
        (row(**HERE, ingredients=["metformin", "metformin"]), "has non-unique elements"),
        (row(**HERE, ingredients=["metformin"], doses=1), "has a key that is not known"),
        # form, strength, unit, route
        (row(**HERE, **(B12_TABLET | {"unit": "IU"})), "drug 1, unit: 'IU' is not one of"),
        (row(**HERE, **(B12_TABLET | {"unit": "mcg"})), "'mcg' is not one of"),
        (row(**HERE, **(B12_TABLET | {"unit": "ug/mL"})), "'ug/mL' does not go with 'tablet'"),
        (row(**HERE, **(B12_TABLET | {"form": "injection"})), "write ug/mL or mg/mL"),
        (row(**HERE, **(B12_TABLET | {"form": "amp"})), "drug 1, form: 'amp' is not one of"),
        (row(**HERE, **(B12_TABLET | {"form": None})), "a strength without a form"),
        (row(**HERE, **(B12_TABLET | {"unit": None})), "'unit' is a dependency of 'strength'"),
        (row(**HERE, ingredients=["cyanocobalamin"], form="tablet"), "a form without a strength"),
        (row(**HERE, **B12_TABLET, route="im"), "'im' does not go with the form 'tablet'"),
        (row(**HERE, ingredients=["metformin"], route="oral"), "'form' is a dependency of 'route'"),
        (row(**HERE, **(B12_TABLET | {"strength": 0})), "drug 1, strength: 0 is less than"),
        (row(**HERE, **(B12_TABLET | {"strength": "50"})), "'50' is not of type 'number'"),
        (row(**HERE, **(B12_TABLET | {"strength": Decimal("inf")})).replace("Infinity", "inf"),
         "'inf' is not of type 'number'"),
        (row(**HERE, **(B12_TABLET | {"strength": 50, "unit": "mg"})),
         "more than the 5000 ug of a single dose"),
        (row(**HERE, **(B12_TABLET | {"ingredients": ["metformin", "omeprazole"]})),
         "of which ingredient"),
        (row(**HERE, **(B12_TABLET | {"ingredients": []})), "of which ingredient"),
        # against the product, and against the tables
        (row("product", **(PRODUCT | {"strength": 5000})),
         "product 1, strength: 5000 ug/mL contradicts cyanocobalamin-injection-1000: 1000 ug/mL"),
        (row("product", **(PRODUCT | {"unit": "mg/mL"})), "1000 mg/mL contradicts"),
        (row("product", **(PRODUCT | {"unit": "ug"})), "1000 ug contradicts"),
        (row("product", **(PRODUCT | {"strength": None})), "'strength' is a required property"),
        (row("product", **(PRODUCT | {"product": "x"})), "product 1, product: 'x' is no product"),
        (row(**HERE, product=OURS, form="tablet"), "form: 'tablet' contradicts"),
        (row(**HERE, product=OURS, form="injection", route="oral"), "route: 'oral' contradicts"),
        (row("product", **PRODUCT) + row("product", **(PRODUCT | {"code": "4712"})),
         "product 2, product: .* has a code of this system already"),
        (row(system=RXNORM, code="6809", ingredients=["omeprazole"]),
         "'6809' is known to mean metformin"),
        (row("product", **(PRODUCT | {"system": RXNORM, "code": "2001499"})),
         "'2001499' is known to hold 5000 ug/mL"),
    ],
)  # fmt: skip
def test_a_doubtful_row_is_refused(text: str, said: str) -> None:
    """A wrong row would be a wrong dose for everybody who gets that product."""
    with pytest.raises(ConfigError, match=said):
        mapped(text)


def test_a_code_that_the_tables_know_may_be_confirmed() -> None:
    """RxNorm 309594 is cyanocobalamin 1 mg/mL by the table too."""
    found = mapped(row("product", **(PRODUCT | {"system": RXNORM, "code": "309594"})))
    assert Code(RXNORM, "309594") in found.drugs.by_code


def test_every_fault_is_named_at_once_and_by_its_file() -> None:
    text = ROW.format("2132-8") + row(**HERE, product="x") + row("product", product=OURS)
    with pytest.raises(ConfigError) as caught:
        mapped(text)
    said = str(caught.value)
    assert said.startswith("map: ")
    for part in ("code 1, loinc", "drug 1, product", "product 1: 'system'", "code-map.toml"):
        assert part in said


def test_every_shipped_product_is_b12_and_has_a_form_that_is_known() -> None:
    """A product whose drug or form the map did not know could not be read back."""
    b12 = PROTOCOL.concepts.roles["b12"]
    packs = [load_protocol(name).pack for name in pack_ids()]
    for product in (one for pack in packs for one in pack.products.values()):
        assert product.drug in b12
        assert FORMS[product.form].is_liquid is product.is_injection
        assert {Route(route) for route in product.routes} <= FORMS[product.form].routes

"""Demo patients 83-99: units, codes and values that need care to read."""

from cohort_build import NOBODY, Person, Resource, about, cbc, lab, person, problem, quantity
from cohort_codes import UCUM

LOCAL = "https://lab.example.org/codes"
WARD = "demo-ward"


def shared_groups() -> list[Resource]:
    """A ward of another patient, which a misdirected result names as its subject."""
    return [
        {
            "resourceType": "Group",
            "id": WARD,
            "active": True,
            "type": "person",
            "actual": True,
            "name": "Ward with another patient",
            "member": [{"entity": {"reference": "Patient/demo-96"}}],
        }
    ]


def units() -> list[Person]:
    own_range = [{"low": quantity(200, "pg/mL"), "high": quantity(900, "pg/mL")}]
    return [
        person(
            83,
            "Moles under a mass code: 133 pmol/L sent as 2132-9",
            about("m", born="1975-05-31", sampled="2026-11-13"),
            lab("b12", 133, unit="pmol/L"),
        ),
        person(
            84,
            "B12 without a unit",
            about("f", born="1968-11-20", sampled="2026-11-12"),
            lab("b12", valueQuantity={"value": 190}),
        ),
        person(
            85,
            "B12 without a unit, but its own reference range has one",
            about("m", born="1982-03-16", sampled="2026-11-12"),
            lab("b12", valueQuantity={"value": 175}, referenceRange=own_range),
            cbc(14.4, 92),
        ),
        person(
            93,
            "Code for mass or moles: the unit pmol/L decides",
            about("m", born="1980-06-21", sampled="2026-11-12"),
            lab("b12-either", 125),
            cbc(14.9, 91),
        ),
        person(
            94,
            "The unit stands only as the text 'pg/ml'",
            about("f", born="1995-02-09", sampled="2026-11-10"),
            lab("b12", valueQuantity={"value": 365, "unit": "pg/ml"}),
        ),
        person(
            99,
            "An impossible B12 and a polyneuropathy known for years",
            about("f", born="1959-08-22", sampled="2026-11-16"),
            problem("polyneuropathy icd", since="2015-03-10"),
            lab("b12", 25000),
        ),
    ]


def types() -> list[Person]:
    text_value = {**quantity(0, "pg/mL"), "value": "240"}
    ward = {"reference": f"Group/{WARD}"}
    return [
        person(
            86,
            "The newest B12 is the boolean true; an older one is normal",
            about("f", born="1965-01-04", sampled="2026-08-20"),
            lab("b12", 410),
            lab("b12", slug="b12-boolean", at="2026-11-12", valueBoolean=True),
        ),
        person(
            95,
            "The number of the quantity is sent as a JSON string; MMA raised",
            about("m", born="1990-09-05", sampled="2026-11-12"),
            lab("b12", valueQuantity=text_value),
            lab("mma", 500),
            lab("egfr", 97),
            cbc(15.1, 92),
        ),
        person(
            97,
            "Low results that name a group or nobody, and a normal one of his own",
            about("m", born="1983-10-26", sampled="2026-11-11"),
            lab("b12", 395),
            lab("b12", 90, slug="b12-of-a-group", subject=ward),
            lab("b12", 85, slug="b12-of-nobody", subject=NOBODY),
        ),
    ]


def codes() -> list[Person]:
    local = {"coding": [{"system": LOCAL, "code": "VB12"}], "text": "Vitamin B12"}
    return [
        person(
            91,
            "B12 under a deprecated code",
            about("f", born="1969-07-29", sampled="2026-11-12"),
            lab("b12-old", 145),
            cbc(12.6, 94),
        ),
        person(
            92,
            "B12 in whole blood",
            about("m", born="1961-05-19", sampled="2026-11-12"),
            lab("b12-blood", 162),
            cbc(14.1, 93),
        ),
        person(
            96,
            "B12 under a local code without LOINC",
            about("f", born="1985-05-08", sampled="2026-11-13"),
            lab("b12", 150, code=local),
        ),
        person(
            98,
            "Borderline B12, MMA raised; a creatinine with a modifier nobody here understands",
            about("f", born="1964-06-14", sampled="2026-11-12"),
            lab("b12", 230),
            lab("mma", 610),
            lab(
                "creatinine",
                2.4,
                modifierExtension=[{"url": f"{LOCAL}/not-this-patient", "valueBoolean": True}],
            ),
            cbc(12.4, 95),
        ),
    ]


def haemoglobin() -> list[Person]:
    code_only = {"value": 82, "system": UCUM, "code": "g/L"}
    per_millilitre = {
        "value": 12.5,
        "unit": "grams per milliliter",
        "system": UCUM,
        "code": "g/mL",
    }
    return [
        person(
            87,
            "B12 low; Hb 82 with the unit code g/L and no unit text",
            about("f", born="1991-06-01", sampled="2026-11-13"),
            lab("b12", 150),
            lab("hb", valueQuantity=code_only),
        ),
        person(
            88,
            "B12 low; Hb 12.5 in g/mL, which no blood can hold",
            about("m", born="1978-02-28", sampled="2026-11-12"),
            lab("b12", 160),
            lab("hb", valueQuantity=per_millilitre),
        ),
        person(
            89,
            "B12 low; Hb 11.5 mmol/L, which is no anaemia",
            about("m", born="1972-10-07", sampled="2026-11-12"),
            lab("b12", 158),
            lab("hb-moles", 11.5),
        ),
        person(
            90,
            "B12 low; Hb 7.2 g/dL with a range that only fits mmol/L",
            about("f", born="1977-12-27", sampled="2026-11-12"),
            lab("b12", 150),
            lab("hb", 7.2, limits=(7.5, 10)),
        ),
    ]


def people() -> list[Person]:
    return [*units(), *types(), *codes(), *haemoglobin()]

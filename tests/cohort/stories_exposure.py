"""Demo patients 19-33: drugs, diet, nitrous oxide, and B12 taken already."""

from cohort_build import (
    Person,
    Resource,
    about,
    cbc,
    concept,
    injection,
    lab,
    oral_daily,
    order,
    person,
    problem,
    taking,
)
from cohort_codes import DRUGS

METFORMIN = "demo-med-metformin"


def shared_medications() -> list[Resource]:
    """Medications that orders point at instead of naming the drug themselves."""
    return [
        {
            "resourceType": "Medication",
            "id": METFORMIN,
            "code": concept(*DRUGS["metformin"]),
            "status": "active",
        }
    ]


def metformin() -> list[Person]:
    return [
        person(
            19,
            "Metformin for five years, ordered by reference to a Medication; B12 low",
            about("m", born="1965-05-06", sampled="2026-11-12"),
            problem("diabetes", since="2021-02-22"),
            order(
                "metformin",
                since="2021-03-15",
                medication=METFORMIN,
                dosage=oral_daily(1000, "mg", times=2),
            ),
            lab("b12", 172),
            cbc(13.9, 93),
            lab("egfr", 81),
        ),
        person(
            20,
            "Metformin and polyneuropathy in diabetes: both causes of the nerve signs may be true",
            about("f", born="1958-10-24", sampled="2026-11-16"),
            problem("diabetes", since="2016-08-30"),
            problem("polyneuropathy", since="2026-09-30"),
            order("metformin er", since="2018-01-09", dosage=oral_daily(1500, "mg")),
            lab("b12", 165),
            cbc(12.5, 95),
            lab("potassium", 4.6),
        ),
        person(
            23,
            "Metformin for eight weeks only: too short to be the cause; B12 low",
            about("m", born="1976-12-30", sampled="2026-11-12"),
            problem("diabetes", since="2026-09-18"),
            order("metformin", since="2026-09-25", dosage=oral_daily(500, "mg", times=2)),
            lab("b12", 176),
            cbc(15.0, 91),
        ),
    ]


def other_drugs() -> list[Person]:
    return [
        person(
            21,
            "Omeprazole for three years, borderline B12, MMA normal for the age",
            about("m", born="1952-02-14", sampled="2026-11-10"),
            order("omeprazole", since="2023-06-01", dosage=oral_daily(20, "mg")),
            lab("b12", 290),
            lab("mma", 300),
            lab("egfr", 72),
        ),
        person(
            22,
            "Pantoprazole for two years (ATC code); B12 reported as below 150",
            about("f", born="1970-09-09", sampled="2026-11-12"),
            order("pantoprazole", since="2024-09-02", dosage=oral_daily(40, "mg")),
            lab("b12", 150, sign="<"),
            cbc(12.7, 94),
        ),
        person(
            30,
            "Combined contraceptive pill, total B12 low, feels well: may be no true deficiency",
            about("f", born="1999-06-07", sampled="2026-11-13"),
            order(
                "ethinyl estradiol",
                since="2024-01-15",
                dosage=oral_daily(30, "ug"),
                text="ethinylestradiol 30 microgram with levonorgestrel 150 microgram, tablet",
            ),
            lab("b12", 170),
            cbc(13.0, 90),
        ),
    ]


def diet() -> list[Person]:
    return [
        person(
            24,
            "Vegan, B12 low, feels well",
            about("f", born="1992-03-28", sampled="2026-11-11"),
            problem("vegan", since="2019-01-01"),
            lab("b12", 160),
            cbc(12.4, 96),
        ),
        person(
            25,
            "Vegan, B12 normal: a diet dose to keep it so",
            about("m", born="1997-10-13", sampled="2026-11-09"),
            problem("vegan", since="2021-06-01"),
            lab("b12", 480),
            cbc(15.2, 88),
        ),
        person(
            26,
            "Vegan, borderline B12, no MMA: a diet dose while the question is open",
            about("f", born="2001-05-17", sampled="2026-11-12"),
            problem("vegan", since="2023-09-01"),
            lab("b12", 210),
            cbc(12.8, 91),
        ),
        person(
            27,
            "Vegetarian, borderline B12; MMA raised and sent in umol/L",
            about("m", born="1989-08-04", sampled="2026-11-13"),
            problem("vegetarian", since="2015-01-01"),
            lab("b12", 195),
            lab("mma", 0.45, unit="umol/L"),
            lab("egfr", 102),
            cbc(14.6, 92),
        ),
    ]


def nitrous_oxide() -> list[Person]:
    return [
        person(
            28,
            "Recreational nitrous oxide, numb legs and unsteady; B12 normal, MMA and Hcy high",
            about("m", born="2003-04-20", sampled="2026-11-18"),
            problem("inhalant", since="2026-08-15", text="Recreational nitrous oxide use"),
            problem("numb leg", since="2026-10-30"),
            problem("unsteady", since="2026-11-05"),
            lab("b12", 430),
            lab("mma", 1200),
            lab("hcy", 62),
            lab("egfr", 110),
            cbc(15.1, 93),
            lab("potassium", 4.2),
        ),
        person(
            29,
            "Anaemia after recreational nitrous oxide, B12 low, tired, no nerve signs",
            about("f", born="2004-09-01", sampled="2026-11-17"),
            problem(
                "n2o anaemia",
                since="2026-11-03",
                text="Anaemia from nitrous oxide use",
            ),
            problem("fatigue", since="2026-10-12"),
            lab("b12", 120),
            cbc(10.4, 109),
            lab("potassium", 4.5),
        ),
    ]


def treated() -> list[Person]:
    multivitamin = oral_daily(1, "{tbl}")
    return [
        person(
            31,
            "A multivitamin with 6 ug of B12 a day, which is no treatment; B12 low",
            about("m", born="1971-01-31", sampled="2026-11-12"),
            taking(
                "multivitamin",
                {"text": "Multivitamin tablet with vitamin B12 6 microgram"},
                since="2025-01-01",
                dosage=multivitamin,
            ),
            lab("b12", 174),
            cbc(14.3, 92),
        ),
        person(
            32,
            "Vegan on 1000 ug cyanocobalamin a day since August: number taken under treatment",
            about("f", born="1988-02-26", sampled="2026-11-12"),
            problem("vegan", since="2018-01-01"),
            taking(
                "cyanocobalamin",
                concept(*DRUGS["cyanocobalamin"], text="cyanocobalamin 1000 ug tablet"),
                since="2026-08-01",
                dosage=oral_daily(1000, "ug"),
            ),
            lab("b12", 350),
            cbc(13.2, 90),
        ),
        person(
            33,
            "One B12 injection six months ago, cause unknown: number still under its influence",
            about("m", born="1979-07-15", sampled="2026-11-12"),
            injection("2026-05-05"),
            lab("b12", 520),
            cbc(14.9, 89),
        ),
    ]


def people() -> list[Person]:
    return [*metformin(), *other_drugs(), *diet(), *nitrous_oxide(), *treated()]

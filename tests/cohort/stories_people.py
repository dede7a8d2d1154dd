"""Demo patients 50-66: pregnancy, children, stops, coexisting deficiencies, severe anaemia."""

from cohort_build import (
    Person,
    about,
    allergy,
    cbc,
    lab,
    oral_daily,
    order,
    person,
    pregnant,
    problem,
)


def mothers_and_children() -> list[Person]:
    return [
        person(
            50,
            "24 weeks pregnant, total B12 low, Hb 108: no anaemia in this trimester",
            about("f", born="1997-02-21", sampled="2026-11-19"),
            pregnant(24, at="2026-11-19", since="2026-07-10"),
            lab("b12", 150),
            cbc(10.8, 92),
        ),
        person(
            51,
            "Breastfeeding, vegan, active B12 low",
            about("f", born="1994-08-30", sampled="2026-11-13"),
            problem("breastfeeding", since="2026-08-02"),
            problem("vegan", since="2017-01-01"),
            lab("active-b12", 19),
            cbc(12.5, 93),
        ),
        person(
            52,
            "30 weeks pregnant, active B12 normal, mild anaemia of this trimester",
            about("f", born="1999-11-26", sampled="2026-11-18"),
            pregnant(30, at="2026-11-18", since="2026-06-01"),
            lab("active-b12", 88),
            cbc(10.1, 82),
        ),
        person(
            53,
            "Boy of 8, B12 low, anaemic",
            about("m", born="2018-04-15", sampled="2026-11-16"),
            lab("b12", 120),
            cbc(9.8, 99),
        ),
        person(
            54,
            "Girl of 14, tired, B12 normal",
            about("f", born="2012-06-10", sampled="2026-11-11"),
            problem("fatigue", since="2026-10-01"),
            lab("b12", 480),
            cbc(12.8, 87),
        ),
    ]


def stops() -> list[Person]:
    return [
        person(
            55,
            "Confirmed allergy to vitamin B12, B12 low, numb feet",
            about("f", born="1974-01-19", sampled="2026-11-17"),
            allergy("Allergy to cyanocobalamin", "confirmed", coded=True),
            problem("numb foot", since="2026-10-09"),
            lab("b12", 120),
            cbc(12.6, 97),
        ),
        person(
            56,
            "Leber optic atrophy, B12 low: cyanocobalamin is blocked",
            about("m", born="1986-09-23", sampled="2026-11-16"),
            problem("leber", since="2008-05-05"),
            lab("b12", 150),
            cbc(14.6, 93),
        ),
        person(
            57,
            "Allergy to a cobalamin refuted (words only), B12 low, tired",
            about("f", born="1966-10-28", sampled="2026-11-12"),
            allergy("Suspected allergy to hydroxocobalamin", "refuted", coded=False),
            problem("fatigue", since="2026-09-02"),
            lab("b12", 140),
            cbc(12.3, 95),
        ),
        person(
            64,
            "Polycythaemia vera, B12 low, feels well",
            about("m", born="1960-05-25", sampled="2026-11-11"),
            problem("polycythaemia vera", since="2021-11-08"),
            lab("b12", 165),
            cbc(17.8, 86),
        ),
    ]


def together() -> list[Person]:
    return [
        person(
            58,
            "B12 and folate both low, moderate anaemia: B12 must come first",
            about("f", born="1963-12-12", sampled="2026-11-17"),
            lab("b12", 135),
            lab("folate", 4.1),
            cbc(10.4, 112),
            lab("potassium", 4.1),
        ),
        person(
            59,
            "B12 and iron both low, small cells",
            about("f", born="1988-04-06", sampled="2026-11-13"),
            problem("iron deficiency", since="2026-11-13"),
            lab("b12", 155),
            cbc(9.5, 74),
            lab("ferritin", 6, limits=(15, 150)),
        ),
        person(
            60,
            "Folic acid 5 mg a day, B12 low, numb hands, blood count normal",
            about("f", born="1976-07-07", sampled="2026-11-17"),
            order("folic acid", since="2026-03-02", dosage=oral_daily(5, "mg")),
            problem("numb hand", since="2026-10-19"),
            lab("b12", 150),
            cbc(13.5, 94),
            lab("potassium", 4.4),
        ),
        person(
            63,
            "Depression alone, B12 low: a symptom, not a nerve sign",
            about("f", born="1981-11-11", sampled="2026-11-12"),
            problem("depression", since="2026-06-22"),
            lab("b12", 170),
            cbc(12.7, 92),
        ),
        person(
            66,
            "A neuropathy that has resolved, B12 low",
            about("m", born="1967-08-16", sampled="2026-11-12"),
            problem("neuropathy", since="2024-02-05", clinical="resolved", until="2025-06-30"),
            lab("b12", 160),
            cbc(14.4, 93),
        ),
    ]


def anaemia() -> list[Person]:
    return [
        person(
            61,
            "Very severe anaemia with low potassium: a case for the hospital",
            about("m", born="1978-06-03", sampled="2026-11-20"),
            lab("b12", 90),
            cbc(5.2, 124, hct=16.0),
            lab("potassium", 2.9),
        ),
        person(
            62,
            "Pancytopenia, breathless on exertion; counts sent per microlitre",
            about("f", born="1959-09-17", sampled="2026-11-18"),
            problem("breathless on exertion", since="2026-11-01"),
            lab("b12", 105),
            cbc(8.4, 121),
            lab("wbc", 2800, unit="{cells}/uL"),
            lab("plt", 96000, unit="{cells}/uL"),
            lab("potassium", 4.0),
        ),
        person(
            65,
            "Severe anaemia with large cells, B12 never measured",
            about("m", born="1955-03-30", sampled="2026-11-19"),
            cbc(7.6, 116),
        ),
    ]


def people() -> list[Person]:
    return [*mothers_and_children(), *stops(), *together(), *anaemia()]

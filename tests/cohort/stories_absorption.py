"""Demo patients 01-18: causes in the stomach and the bowel."""

from cohort_build import (
    Person,
    about,
    cbc,
    cbc_components,
    if_antibody_positive,
    injection,
    injections_ordered,
    lab,
    operation,
    oral_daily,
    order,
    person,
    problem,
)

LOADING_DAYS = ("2026-11-14", "2026-11-16", "2026-11-18", "2026-11-20")
MONTHLY_DAYS = ("2026-06-06", "2026-07-07", "2026-08-06", "2026-09-07", "2026-10-07", "2026-11-07")


def pernicious() -> list[Person]:
    return [
        person(
            1,
            "Pernicious anaemia on record, severe anaemia, no nerve signs",
            about("f", born="1968-03-14", sampled="2026-11-17"),
            problem("pernicious anaemia", since="2026-11-10"),
            lab("b12", 95),
            cbc(7.2, 118, hct=22.1, retic=1.1),
            lab("potassium", 4.1),
            lab("egfr", 88),
        ),
        person(
            2,
            "Intrinsic-factor antibody positive, no diagnosis on record yet; tired, mild anaemia",
            about("m", born="1960-07-02", sampled="2026-11-13"),
            if_antibody_positive(),
            lab("b12", 110),
            cbc(11.8, 108),
            problem("fatigue", since="2026-10-20"),
            lab("potassium", 4.4, at="2026-11-18"),
        ),
        person(
            17,
            "Pernicious anaemia on an anticoagulant: the injection needs a clinician's yes",
            about("m", born="1952-08-19", sampled="2026-11-12"),
            problem("pernicious anaemia", since="2026-11-12"),
            order(
                "apixaban",
                since="2024-02-01",
                dosage=oral_daily(5, "mg", times=2),
            ),
            lab("b12", 145),
            cbc(13.8, 97),
        ),
    ]


def pernicious_treated() -> list[Person]:
    return [
        person(
            3,
            "Pernicious anaemia, monthly injections for years: a high number under treatment",
            about("f", born="1955-01-23", sampled="2026-11-16"),
            problem("pernicious anaemia", since="2022-05-03"),
            injections_ordered("2022-07-07", 1, "mo"),
            [injection(day, under="demo-03-order-cyanocobalamin") for day in MONTHLY_DAYS],
            lab("b12", 980),
            cbc(13.1, 90),
        ),
        person(
            18,
            "Pernicious anaemia, four loading doses given: the sample before dose 1 still decides",
            about("f", born="1966-04-27", sampled="2026-11-10"),
            problem("pernicious anaemia", since="2026-11-12"),
            lab("b12", 110),
            cbc(9.6, 112, hct=29.5),
            lab("potassium", 4.3, at="2026-11-14", slug="potassium-d0"),
            injections_ordered("2026-11-14", 2, "d"),
            [injection(day, under="demo-18-order-cyanocobalamin") for day in LOADING_DAYS],
        ),
    ]


def gastrectomy() -> list[Person]:
    return [
        person(
            4,
            "Total gastrectomy long ago, tired, mild anaemia; blood count sent as components",
            about("m", born="1963-09-30", sampled="2026-11-12"),
            operation("total gastrectomy", on="2019-04-16"),
            lab("b12", 130),
            cbc_components(hb=11.2, mcv=104, rbc=3.21, wbc=5.1, plt=212),
            problem("fatigue icd", since="2026-09-14"),
        ),
        person(
            5,
            "Total gastrectomy, stores still full: lifelong injections before they run out",
            about("f", born="1967-12-05", sampled="2026-11-11"),
            operation("lap total gastrectomy", on="2025-02-11"),
            lab("b12", 420),
            cbc(12.9, 91),
        ),
        person(
            6,
            "Gastrectomy of unknown extent, borderline B12, no MMA",
            about("m", born="1956-06-18", sampled="2026-11-10"),
            operation("gastrectomy", on="2008-10-02"),
            lab("b12", 260),
            cbc(14.1, 94),
        ),
    ]


def ileum() -> list[Person]:
    return [
        person(
            7,
            "Crohn disease, 35 cm of ileum removed, B12 normal: lifelong injections all the same",
            about("m", born="1981-02-08", sampled="2026-11-13"),
            problem("crohn ileum", since="2012-03-19"),
            operation(
                "ileal resection",
                on="2018-05-22",
                note="Resection of 35 cm of terminal ileum, primary anastomosis.",
            ),
            lab("b12", 400),
            cbc(14.4, 89),
        ),
        person(
            8,
            "45 cm of ileum removed, B12 low, nothing else",
            about("f", born="1974-10-11", sampled="2026-11-12"),
            operation(
                "ileal resection",
                on="2016-01-20",
                note="Resected length of terminal ileum: 45 cm.",
            ),
            lab("b12", 140),
            cbc(12.6, 95),
        ),
        person(
            9,
            "Ileocaecal resection, length never written down, B12 normal",
            about("m", born="1987-05-29", sampled="2026-11-09"),
            operation("ileocaecal resection", on="2020-09-08"),
            lab("b12", 380),
        ),
        person(
            10,
            "15 cm of ileum removed, B12 low, nothing else",
            about("f", born="1979-03-03", sampled="2026-11-12"),
            operation(
                "ileal resection",
                on="2021-06-15",
                note="15 cm of terminal ileum removed.",
            ),
            lab("b12", 165),
            cbc(12.8, 93),
        ),
    ]


def bariatric() -> list[Person]:
    return [
        person(
            11,
            "Gastric bypass three years ago, B12 low, feels well",
            about("f", born="1985-08-25", sampled="2026-11-11"),
            operation("roux-en-y", on="2023-03-14"),
            lab("b12", 155),
            cbc(12.4, 92),
        ),
        person(
            12,
            "Sleeve gastrectomy, B12 normal: tablets to keep it so",
            about("f", born="1990-01-16", sampled="2026-11-10"),
            operation("sleeve", on="2024-10-29"),
            lab("b12", 520),
            cbc(12.9, 88),
        ),
        person(
            13,
            "Gastric bypass, B12 low, ataxic gait",
            about("f", born="1982-04-09", sampled="2026-11-17"),
            operation("gastric bypass", on="2019-11-05"),
            problem("ataxic gait", since="2026-10-28"),
            lab("b12", 150),
            cbc(12.2, 98),
            lab("potassium", 4.0),
        ),
    ]


def bowel() -> list[Person]:
    return [
        person(
            14,
            "Coeliac disease, B12 and iron both low, moderate anaemia with a normal cell volume",
            about("f", born="1993-07-21", sampled="2026-11-13"),
            problem("coeliac", since="2025-12-01"),
            lab("b12", 170),
            cbc(10.8, 84),
            lab("ferritin", 8, limits=(15, 150)),
        ),
        person(
            15,
            "Ileal Crohn disease without surgery, borderline B12, MMA raised",
            about("m", born="1998-11-02", sampled="2026-11-16"),
            problem("crohn ileum", since="2023-04-04"),
            lab("b12", 200),
            lab("mma", 510),
            lab("egfr", 95),
            cbc(14.8, 90),
        ),
        person(
            16,
            "Bacterial overgrowth of the small bowel; B12 sent as the text '168 pg/mL'",
            about("f", born="1964-02-12", sampled="2026-11-12"),
            problem("overgrowth", since="2026-05-19"),
            lab("b12", valueString="168 pg/mL"),
            cbc(12.7, 94),
        ),
    ]


def people() -> list[Person]:
    return [*pernicious(), *pernicious_treated(), *gastrectomy(), *ileum(), *bariatric(), *bowel()]

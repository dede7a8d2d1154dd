"""Demo patients 34-49: MMA, kidney function, active B12, and results that disagree."""

from cohort_build import Person, about, cbc, lab, person, problem


def kidney() -> list[Person]:
    return [
        person(
            34,
            "Kidney disease stage 4, borderline B12, MMA raised: the kidneys alone may do that",
            about("m", born="1958-03-11", sampled="2026-11-12"),
            problem("ckd4", since="2023-10-10"),
            lab("b12", 260),
            lab("mma", 620),
            lab("egfr", 24),
            cbc(13.4, 91),
        ),
        person(
            35,
            "eGFR 42 sent in plain mL/min; the urine MMA/creatinine ratio settles it",
            about("f", born="1954-06-29", sampled="2026-11-12"),
            lab("b12", 230),
            lab("mma", 700),
            lab("egfr-mdrd", 42),
            lab("mma-urine", 9.1, at="2026-11-16"),
            cbc(12.3, 95),
        ),
        person(
            36,
            "Borderline B12; MMA raised and sent as a mass; kidney function unknown",
            about("m", born="1961-03-17", sampled="2026-11-13"),
            lab("b12", 220),
            lab("mma-mass", 106.3),
            cbc(15.0, 94),
        ),
        person(
            38,
            "Kidney disease stage 3 and numb feet: raised MMA is confounded, signs decide",
            about("m", born="1973-09-12", sampled="2026-11-17"),
            problem("ckd3", since="2024-04-18"),
            problem("numb foot", since="2026-10-15"),
            lab("b12", 205),
            lab("mma", 820),
            lab("egfr", 38),
            cbc(14.0, 96),
            lab("potassium", 4.8),
        ),
    ]


def cut_offs() -> list[Person]:
    return [
        person(
            37,
            "Age 69, MMA between the cut-offs of younger and older adults",
            about("f", born="1957-05-20", sampled="2026-11-11"),
            lab("b12", 250),
            lab("mma", 430),
            lab("egfr", 78),
        ),
        person(
            41,
            "Normal B12, MMA raised, no sign or symptom: a puzzle for the clinician",
            about("m", born="1971-02-02", sampled="2026-11-10"),
            lab("b12", 450),
            lab("mma", 560),
            lab("egfr", 91),
            cbc(14.9, 90),
        ),
        person(
            47,
            "B12 low, MMA normal: low without metabolic trace",
            about("m", born="1974-04-01", sampled="2026-11-12"),
            lab("b12", 165),
            lab("mma", 210),
            lab("egfr", 93),
            cbc(14.7, 91),
        ),
        person(
            48,
            "Borderline B12, MMA above the range of its own laboratory only",
            about("m", born="1984-12-19", sampled="2026-11-12"),
            lab("b12", 230),
            lab("mma", 290, limits=(73, 271)),
            lab("egfr", 99),
            cbc(15.3, 93),
        ),
    ]


def nerve_signs() -> list[Person]:
    return [
        person(
            39,
            "Borderline B12, tingling, no MMA yet: treated now",
            about("f", born="1978-08-08", sampled="2026-11-18"),
            problem("paresthesia", since="2026-10-05"),
            lab("b12", 280),
            cbc(12.9, 92),
            lab("potassium", 4.2),
        ),
        person(
            40,
            "Normal B12, MMA raised, balance failing",
            about("f", born="1962-11-01", sampled="2026-11-17"),
            problem("balance", since="2026-09-21"),
            lab("b12", 410),
            lab("mma", 880),
            lab("egfr", 88),
            cbc(13.0, 97),
            lab("potassium", 4.3),
        ),
        person(
            42,
            "Normal B12, numb feet, nothing else measured",
            about("f", born="1976-06-16", sampled="2026-11-11"),
            problem("numb foot", since="2026-10-22"),
            lab("b12", 430),
        ),
    ]


def disagreeing() -> list[Person]:
    return [
        person(
            43,
            "B12 reported as above 1500 without any treatment",
            about("m", born="1980-10-03", sampled="2026-11-10"),
            lab("b12", 1500, sign=">"),
            cbc(14.5, 89),
        ),
        person(
            44,
            "B12 reported as below 220: spans two classes",
            about("f", born="1983-01-08", sampled="2026-11-11"),
            lab("b12", 220, sign="<"),
            cbc(12.6, 93),
        ),
        person(
            45,
            "Total B12 normal, active B12 low on the same day",
            about("f", born="1986-07-27", sampled="2026-11-12"),
            lab("b12", 400),
            lab("active-b12", 18),
            cbc(12.8, 94),
        ),
        person(
            46,
            "Total B12 low, active B12 normal on the same day",
            about("m", born="1969-03-05", sampled="2026-11-12"),
            lab("b12", 150),
            lab("active-b12", 95),
            cbc(14.2, 92),
        ),
        person(
            49,
            "A low result of June that nobody acted on",
            about("f", born="1972-05-13", sampled="2026-06-15"),
            lab("b12", 140),
            cbc(12.4, 96),
        ),
    ]


def people() -> list[Person]:
    return [*kidney(), *cut_offs(), *nerve_signs(), *disagreeing()]

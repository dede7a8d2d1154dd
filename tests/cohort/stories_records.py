"""Demo patients 67-82: statuses, dates and records that are not what one would like."""

from cohort_build import (
    Person,
    about,
    cbc,
    cbc_members,
    lab,
    oral_daily,
    order,
    person,
    problem,
    stub,
    term,
)

SPECIMEN_72 = {"identifier": {"system": "https://lab.example.org/specimen", "value": "S-72-1"}}


def absent(reason: str) -> dict[str, object]:
    return term("data-absent-reason", reason)


def nothing_to_go_by() -> list[Person]:
    return [
        person(
            67,
            "One low result three years old, never treated",
            about("m", born="1981-06-06", sampled="2023-10-17"),
            lab("b12", 120),
        ),
        person(
            68,
            "A result two years old and newly unsteady on the feet",
            about("f", born="1960-01-12", sampled="2024-06-11"),
            problem("unsteady", since="2026-10-23"),
            lab("b12", 150),
        ),
        person(
            69,
            "Tired on metformin, large cells, B12 never measured; panel with members",
            about("f", born="1956-04-24", sampled="2026-11-09"),
            problem("fatigue icd", since="2026-10-27"),
            order("metformin", since="2019-05-05", dosage=oral_daily(850, "mg", times=2)),
            cbc_members("demo-69", hb=12.5, mcv=104, plt=233),
        ),
        person(
            70,
            "Only a preliminary result",
            about("m", born="1969-12-24", sampled="2026-11-20"),
            lab("b12", 140, status="preliminary"),
        ),
        person(
            75,
            "B12 asked for, no value: specimen lost",
            about("f", born="1984-10-10", sampled="2026-11-17"),
            lab("b12", dataAbsentReason=absent("error")),
            cbc(12.4, 90),
        ),
    ]


def withdrawn_or_replaced() -> list[Person]:
    return [
        person(
            71,
            "A retracted result stripped to its id, and an older valid one",
            about("f", born="1979-09-19", sampled="2026-05-21"),
            lab("b12", 390),
            stub("b12-retracted", owned=True),
            stub("b12-orphan", owned=False),
        ),
        person(
            72,
            "160 corrected to 390 on the same specimen",
            about("m", born="1962-02-17", sampled="2026-11-10"),
            lab("b12", 160, slug="b12-first", specimen=SPECIMEN_72),
            lab("b12", 390, slug="b12-corrected", status="corrected", specimen=SPECIMEN_72),
        ),
        person(
            73,
            "An amended borderline result, MMA raised",
            about("f", born="1996-05-04", sampled="2026-11-12"),
            lab("b12", 238, status="amended"),
            lab("mma", 455),
            lab("egfr", 104),
            cbc(12.9, 91),
        ),
        person(
            74,
            "The newest B12 was cancelled; the one before is borderline with a normal MMA",
            about("m", born="1975-03-24", sampled="2026-09-15"),
            lab(
                "b12",
                slug="b12-cancelled",
                at="2026-11-16",
                status="cancelled",
                dataAbsentReason=absent("not-performed"),
            ),
            lab("b12", 240),
            lab("mma", 250),
        ),
    ]


def dates() -> list[Person]:
    return [
        person(
            76,
            "Sample dated to the month only, B12 low",
            about("m", born="1977-11-30", sampled="2026-11-12"),
            lab("b12", 172, effectiveDateTime="2026-10"),
            cbc(14.8, 92),
        ),
        person(
            77,
            "Sampling time as a period, a zone-less time, borderline B12, MMA normal",
            about("f", born="1991-01-25", sampled="2026-11-10"),
            lab(
                "b12",
                208,
                effectiveDateTime=None,
                effectivePeriod={
                    "start": "2026-11-09T18:00:00-05:00",
                    "end": "2026-11-10T07:30:00-05:00",
                },
            ),
            lab("mma", 380),
            lab("mcv", 91, effectiveDateTime="2026-11-10T08:30:00"),
        ),
        person(
            78,
            "A result dated in the future, and a valid one",
            about("m", born="1968-08-28", sampled="2026-11-03"),
            lab("b12", 405),
            lab("b12", 100, at="2027-02-01", slug="b12-future"),
        ),
        person(
            79,
            "Two values at the same moment, neither a correction",
            about("f", born="1973-04-13", sampled="2026-11-12"),
            lab("b12", 195, slug="b12-a"),
            lab("b12", 172, slug="b12-b"),
            cbc(12.5, 94),
        ),
    ]


def persons_themselves() -> list[Person]:
    return [
        person(
            80,
            "Died since the low result: nothing to propose",
            about("m", born="1949-07-08", sampled="2026-10-20"),
            lab("b12", 100),
            cbc(13.6, 95),
            deceasedDateTime="2026-11-05",
        ),
        person(
            81,
            "Record set inactive, B12 low: nothing to propose",
            about("f", born="1987-12-02", sampled="2026-11-12"),
            lab("b12", 140),
            cbc(12.6, 91),
            active=False,
        ),
        person(
            82,
            "Only the year of birth is known, B12 low",
            about("m", born="1972", sampled="2026-11-12"),
            lab("b12", 170),
            cbc(14.5, 92),
        ),
    ]


def people() -> list[Person]:
    return [*nothing_to_go_by(), *withdrawn_or_replaced(), *dates(), *persons_themselves()]

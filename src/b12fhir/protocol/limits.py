"""Every clinical number that a rule compares with, by name.

The field names are the ids of ``knowledge/limits.toml``; the loader refuses a missing or an extra
one. Units stand in the TOML beside label, effective date and citation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from b12fhir.kernel.analyte import Analyte


@dataclass(frozen=True, slots=True)
class Band:
    """Native limits of one unit: below ``low`` confirmed, above ``high`` unlikely, else between."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """A limit that holds from ``from_years`` (inclusive) to ``to_years`` (exclusive)."""

    from_years: Decimal
    to_years: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class AnaemiaLimit:
    """WHO 2024 haemoglobin limits of one group, g/L.

    Anaemic below ``limit``, moderate below ``mild`` (lower end of the mild band), severe below
    ``severe``.

    The group holds from ``from_years`` (inclusive) to ``to_years`` (exclusive); ``sex`` is
    ``female``, ``male`` or ``""`` for both; ``trimester`` is 0 outside pregnancy.
    """

    group: str
    sex: str
    from_years: Decimal
    to_years: Decimal
    trimester: int
    limit: Decimal
    mild: Decimal
    severe: Decimal


@dataclass(frozen=True, slots=True)
class DoseWindow:
    """How far from its day a dose is still on time, in days.

    It holds for doses that are ``from_days`` or more apart. On time from ``early`` days before the
    day to ``late`` days after it, then overdue, and missed after more than ``missed_after``. A dose
    sooner than ``least_gap`` days after the one before it is not counted.
    """

    from_days: int
    early: int
    late: int
    missed_after: int
    least_gap: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of sections 2 to 8, 12 and 16 to 18; see the TOML for units and sources.

    ``horizon_months`` is how far the dates of open-ended items are written out.
    """

    bands: Mapping[tuple[Analyte, str], Band]
    mma_cutoff: tuple[AgeLimit, ...]
    anaemia: Mapping[str, AnaemiaLimit]
    dose_windows: tuple[DoseWindow, ...]
    stale_after_days: int
    join_days: int
    on_treatment_injection_days: int
    on_treatment_oral_days: int
    course_running_days: int
    baseline_potassium_days: int
    baseline_blood_count_days: int
    baseline_folate_iron_days: int
    neuro_observation_days: int
    neuro_new_days: int
    untreated_warning_months: int
    b12_high_ng_l: Decimal
    b12_high_pmol_l: Decimal
    mma_older_watch_low: Decimal
    mma_older_watch_age: int
    urine_mma_high: Decimal
    homocysteine_high: Decimal
    folate_low: Decimal
    egfr_confounds_below: Decimal
    egfr_prefer_hydroxo_below: Decimal
    potassium_low: Decimal
    mcv_high: Decimal
    hematocrit_low: Decimal
    ferritin_low: Decimal
    transferrin_saturation_low: Decimal
    wbc_low: Decimal
    platelets_low: Decimal
    platelets_im_caution_below: Decimal
    adult_from_years: int
    older_risk_above_years: int
    trimester_2_from_week: int
    trimester_3_from_week: int
    pregnancy_longest_weeks: int
    ileum_permanent_above_cm: Decimal
    metformin_months: int
    acid_blocker_months: int
    exposure_merge_days: int
    exposure_recent_days: int
    injection_dose_counts_ug: Decimal
    oral_daily_counts_ug: Decimal
    folic_acid_masks_above_mg: Decimal
    recheck_months: int
    horizon_months: int
    load_gap_days: int
    next_phase_notice_days: int
    max_single_dose_ug: Decimal
    cyanide_antidote_from_ug: Decimal
    dose_ratio_low: Decimal
    dose_ratio_high: Decimal
    b12_masks_folate_above_ug: Decimal

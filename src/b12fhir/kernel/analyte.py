"""What a laboratory measures, by the ids of the protocol's analyte table."""

from b12fhir.kernel.words import Word


class Analyte(Word):
    """What was measured. Values are the ids in the protocol's analyte table."""

    B12_TOTAL = "b12_total"
    B12_ACTIVE = "b12_active"
    MMA = "mma"
    MMA_URINE = "mma_urine_creatinine"
    HOMOCYSTEINE = "homocysteine"
    FOLATE = "folate"
    HEMOGLOBIN = "hemoglobin"
    HEMATOCRIT = "hematocrit"
    MCV = "mcv"
    RBC = "rbc"
    WBC = "wbc"
    PLATELETS = "platelets"
    RETIC_PCT = "retic_pct"
    RETIC_COUNT = "retic_count"
    POTASSIUM = "potassium"
    CREATININE = "creatinine"
    EGFR = "egfr"
    FERRITIN = "ferritin"
    TRANSFERRIN_SATURATION = "transferrin_saturation"
    TSH = "tsh"
    COPPER = "copper"

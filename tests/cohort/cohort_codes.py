"""The codes the cohort's records are written with: LOINC, SNOMED CT, ICD-10-CM, RxNorm."""

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
BASE = "https://b12fhir.example/fhir"

EGFR_CKD_EPI = (
    "Glomerular filtration rate [Volume Rate/Area] in Serum, Plasma or Blood by "
    "Creatinine-based formula (CKD-EPI 2021)/1.73 sq M"
)
EGFR_MDRD = (
    "Glomerular filtration rate [Volume Rate/Area] in Serum or Plasma by "
    "Creatinine-based formula (MDRD)/1.73 sq M"
)

# analyte: (LOINC code, display, UCUM unit most senders use)
LABS = {
    "b12": ("2132-9", "Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma", "pg/mL"),
    "b12-moles": ("14685-2", "Cobalamin (Vitamin B12) [Moles/volume] in Serum or Plasma", "pmol/L"),
    "b12-either": ("35201-3", "Cobalamin (Vitamin B12) [Mass or Moles/volume] in Serum", "pmol/L"),
    "b12-blood": ("16695-9", "Cobalamin (Vitamin B12) [Mass/volume] in Blood", "pg/mL"),
    "b12-old": ("2170-9", "Deprecated Cyanocobalamin.true [Mass/volume] in Serum", "pg/mL"),
    "active-b12": ("72160-5", "Holotranscobalamin II [Moles/volume] in Serum", "pmol/L"),
    "mma": ("13964-2", "Methylmalonate [Moles/volume] in Serum or Plasma", "nmol/L"),
    "mma-mass": ("2629-4", "Methylmalonate [Mass/volume] in Serum or Plasma", "ug/L"),
    "mma-urine": (
        "25116-5",
        "Methylmalonate/Creatinine [Molar ratio] in Urine",
        "mmol/mol{creat}",
    ),
    "hcy": ("13965-9", "Homocysteine [Moles/volume] in Serum or Plasma", "umol/L"),
    "folate": ("14732-2", "Folate [Moles/volume] in Serum or Plasma", "nmol/L"),
    "hb": ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL"),
    "hb-moles": ("59260-0", "Hemoglobin [Moles/volume] in Blood", "mmol/L"),
    "hct": ("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", "%"),
    "mcv": ("787-2", "MCV [Entitic mean volume] in Red Blood Cells by Automated count", "fL"),
    "rbc": ("789-8", "Erythrocytes [#/volume] in Blood by Automated count", "10*6/uL"),
    "wbc": ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL"),
    "plt": ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL"),
    "retic": ("17849-1", "Reticulocytes/Erythrocytes in Blood by Automated count", "%"),
    "potassium": ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L"),
    "creatinine": ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL"),
    "egfr": (
        "98979-8",
        EGFR_CKD_EPI,
        "mL/min/{1.73_m2}",
    ),
    "egfr-mdrd": (
        "33914-3",
        EGFR_MDRD,
        "mL/min",
    ),
    "ferritin": ("2276-4", "Ferritin [Mass/volume] in Serum or Plasma", "ng/mL"),
    "gestation": ("49051-6", "Gestational age in weeks", "wk"),
}
PANEL = ("58410-2", "CBC panel - Blood by Automated count")
IF_ANTIBODY = ("24383-2", "Intrinsic factor Ab [Presence] in Serum by Immunoassay")
PREGNANCY_STATUS = ("82810-3", "Pregnancy status")

# name used below: (system, code, display)
PROBLEMS = {
    "pernicious anaemia": (SNOMED, "84027009", "Pernicious anemia"),
    "crohn ileum": (SNOMED, "196977009", "Crohn's disease of terminal ileum"),
    "coeliac": (ICD10, "K90.0", "Celiac disease"),
    "overgrowth": (SNOMED, "446081009", "Small bowel bacterial overgrowth syndrome"),
    "diabetes": (SNOMED, "44054006", "Diabetes mellitus type 2"),
    "polyneuropathy": (SNOMED, "42345000", "Polyneuropathy"),
    "polyneuropathy icd": (ICD10, "G62.9", "Polyneuropathy, unspecified"),
    "neuropathy": (SNOMED, "386033004", "Neuropathy"),
    "paresthesia": (SNOMED, "91019004", "Paresthesia"),
    "numb hand": (SNOMED, "309521004", "Numbness of hand"),
    "numb foot": (SNOMED, "309538000", "Numbness of foot"),
    "numb leg": (SNOMED, "309537005", "Numbness of lower limb"),
    "ataxic gait": (SNOMED, "25136009", "Ataxic gait"),
    "unsteady": (ICD10, "R26.81", "Unsteadiness on feet"),
    "balance": (SNOMED, "387603000", "Impairment of balance"),
    "fatigue": (SNOMED, "84229001", "Fatigue"),
    "fatigue icd": (ICD10, "R53.83", "Other fatigue"),
    "breathless on exertion": (SNOMED, "60845006", "Dyspnea on exertion"),
    "depression": (SNOMED, "35489007", "Depressive disorder"),
    "vegan": (SNOMED, "24930006", "Vegan"),
    "vegetarian": (SNOMED, "300928006", "Vegetarian"),
    "inhalant": (SNOMED, "70340006", "Inhalant abuse"),
    "n2o anaemia": (
        SNOMED,
        "73891003",
        "Acute megaloblastic anemia caused by nitrous oxide",
    ),
    "ckd3": (SNOMED, "433144002", "Chronic kidney disease stage 3"),
    "ckd4": (SNOMED, "431857002", "Chronic kidney disease stage 4"),
    "pregnancy": (SNOMED, "77386006", "Pregnancy"),
    "breastfeeding": (SNOMED, "413712001", "Breastfeeding (mother)"),
    "leber": (SNOMED, "58610003", "Leber's optic atrophy"),
    "polycythaemia vera": (ICD10, "D45", "Polycythemia vera"),
    "iron deficiency": (SNOMED, "35240004", "Iron deficiency"),
}

OPERATIONS = {
    "total gastrectomy": ("26452005", "Total gastrectomy"),
    "lap total gastrectomy": ("708987006", "Laparoscopic total gastrectomy"),
    "gastrectomy": ("53442002", "Gastrectomy"),
    "gastric bypass": ("442338001", "Bypass of stomach"),
    "roux-en-y": (
        "443906008",
        "Bypass of stomach with short limb Roux-en-Y gastroenterostomy",
    ),
    "sleeve": ("427074001", "Laparoscopic sleeve gastrectomy"),
    "ileal resection": ("307193005", "Resection of terminal ileum"),
    "ileocaecal resection": ("359587007", "Resection of cecum and terminal ileum"),
}

DRUGS = {
    "metformin": (RXNORM, "861007", "Metformin hydrochloride 500 MG Oral Tablet"),
    "metformin er": (
        RXNORM,
        "860975",
        "Metformin hydrochloride 500 MG Extended Release Oral Tablet",
    ),
    "omeprazole": (RXNORM, "7646", "Omeprazole"),
    "pantoprazole": (ATC, "A02BC02", "pantoprazole"),
    "folic acid": (RXNORM, "4511", "Folic Acid"),
    "apixaban": (RXNORM, "1364430", "apixaban"),
    "ethinyl estradiol": (RXNORM, "4124", "Ethinyl Estradiol"),
    "cyanocobalamin": (RXNORM, "11248", "Vitamin B 12"),
}

ROUTES = {
    "im": ("78421000", "Intramuscular route"),
    "oral": ("26643006", "Oral route"),
}

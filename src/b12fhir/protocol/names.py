"""Names by which decisions, plans and extractors ask for protocol data; the lint holds them.

They are a contract: a file that lacks one would fail a patient at run time, one that has more holds
data which nobody reads.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What can govern a treatment (section 7); an inborn defect gets no regimen.
CAUSES = _words(
    """
    pernicious-anaemia autoimmune-gastritis gastrectomy-total gastrectomy-partial ileum-over-20cm
    bariatric coeliac bacterial-overgrowth blind-loop pancreatic-insufficiency fish-tapeworm
    atrophic-gastritis malabsorption ileal-disease ileal-resection-length-unknown nitrous-oxide
    metformin acid-blocker other-drug vegan vegetarian restrictive-diet unknown
    """
)

# Conditions with a row of their own, which holds whatever the cause.
CONDITIONS = _words("leber")

# Roles of concepts in conditions, procedures, findings, diets and statuses.
CLINICAL_ROLES = _words(
    """
    neuro-sign neuro-mimic-diabetes mood symptom anaemia-symptom dyspnea-at-rest anaemia
    macrocytosis pancytopenia hypersegmentation polycythaemia-vera bleeding-disorder
    thrombocytopenia anticoagulant b12-deficiency-on-record pernicious-anaemia atrophic-gastritis
    gastrectomy-total gastrectomy-partial ileal-resection ileal-crohn bariatric bariatric-bypass
    reversible-malabsorption coeliac bacterial-overgrowth blind-loop pancreatic-insufficiency
    fish-tapeworm malabsorption congenital vegan vegetarian restrictive-diet n2o inhalant-unnamed
    autoimmune-risk family-history-risk ibd radiotherapy-abdomen-pelvis pregnancy
    pregnancy-possible not-pregnant breastfeeding premature-infant oral-contraceptive
    ckd-confounds ckd-unknown-stage dialysis leber possible-leber anaphylaxis-history b12-allergen
    diabetes folate-deficiency iron-deficiency copper-deficiency thyroid-disease hiv myeloma
    liver-disease myeloproliferative asks-only
    monitoring-available monitoring-missing oral-failure unsteady-intake
    """
)

# Roles of ingredients.
MEDICINE_ROLES = _words(
    """
    b12 b12-combination metformin ppi h2-blocker other-risk-drug folic-acid anticoagulant-drug
    oral-contraceptive-drug n2o-drug
    """
)

# Yes/no tests.
PRESENCE_TESTS = _words(
    """
    intrinsic-factor-antibody parietal-cell-antibody gastrin-raised hypersegmented-neutrophils
    macrocytes coeliac-serology
    """
)

# Monitoring sets that planning asks for; rows of a pack may name further ones.
MONITORING_SETS = _words(
    """
    k-course k-before response-early follow-up follow-up-mma follow-up-hcy review review-mother
    neuro pernicious polycythaemia b12-yearly
    """
)

# Routes with a needle, and the others that a product can have.
INJECTED = frozenset({"im", "sc"})
SWALLOWED = frozenset({"oral", "sublingual", "nasal"})

"""What whoever gives or takes the doses is told with every plan (R-96 to R-98)."""

from b12fhir.plan.model import Phase

_PRESCRIBER = (
    "Route, dose and interval change only with the prescriber, also at the patient's wish (R-97)."
)
_AT_HOME = (
    "No injection into one's own muscle. At home only subcutaneous, prescribed as such, with dose,"
    " sterile technique and label check taught and the first injections supervised; not with severe"
    " disease, fear of needles, a complex history or an earlier reaction to B12 (R-96)."
)
_SITE = "Record the site of each injection and change it; the needle fits build and site (R-98)."


def conduct(planned: tuple[Phase, ...]) -> tuple[str, ...]:
    """The sentences that belong to these phases; none without a medicine."""
    if not planned:
        return ()
    injected = any(phase.volume_ml is not None for phase in planned)
    return (_PRESCRIBER, _AT_HOME, _SITE) if injected else (_PRESCRIBER,)

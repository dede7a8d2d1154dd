"""In which band a B12 result lies, by the native limits of its unit (R-27 to R-30)."""

from b12fhir.facts.labs import LabResult
from b12fhir.kernel.words import Word
from b12fhir.protocol.limits import Limits

_FROM_THE_WORST = ("low", "spans", "middle", "high")


class BandName(Word):
    """Low, middle (both limits included) or high; ``SPANS`` if an interval reaches several.

    The worse band has the lower ``rank``.
    """

    LOW = "low"
    SPANS = "spans"
    MIDDLE = "middle"
    HIGH = "high"

    rank: int

    def __init__(self, word: str) -> None:
        self.rank = _FROM_THE_WORST.index(word)  # pragma: no mutate


def band_of(limits: Limits, result: LabResult) -> BandName | None:
    """Band of a total or active B12 result; ``None`` for any other analyte."""
    amount = result.amount
    band = limits.bands.get((result.analyte, amount.unit))
    if band is None:
        return None
    low = amount.below(band.low)
    if low.is_yes:
        return BandName.LOW
    high = amount.above(band.high)
    if high.is_yes:
        return BandName.HIGH
    return BandName.MIDDLE if low.is_no and high.is_no else BandName.SPANS

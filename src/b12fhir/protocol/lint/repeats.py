"""What stands twice where it may stand once."""

from collections import Counter
from collections.abc import Iterable, Iterator

from b12fhir.protocol.problems import Problem


def repeats(file: str, key: str, names: Iterable[str]) -> Iterator[Problem]:
    """A problem for each name that occurs more than once: which of them would count is open."""
    for name, times in Counter(names).items():
        if times > 1:
            yield Problem(file, key, f"{name} stands {times} times: which one counts is open")

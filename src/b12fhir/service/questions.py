"""The clinical questions in the order of the pathway, and which rules answer which.

The order is that of ``decision/decide.py``; regimen and monitoring follow from the plan. A rule
stands under the question named for it here, else under that of its section of the rule book.
"""

from dataclasses import dataclass

from b12fhir.protocol.model import Rule


@dataclass(frozen=True, slots=True)
class Question:
    """One question; ``sections`` of the rule book and single ``rules`` that answer it."""

    id: str
    text: str
    sections: tuple[int, ...] = ()
    rules: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        "person",
        "Who is it, and may a proposal be made?",
        (18,),
        rules=("R-52", "R-175"),
    ),
    Question("results", "Which results count?", (2,)),
    Question("given", "Is vitamin B12 being given already?", (12,), rules=("R-12", "R-21")),
    Question("class", "Is there a deficiency?", (3,), rules=("R-09", "R-11")),
    Question("anaemia", "Is there anaemia?", (4,), rules=("R-14",)),
    Question("nerves", "Are nerves involved?", (5,)),
    Question("signs", "Which other symptoms, signs and risks?", (1,)),
    Question("severity", "How severe is it?", (6,)),
    Question("cause", "What is the cause?", (7,)),
    Question(
        "stops",
        "Does anything forbid a regimen?",
        rules=("R-82", "R-163", "R-164", "R-165", "R-166", "R-167"),
    ),
    Question("route", "By which route?", (8,)),
    Question("regimen", "Which regimen?", (9, 10, 11, 15, 22)),
    Question("monitoring", "What is to be checked, and when?", (13, 14, 20), rules=("R-10",)),
    Question("cautions", "What is to be heeded?", (16, 19, 21)),
    Question("mimics", "What else could it be?", (17,), rules=("R-185",)),
    Question(
        "urgency",
        "How soon?",
        rules=("R-61", "R-62", "R-63", "R-64"),
    ),
)

_BY_RULE = {rule: question.id for question in QUESTIONS for rule in question.rules}
_BY_SECTION = {section: question.id for question in QUESTIONS for section in question.sections}


def question_of(rule: Rule) -> str:
    """Id of the question that the rule helps to answer."""
    return _BY_RULE.get(rule.id) or _BY_SECTION[rule.section]

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
        sections=(18,),
        rules=("R-52", "R-175"),
    ),
    Question("results", "Which results count?", sections=(2,)),
    Question(
        "given",
        "Is vitamin B12 being given or ordered already?",
        sections=(9, 12),
        rules=("R-12", "R-21"),
    ),
    Question("nerves", "Are nerves involved?", rules=("R-58", "R-59")),
    Question("blood", "What does the blood show?", sections=(4,), rules=("R-14",)),
    Question("signs", "Which other symptoms, signs and risks?", sections=(1,)),
    Question(
        "class",
        "What is it: is there a deficiency?",
        sections=(3,),
        rules=("R-09", "R-11", "R-22", "R-27"),
    ),
    Question("severity", "How severe is it?", sections=(6,)),
    Question("cause", "Why: what is the cause?", sections=(7,)),
    Question(
        "stops",
        "What forbids a regimen, a product or an order?",
        rules=("R-82", "R-163", "R-165", "R-167"),
    ),
    Question("action", "What is to be done?", rules=("R-69", "R-118")),
    Question("route", "By which route?", sections=(8,)),
    Question("regimen", "Which regimen?", sections=(10, 11, 15, 22)),
    Question(
        "monitoring",
        "What is to be checked, and when?",
        sections=(13, 14, 20),
        rules=("R-07", "R-10"),
    ),
    Question(
        "cautions",
        "What is to be heeded?",
        sections=(16, 19, 21),
        rules=("R-60", "R-178", "R-179", "R-180"),
    ),
    Question("mimics", "What else could it be?", sections=(17,), rules=("R-185",)),
    Question("urgency", "How soon?", sections=(5,)),
)

_BY_RULE = {rule: question.id for question in QUESTIONS for rule in question.rules}
_BY_SECTION = {section: question.id for question in QUESTIONS for section in question.sections}


def question_of(rule: Rule) -> str:
    """Id of the question that the rule helps to answer."""
    return _BY_RULE.get(rule.id) or _BY_SECTION[rule.section]

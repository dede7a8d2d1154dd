"""Reports for people: order, words, escaping, and that nobody can be identified by them."""

import io
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from b12fhir.adapters.report import Terminal, one_line, page, words
from b12fhir.adapters.report.view import ordered, urgent_line, view
from b12fhir.decision.model import (
    Classification,
    Decision,
    Intent,
    RejectedRoute,
    SeverityGrade,
    Urgency,
)
from b12fhir.kernel.evidence import Finding, Input, Issue, Remark, Severity
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Plan
from b12fhir.protocol.model import Review
from b12fhir.service import Proposal
from b12fhir.service.gist import Gist
from tests.support import builders

AS_OF = datetime(2026, 11, 21, 10, 17, tzinfo=ZoneInfo("Asia/Kathmandu"))
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e&\"'"
NOTHING = Plan("none", builders.D0)


def proposal(patient="Patient/p1", plan=None, issues=(), pack=None, **changes) -> Proposal:
    """The urgent patient of the builders, changed."""
    changes.setdefault("intent", Intent("treat", "im"))
    decision: Decision = builders.build_decision(**changes)
    facts = replace(builders.build_facts(patient), issues=tuple(issues))
    protocol = builders.build_protocol(pack)
    plan = plan or builders.build_plan()
    return Proposal(facts, decision, plan, protocol, AS_OF, builders.SITE)


def routine(patient: str, **changes) -> Proposal:
    defaults = {
        "classification": Classification.UNLIKELY,
        "severity": SeverityGrade.NONE,
        "urgency": Urgency.ROUTINE,
        "neuro": False,
        "intent": Intent("none"),
    }
    return proposal(patient, NOTHING, **(defaults | changes))


def html(*proposals: Proposal, issues=()) -> str:
    return page(Gist.of(proposals), issues, proposals[0].protocol.pack, AS_OF).decode()


def screen(width: int) -> tuple[Terminal, io.StringIO]:
    stream = io.StringIO()
    return Terminal(stream, {"COLUMNS": str(width)}), stream


class Outline(HTMLParser):
    """Tags, ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")


# Order and words.


def test_the_most_urgent_come_first_then_the_most_severe():
    soon = routine("Patient/a", urgency=Urgency.SOON)
    mild = routine("Patient/b", severity=SeverityGrade.MILD)
    last = routine("Patient/c")
    first = proposal("Patient/z")
    found = [one.patient for one in ordered(Gist.of([last, mild, soon, first]))]
    assert found == ["Patient/z", "Patient/a", "Patient/b", "Patient/c"]


def test_equal_patients_stand_by_reference_whatever_the_input_order():
    pair = [routine("Patient/b"), routine("Patient/a")]
    assert ordered(Gist.of(pair)) == ordered(Gist.of(pair[::-1]))


@pytest.mark.parametrize(
    ("urgent", "of", "says"),
    [(0, 1, "Urgent found: 0 of 1"), (1, 2, "1 of 2 needs action"), (2, 3, "2 of 3 need action")],
)
def test_the_urgent_are_counted_even_when_there_are_none(urgent, of, says):
    some = [proposal(f"Patient/u{n}") for n in range(urgent)]
    others = [routine(f"Patient/r{n}") for n in range(of - urgent)]
    assert says in urgent_line(Gist.of(some + others))


def test_every_class_and_urgency_has_words():
    assert set(words.CLASSES) == set(Classification)
    assert set(words.URGENCIES) == set(Urgency)


def test_a_plan_names_product_dose_route_times_and_days():
    plan = builders.build_plan(phases=(builders.build_phase(), builders.build_maintenance()))
    assert view(proposal(plan=plan)).plan == (
        "hydroxocobalamin 1000 microgram/mL solution for injection: 1000 microgram intramuscular"
        " every 2 days x 7, then once a month open-ended, from 2026-11-21."
    )


def test_a_change_of_product_or_dose_is_said_again():
    load = builders.build_phase(dose=builders.AMPOULE.strength / 2, count=1)
    plan = builders.build_plan(phases=(builders.build_phase(), load, builders.build_oral()))
    text = view(proposal(plan=plan)).plan
    assert "then 500 microgram intramuscular once, then" in text
    assert "cyanocobalamin 1000 microgram tablet: 1000 (up to 2000) microgram oral" in text
    assert text.endswith("once a day for 12 weeks, from 2026-11-21.")


@pytest.mark.parametrize(
    ("plan", "intent", "says"),
    [
        (NOTHING, Intent("none"), "No proposal."),
        (NOTHING, Intent("none", orders=("b12", "b12")), "Order: Total vitamin B12."),
        (NOTHING, Intent("confirm", orders=("some_test",)), "Confirm first: some test."),
        (
            builders.build_plan(kind="confirm", phases=()),
            Intent("confirm"),
            "Confirm first: Potassium, Full blood count, Total vitamin B12, Clinical review.",
        ),
    ],
)
def test_a_plan_without_medicine_says_what_to_do(plan, intent, says):
    assert view(proposal(plan=plan, intent=intent, contraindications=())).plan == says


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (NOTHING, "No regimen. Allergy to cobalt: no vitamin B12 product is proposed."),
        (
            builders.build_plan(kind="stop", phases=(), monitoring=builders.MONITORING[:1]),
            "No regimen. Allergy to cobalt: no vitamin B12 product is proposed. Tests: Potassium.",
        ),
    ],
)
def test_a_stop_says_why_and_is_not_called_a_confirmation(plan, says):
    text = "Allergy to cobalt: no vitamin B12 product is proposed. Refer to an allergist."
    stop = Remark("cobalt", text, "R-163")
    shown = view(proposal(plan=plan, intent=Intent("stop"), contraindications=(stop,)))
    assert shown.plan == says


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("b12-already-given-or-ordered", "deceased"), "No proposal: the patient has died."),
        (("record-not-active",), "No proposal: the record is not active, or was merged"),
        (("stale", "b12-already-given-or-ordered"), "No proposal: vitamin B12 is already being"),
        (("data-quality",), "No proposal until the B12 result can be read."),
        (("stale",), "No proposal."),
    ],
)
def test_a_deficient_patient_without_a_proposal_is_not_left_unexplained(flags, says):
    shown = view(proposal(plan=NOTHING, intent=Intent("none"), flags=flags, contraindications=()))
    assert shown.plan.startswith(says)


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("Folate is not known.", "Folate is not known"),
        ("MMA: B12 is in the middle band; raised, it confirms.", "MMA: B12 is in the middle band"),
        (
            "No cause is on record: look for one with " + "x" * 60 + ". Then.",
            "No cause is on record",
        ),
        ("x" * 90, "x" * 90),
        ("Below 1.5 mmol/L. Ask.", "Below 1.5 mmol/L"),
    ],
)
def test_a_table_shows_the_lead_of_a_question(text, brief):
    assert words.short(text) == brief


def test_prophylaxis_is_not_called_treatment():
    plan = builders.build_plan(kind="prophylaxis")
    assert view(proposal(plan=plan)).plan.startswith("Prophylaxis: ")


def test_phases_say_when_they_end_and_under_which_conditions():
    phase = builders.build_oral(gate="Only after week 8.", reviews=(builders.D0,))
    (row,) = view(proposal(plan=builders.build_plan(phases=(phase,)))).phases
    assert row.cells[-2] == "2027-02-13"
    assert row.cells[-1] == "Only after week 8. Review on 2026-11-21."


def test_reasons_carry_rule_sentence_facts_and_source():
    (reason,) = view(proposal(findings=(Finding("R-28", Truth.YES, (builders.B12_LOW,)),))).reasons
    assert reason.rule == "R-28"
    assert reason.truth == "yes"
    assert reason.facts == ("120 ng/L on 2026-11-10 [Observation/b12-1]",)
    assert reason.citation.startswith("S004")


def test_a_rule_missing_from_the_catalogue_still_shows_its_note():
    (reason,) = view(proposal(findings=(Finding("R-999", Truth.NO, (), "why"),))).reasons
    assert (reason.text, reason.citation) == ("why", "")


def test_routes_and_regimens_not_chosen_are_both_shown_once():
    route = RejectedRoute("oral 1000 daily", "the cause prevents absorption", "R-105")
    other = RejectedRoute("nasal", "no product", "R-93")
    shown = view(proposal(intent=Intent("treat", "im", rejected_routes=(route, other)))).rejected
    assert shown == (
        "oral 1000 daily: the cause prevents absorption (R-105)",
        "nasal: no product (R-93)",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc  d", "a b c d"),
        ("\x1b[2J", "\ufffd[2J"),
        ("\u202eabc", "\ufffdabc"),
        ("\x9b31m", "\ufffd31m"),
        ("\ud800", "\ufffd"),
        ("Größe µg 120 ng/L", "Größe µg 120 ng/L"),
    ],
)
def test_text_from_a_record_cannot_steer_a_terminal(text, shown):
    assert one_line(text) == shown


@pytest.mark.parametrize(
    ("review", "says"),
    [
        (Review("unreviewed"), "unreviewed: no clinician has signed this pack"),
        (Review("reviewed", "Dr A", builders.D0), "reviewed by Dr A on 2026-11-21"),
    ],
)
def test_every_output_says_who_signed_the_pack(review, says):
    one = proposal(pack=builders.build_pack(review=review))
    terminal, stream = screen(200)
    terminal.summary(Gist.of([one]))
    assert says in stream.getvalue()
    assert says in re.sub("<[^>]+>", "", html(one))


# The terminal.


@pytest.mark.parametrize("width", [60, 80, 109, 110, 140, 200])
def test_the_table_fits_and_shows_everyone_at_any_width(width):
    terminal, stream = screen(width)
    long = routine("Patient/7110d82f-aeb7-475c-9024-551107adfe0d")
    terminal.summary(Gist.of([long, proposal("Patient/p1")]))
    shown = stream.getvalue().splitlines()
    assert max(len(line) for line in shown) <= width
    assert "p1" in stream.getvalue()
    assert "7110d82f" in stream.getvalue()
    assert "URGENT" in stream.getvalue()


def test_without_a_terminal_or_columns_the_table_is_wide_and_plain():
    stream = io.StringIO()
    Terminal(stream, {}).summary(Gist.of([proposal()]))
    assert "\x1b" not in stream.getvalue()
    assert "Open questions" in stream.getvalue()


def test_where_nobody_was_assessed_there_is_no_table_and_no_word_of_urgency():
    terminal, stream = screen(100)
    terminal.summary(Gist.of([]))
    assert stream.getvalue() == "No patient was assessed.\n"


def test_many_open_questions_are_shortened_in_the_table_only():
    gaps = tuple(Remark(f"g{n}", f"Question {n}.", "R-1") for n in range(5))
    terminal, stream = screen(240)
    terminal.summary(Gist.of([proposal(gaps=gaps)]))
    assert "and 2 more" in stream.getvalue()
    terminal.detail(Gist.of([proposal(gaps=gaps)]))
    assert "Question 4." in stream.getvalue()


def test_the_detail_shows_everything_that_was_decided_and_set_aside():
    issue = Issue("unit", Severity.ERROR, "Observation/9", "Observation/9 has no unit.")
    terminal, stream = screen(200)
    terminal.detail(Gist.of([proposal(issues=[issue], flags=("treat_now",))]))
    shown = stream.getvalue()
    for text in (
        "Patient/p1",
        "flags: treat now",
        "R-28 yes",
        "Folate is not known.",
        "Potassium may fall.",
        "Never give cobalamin into a vein.",
        "Copper deficiency.",
        "pernicious anemia: confirmed, governs the treatment",
        "the cause prevents absorption",
        "Do not wait for further results",
        "error: Observation/9 has no unit.",
        "then every year",
    ):
        assert text in shown


def test_hostile_text_reaches_a_terminal_harmless():
    terminal, stream = screen(200)
    terminal.detail(Gist.of([proposal(gaps=(Remark("x", HOSTILE, "R-1"),))]))
    terminal.lines([HOSTILE])
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_markup_like_text_is_shown_as_it_is():
    terminal, stream = screen(200)
    terminal.detail(Gist.of([proposal(gaps=(Remark("x", "[bold]x[/bold] :smile:", "R-1"),))]))
    assert "[bold]x[/bold] :smile:" in stream.getvalue()


def test_progress_is_silent_without_a_terminal():
    terminal, stream = screen(80)
    with terminal.progress("Assessing") as ticker:
        ticker.begin(2)
        ticker.step()
    assert stream.getvalue() == ""


def test_progress_shows_on_a_terminal():
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Tty()
    with Terminal(stream, {"TERM": "xterm", "COLUMNS": "80"}).progress("Assessing") as ticker:
        ticker.begin(2)
        ticker.step()
        ticker.step()
    assert "2/2" in stream.getvalue()


# The page.


def test_the_page_is_self_contained_and_without_script():
    outline = Outline(html(proposal(), routine("Patient/p2")))
    assert "script" not in outline.tags
    assert "img" not in outline.tags
    assert all(link.startswith("#") for link in outline.links)
    assert not any(name.startswith("on") for name in outline.attributes)


def test_every_link_of_the_page_leads_somewhere_and_no_id_is_given_twice():
    outline = Outline(html(proposal(), routine("Patient/p2")))
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))


def test_the_page_can_be_read_by_ear():
    text = html(proposal())
    outline = Outline(text)
    assert '<html lang="en">' in text
    assert outline.tags.count("h1") == outline.tags.count("main") == 1
    for table in re.findall(r"<thead>.*?</thead>", text, re.DOTALL):
        assert "<th>" not in table
        assert '<th scope="col">' in table


def test_text_from_a_record_is_escaped_on_the_page():
    finding = Finding("R-28", Truth.YES, (Input("Observation/1", HOSTILE),))
    issue = Issue("x", Severity.WARNING, "", HOSTILE)
    text = html(
        proposal(gaps=(Remark("x", HOSTILE, "R-1"),), findings=(finding,), issues=[issue]),
        issues=[HOSTILE],
    )
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text


def test_a_hostile_reference_cannot_leave_its_attribute():
    assert '"><script' not in html(proposal('Patient/"><script>alert(1)</script>'))


def test_the_page_says_what_it_is_and_what_was_not_read():
    text = html(proposal(), issues=["error: a.ndjson line 3 is not readable."])
    assert "Proposal, not an order." in text
    assert "a.ndjson line 3 is not readable." in text
    assert "Assessed as of" in text
    assert "Asia/Kathmandu" in text


def test_the_same_input_gives_the_same_page():
    both = [proposal("Patient/a"), routine("Patient/b")]
    assert html(*both) == html(*both[::-1])


def test_an_empty_report_is_still_a_page():
    pack = builders.build_pack()
    assert b"Urgent found: 0 of 0" in page(Gist(), [], pack, AS_OF)

"""Reasons are sorted by kind at the end; one that is lost or said twice would mislead a reader."""

from b12fhir.decision.reasons import by_kind, caution, contraindication, flag, found, gap, mimic
from b12fhir.kernel.evidence import Remark
from b12fhir.kernel.truth import Truth
from tests.support.facts import concept

SIGN, OTHER = concept("ataxia"), concept("paresthesia")


def test_each_kind_keeps_its_order() -> None:
    told = by_kind(
        flag("urgent")
        + gap("b", "Second?", "R-02")
        + found("R-58", (SIGN,))
        + gap("a", "First?", "R-01")
        + caution("c", "Mind.", "R-03")
        + contraindication("d", "Never.", "R-04")
        + mimic("e", "Or this.", "R-05")
        + flag("leber")
    )
    assert [one.rule for one in told.findings] == ["R-58"]
    assert told.gaps == (Remark("b", "Second?", "R-02"), Remark("a", "First?", "R-01"))
    assert (told.cautions, told.contraindications, told.mimics) == (
        (Remark("c", "Mind.", "R-03"),),
        (Remark("d", "Never.", "R-04"),),
        (Remark("e", "Or this.", "R-05"),),
    )
    assert told.flags == ("leber", "urgent")


def test_what_is_said_twice_is_kept_once() -> None:
    twice = found("R-58", (SIGN,)) + gap("a", "First?", "R-01") + flag("leber")
    assert by_kind(twice + twice) == by_kind(twice)


def test_one_rule_may_speak_of_several_facts() -> None:
    several = found("R-58", (SIGN,)) + found("R-58", (OTHER,))
    several += found("R-58", (SIGN,), truth=Truth.UNKNOWN) + found("R-58", (SIGN,), "worse")
    assert len(by_kind(several).findings) == 4

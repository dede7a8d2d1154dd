"""The guard of patients' identity guards: each way out is tried by a seeded leak."""

import os
from pathlib import Path

import pytest

from tests.support import phi

ROOT = Path(__file__).parents[2]

SEEDED = """
import logging, subprocess, sys, threading
import pytest
from b12fhir.errors import InputError
from tests.support import phi

quiet = logging.getLogger("quiet")
quiet.propagate = False
quiet.addFilter(lambda record: False)

def test_leak_in_a_debug_message():
    logging.getLogger("some.library").debug("GET /Patient?family=%s", phi.FAMILY)

def test_leak_in_an_extra_field():
    logging.getLogger("b12fhir").info("read", extra={"who": phi.MRN})

def test_leak_in_a_logged_traceback():
    try:
        raise ValueError(phi.GIVEN)
    except ValueError:
        logging.exception("failed")

def test_leak_in_a_logger_that_drops_its_records():
    quiet.warning(phi.TOKEN)

def test_leak_in_an_error_that_is_caught():
    with pytest.raises(InputError):
        raise InputError("cannot read " + phi.MRN)

def test_leak_in_the_hint_of_an_error():
    InputError("cannot read", hint="ask " + phi.FAMILY)

def test_leak_in_other_case():
    print(phi.FAMILY.upper())

def test_leak_from_a_thread():
    thread = threading.Thread(target=lambda: print(phi.MRN, file=sys.stderr))
    thread.start()
    thread.join()

def test_leak_from_a_child_process():
    say = "import sys; sys.stderr.write(sys.argv[1])"
    subprocess.run([sys.executable, "-c", say, phi.GIVEN], check=True)

@pytest.fixture
def leaky():
    yield
    logging.info(phi.MRN)

def test_leak_after_the_test(leaky):
    pass

def test_without_a_leak():
    logging.getLogger("b12fhir").info("Observation/123 was set aside")
    print("Patient/7", InputError("Observation/123 has no unit"))
"""


def run_seeded(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.RunResult:
    """Run in a process of its own, and silent: else the guard of this very test would see it."""
    paths = [ROOT, ROOT / "src", os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    pytester.makepyfile(SEEDED)
    quiet = ("--tb=line", "--show-capture=no", "-rA")
    return pytester.runpytest_subprocess("-p", "tests.support.phi_guard", *quiet)


def test_each_seeded_leak_fails_its_test_and_nothing_else_does(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run_seeded(pytester, monkeypatch)
    leaks = SEEDED.count("def test_leak")
    # What leaks after a test is an error at its teardown; the test itself has passed by then.
    result.assert_outcomes(failed=leaks - 1, errors=1, passed=2)
    result.stdout.fnmatch_lines(["*identified: family name in a log record of some.library (*"])
    result.stdout.no_fnmatch_line("*test_without_a_leak: a patient*")


def test_the_guard_does_not_repeat_what_leaked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    phi.assert_no_phi(str(run_seeded(pytester, monkeypatch).stdout))


@pytest.mark.parametrize("sentinel", phi.SENTINELS.values())
def test_assert_no_phi_finds_every_sentinel_in_any_case(sentinel: str) -> None:
    with pytest.raises(AssertionError, match="shows the patient's"):
        phi.assert_no_phi(f"<td>{sentinel.lower()}</td>")


def test_assert_no_phi_lets_references_pass() -> None:
    phi.assert_no_phi("Patient/demo-1 Observation/b12 Mr. Sentinel")


def test_the_sentinel_patient_bears_the_sentinels() -> None:
    text = str(phi.sentinel_patient(deceasedBoolean=True))
    assert set(phi.found_in(text)) == {"family name", "given name", "MRN"}
    assert "deceasedBoolean" in text

"""`b12fhir feedback report`: what a person reads, what a program reads, and a picture."""

import csv
import io
import stat
import sys
from datetime import UTC, datetime, timedelta

import pytest
from matplotlib.text import Text

from b12fhir import wiring
from b12fhir.adapters.database.book import SqlBook, book_store
from b12fhir.adapters.report.feedback_plot import draw
from b12fhir.service.hooks.keeping import ACCEPTED, OVERRIDDEN
from b12fhir.service.hooks.model import Indicator
from b12fhir.service.hooks.rates import Tally, feedback_report
from tests.adapters.database.book.samples import T0, heard, held, issued
from tests.support.phi import FAMILY, assert_no_phi


@pytest.fixture
def store_url(tmp_path, monkeypatch) -> str:
    """A book with one card accepted, one overridden in somebody's words, and two unanswered."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/state/hooks.sqlite3"
    book = SqlBook(book_store(url), lambda: T0)
    cards = [issued(), issued(), issued(), issued(rule="R-48", indicator=Indicator.INFO)]
    book.issue(cards)
    said = heard(cards[1], reason=f"{FAMILY} says no", comment=f"{FAMILY} again")
    book.hear([heard(cards[0], outcome=ACCEPTED, reason=""), said])
    book.close()
    return url


def b12fhir(*argv: str, url: str = "") -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    environ = {"B12FHIR_HOOKS_STORE": url, "COLUMNS": "120"}
    code = wiring.main(argv, environ, out, err, lambda: datetime(2026, 11, 23, tzinfo=UTC))
    return code, out.getvalue(), err.getvalue()


def test_the_tables_say_what_became_of_cards(store_url):
    code, out, err = b12fhir("feedback", "report", url=store_url)
    assert (code, err) == (0, "")
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "Rule Indicator Shown Accepted Overridden Unanswered" in rows
    # 1 of 3: Wilson gives 6 to 79 per cent.
    assert "R-28 warning 3 1: 33 % (6-79) 1: 33 % (6-79) 1: 33 % (6-79)" in rows
    assert any(row.startswith("all all 4 1: 25 %") for row in rows)
    assert "R-28 another code 1 of 1: 100 % (21-100)" in rows
    assert "Cards that are kept: 4." in out


def test_nobodys_own_words_are_repeated(store_url, tmp_path):
    out = b12fhir("feedback", "report", "--csv", "f.csv", "--plot", "f.svg", url=store_url)[1]
    for text in (out, (tmp_path / "f.csv").read_text(), (tmp_path / "f.svg").read_text()):
        assert_no_phi(text)


def test_only_cards_since_a_day_are_shown(store_url):
    """T0 is 02:15 on 22 November in Kathmandu, and the 21st in UTC: the zone of the site counts."""
    kathmandu = ("--zone", "Asia/Kathmandu")
    day = ("feedback", "report", "--since", "2026-11-22")
    assert "cards since" not in b12fhir(*day, url=store_url)[1]
    assert "Cards issued since 2026-11-22T00:00:00+00:00: 0." in b12fhir(*day, url=store_url)[1]
    told = b12fhir(*day, *kathmandu, url=store_url)[1]
    assert "Cards issued since 2026-11-22T00:00:00+05:45: 4." in told
    moment = ("--since", "2026-11-21T20:30:31Z")
    assert ": 0." in b12fhir("feedback", "report", *moment, url=store_url)[1]


def test_feedback_without_a_card_is_told(store_url):
    book = SqlBook(book_store(store_url), lambda: T0)
    book.hear([heard("never-issued")])
    book.close()
    out = " ".join(b12fhir("feedback", "report", url=store_url)[1].split())
    assert "Feedback on cards that are not in the book or another client's: 1." in out


def test_the_table_for_programs(store_url, tmp_path):
    code, out, _ = b12fhir("feedback", "report", "--csv", "results/f.csv", url=store_url)
    path = tmp_path / "results" / "f.csv"
    assert code == 0
    assert "Table: results/f.csv" in out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = list(csv.DictReader(path.read_text().splitlines()))
    accepted = next(row for row in rows if row["rule"] == "R-28" and row["what"] == "accepted")
    assert accepted == {
        "rule": "R-28",
        "indicator": "warning",
        "what": "accepted",
        "reason": "",
        "count": "1",
        "of": "3",
        "rate": "0.3333",
        "low": "0.0615",
        "high": "0.7923",
        "until": "",
    }
    assert rows[-1] | {"rate": "", "low": "", "high": ""} == {
        "rule": "R-28",
        "indicator": "all",
        "what": "override reason",
        "reason": "another code",
        "count": "1",
        "of": "1",
        "rate": "",
        "low": "",
        "high": "",
        "until": "",
    }


def test_what_was_held_back_is_told_with_its_answer_and_its_end(store_url, tmp_path):
    """T0 is 20:30:30 UTC on the 21st; a warning that was refused is silent for thirty days."""
    book = SqlBook(book_store(store_url), lambda: T0)
    card = issued()
    book.hold([held(card), held(card), held(issued(rule="R-48"), reason="accepted")])
    book.close()
    _, out, _ = b12fhir("feedback", "report", "--csv", "f.csv", url=store_url)
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "Rule Indicator Answer Held back Answers Silent until" in rows
    assert "R-28 warning patient-refuses 2 1 2026-12-21T20:30:30+00:00" in rows
    assert "R-48 warning accepted 1 1 2026-12-21T20:30:30+00:00" in rows
    assert "Not shown again because of an answer: 3 times" in " ".join(out.split())
    lines = (tmp_path / "f.csv").read_text().splitlines()[-4:]
    end = "2026-12-21T20:30:30+00:00"
    assert lines == [
        f"R-28,warning,held back,patient-refuses,2,,,,,{end}",
        f"R-28,warning,silencing answers,patient-refuses,1,,,,,{end}",
        f"R-48,warning,held back,accepted,1,,,,,{end}",
        f"R-48,warning,silencing answers,accepted,1,,,,,{end}",
    ]


@pytest.mark.parametrize(
    ("name", "begins"), [("f.png", b"\x89PNG\r\n"), ("F.SVG", b"<?xml")], ids=["png", "svg"]
)
def test_the_picture_is_the_same_for_the_same_book(store_url, tmp_path, name, begins):
    command = ("feedback", "report", "--plot", name)
    assert b12fhir(*command, url=store_url)[0] == 0
    first = (tmp_path / name).read_bytes()
    assert first.startswith(begins)
    b12fhir(*command, url=store_url)
    assert (tmp_path / name).read_bytes() == first


def many(rules: int, reasons: int) -> list[Tally]:
    codes = ["inappropriate-recipient", "does-not-align-latest-evidence", "limited-time", ""]
    return [
        Tally(f"R-{100 + number}", "warning", outcome, reason, 3 + number)
        for number in range(rules)
        for outcome, reason in [
            (ACCEPTED, ""),
            ("", ""),
            *((OVERRIDDEN, code) for code in codes[:reasons]),
        ]
    ]


@pytest.mark.parametrize(("rules", "reasons"), [(0, 0), (1, 0), (1, 1), (4, 4), (25, 4)])
def test_no_label_of_the_picture_is_cut_or_hides_another(rules, reasons):
    report = feedback_report(many(rules, reasons), T0 - timedelta(days=30), 0)
    figure = draw(report)
    figure.canvas.draw()
    texts = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text()]
    boxes = [one.get_window_extent() for one in texts]
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1
        assert inside, text.get_text()
        assert box.y1 <= figure.bbox.y1 + 1, text.get_text()
    for place, box in enumerate(boxes):
        for other in boxes[place + 1 :]:
            assert not box.overlaps(other)
    shown = {one.get_text() for one in texts}
    assert {"accepted", "overridden", "unanswered"} <= shown
    assert all(f"{one.rule} warning ({one.issued})" in shown for one in report.rules)


def test_a_book_without_cards_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/hooks.sqlite3"
    book_store(url).prepare()
    code, out, _ = b12fhir("feedback", "report", "--csv", "f.csv", url=url)
    assert code == 0
    assert "Cards that are kept: 0." in out
    assert "override" not in out.lower().replace("overridden", "")
    assert "all,all,accepted,,0,0,,0.0000,1.0000,\n" in (tmp_path / "f.csv").read_text()


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--since", "yesterday"), 2, "--since 'yesterday' is no day or instant"),
        (("--since", "2026-13"), 2, "no day or instant"),
        (("--plot", "f.pdf"), 2, "ends neither in .png nor in .svg"),
        (("--csv", "/proc/none/f.csv"), 12, "cannot be written"),
    ],
)
def test_a_wrong_option_is_named_with_what_to_do(store_url, options, code, told):
    found = b12fhir("feedback", "report", *options, url=store_url)
    assert found[0] == code
    assert told in found[2]


def test_where_nothing_was_served_yet_it_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = b12fhir("feedback", "report")
    assert code == 12
    assert "There is no book of cards (sqlite state/hooks.sqlite3)" in err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("before", [True, False])
def test_a_settings_file_may_name_the_book(store_url, tmp_path, before):
    (tmp_path / "b12fhir.toml").write_text(f'hooks_store = "{store_url}"\n')
    given = ("--config", "b12fhir.toml")
    words = ("feedback", *given, "report") if before else ("feedback", "report", *given)
    assert "Cards that are kept: 4." in b12fhir(*words)[1]


@pytest.mark.parametrize(
    "missing", ["b12fhir.adapters.database.book", "b12fhir.adapters.report.feedback_plot"]
)
def test_without_the_extra_it_says_what_to_install(store_url, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, err = b12fhir("feedback", "report", "--plot", "f.png", url=store_url)
    assert code == 12
    assert "pip install 'b12fhir[server]'" in err

"""What keeps the service from starting: one line with what to do, before anything is opened."""

import contextlib
import io
import logging
import os
import signal
import socket
import sys
from datetime import UTC, datetime

import pytest

from b12fhir import config, wiring
from b12fhir.adapters.cds_hooks import Application
from b12fhir.adapters.serving import doors, listen, server
from b12fhir.adapters.serving.log import DiscreetLogger, OneLine
from b12fhir.errors import ConfigError
from b12fhir.wiring import running
from b12fhir.wiring.house import House
from tests.support.phi import FAMILY, MRN, assert_no_phi
from tests.support.serving import run_serve, service
from tests.support.tokens import ISSUER, ec_signer, jwks, rsa_signer

pytestmark = pytest.mark.loopback

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OFF = {"B12FHIR_HOOKS_AUTH": "off"}


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Run `serve --check` in a folder of its own; exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def run(text="", environ=None, *argv):
        (tmp_path / "b12fhir.toml").write_text(text, "utf-8")
        out, err = io.StringIO(), io.StringIO()
        words = ["serve", "--check", "--config", "b12fhir.toml", *argv]
        code = wiring.main(words, environ or {}, out, err, lambda: NOW)
        return code, out.getvalue(), err.getvalue()

    return run


def client(**keys) -> str:
    rows = {"issuer": ISSUER, **keys}
    return "[[client]]\n" + "".join(f'{name} = "{value}"\n' for name, value in rows.items())


def test_a_check_shows_the_settings_and_makes_the_tables(check, tmp_path):
    (tmp_path / "keys.json").write_bytes(jwks(ec_signer()))
    code, out, err = check(
        'public_url = "https://b12.example.org"\nsmart_url = "https://app.example.org/launch"\n'
        'hooks_services = ["b12-patient-view"]\n'
        + client(jwks_file="keys.json")
        + '[[client]]\nissuer = "https://two.example.org"\njku = "https://two.example.org/keys"\n',
        {"B12FHIR_SITE_KEY": "our own"},
    )
    assert (code, err) == (0, "")
    assert out.endswith("The settings are good.\n")
    assert f"client {ISSUER}: keys keys.json\n" in out
    assert (tmp_path / "state" / "hooks.sqlite3").exists()


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ("", {}, "No client may call: there is no [[client]] table."),
        ('listen = "0.0.0.0:8000"', OFF, "0.0.0.0 is no address that a client can call"),
        ('listen = "[::]:8000"', OFF, ":: is no address that a client can call"),
        ('listen = "b12.example.org:1"', OFF, "hooks_auth is off, but other machines can call"),
        ('listen = "10.1.2.3:1"', OFF, "hooks_auth is off, but other machines can call"),
        ('public_url = "https://b12.example.org"', OFF, "hooks_auth is off, but other machines"),
        ('hooks_services = "b12-view"', OFF, "hooks_services names what is no service: b12-view."),
        ('pack = "none"', OFF, "none"),
        ('hooks_store = "sqlite:///:memory:"', OFF, "it names no file"),
        (client(jwks_file="gone.json"), {}, "gone.json holds no key that could check a token"),
        (client(jwks_file="b12fhir.toml"), {}, "b12fhir.toml holds no key"),
        (client(jwks_file="weak.json"), {}, "weak.json holds no key"),
    ],
)
def test_what_is_missing_wrong_or_unsafe_is_refused(check, tmp_path, text, environ, said):
    (tmp_path / "weak.json").write_bytes(jwks(rsa_signer("weak", 1024)))
    code, out, err = check(text, environ)
    assert code == (13 if "pack" in text else 12)
    assert out == ""
    assert said in err
    assert err.count("\n") == 1 + err.count("WARNING")


@pytest.mark.parametrize("listen_at", ["127.0.0.1:1", "[::1]:1", "localhost:1"])
def test_a_trial_on_this_machine_may_go_without_tokens(check, listen_at):
    code, _, err = check(f'listen = "{listen_at}"', OFF)
    assert code == 0
    assert err.startswith("b12fhir: WARNING: NO TOKEN IS ASKED FOR (hooks_auth).")


def test_without_tokens_for_other_machines_only_if_it_is_said(check):
    text = 'listen = "0.0.0.0:8000"\npublic_url = "https://b12.example.org"\nhooks_auth = "open"'
    code, _, err = check(text)
    assert code == 0
    assert "NO TOKEN IS ASKED FOR" in err


def test_tokens_in_the_clear_are_warned_of(check, tmp_path):
    (tmp_path / "keys.json").write_bytes(jwks(rsa_signer()))
    code, _, err = check(client(jwks_file="keys.json"), {"B12FHIR_SITE_KEY": "our own"})
    assert code == 0
    assert err == (
        "b12fhir: WARNING: public_url is not https: tokens and records travel in the clear.\n"
    )


def test_pseudonyms_that_anybody_could_make_are_warned_of(check, tmp_path):
    (tmp_path / "keys.json").write_bytes(jwks(rsa_signer()))
    (tmp_path / "site_key").write_text("0123456789abcdef0123456789abcdef\n")
    public = 'public_url = "https://b12.example.org"\n'
    code, _, err = check(public + client(jwks_file="keys.json"))
    assert code == 0
    assert err.startswith("b12fhir: WARNING: no site_key is set: whoever knows a patient's id")
    own = f"site_key_file = {str(tmp_path / 'site_key')!r}\n"
    assert check(public + own + client(jwks_file="keys.json"))[::2] == (0, "")


def test_a_database_that_is_away_is_warned_of_and_keeps_no_card_back(check):
    code, _, err = check('hooks_store = "postgresql://nobody@127.0.0.1:9/none"', OFF)
    assert code == 0
    assert "WARNING: The book (postgresql 127.0.0.1/none) cannot be used now" in err


def test_without_the_extra_it_says_what_to_install(tmp_path):
    lacking = "import sys; sys.modules['gunicorn.glogging'] = None"
    program = [sys.executable, "-c", f"{lacking}; from b12fhir.wiring import run; run()"]
    (tmp_path / "c.toml").write_text('hooks_auth = "off"')
    code, out, err = run_serve(tmp_path, "--config", "c.toml", program=program)
    assert (code, out) == (12, "")
    assert "gunicorn.glogging is not installed" in err
    assert "pip install 'b12fhir[server]'" in err


def test_a_port_in_use_is_one_line_and_leaves_nothing_behind(tmp_path):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        (tmp_path / "c.toml").write_text('hooks_auth = "off"')
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = run_serve(tmp_path, "--config", "c.toml", "--listen", address)
    assert (code, out) == (12, "")
    assert err.splitlines()[-1].startswith(f"b12fhir: {address} cannot be listened at (")
    assert not (tmp_path / "state").exists()


def test_an_address_that_is_not_ours_cannot_be_listened_at():
    with pytest.raises(ConfigError, match=r"nowhere\.invalid:1 cannot be listened at"):
        listen("nowhere.invalid", 1)


def test_ctrl_c_ends_it_at_once(tmp_path):
    with service(tmp_path, 'hooks_auth = "off"\nhooks_workers = 1\n') as one:
        assert one.ask("/healthz", token="").status == 200
        assert one.stop(signal.SIGINT) == 0


def test_whoever_stops_in_the_middle_of_a_request_gives_its_thread_back(monkeypatch):
    """The time without a byte is kept by the socket itself, for every connection it accepts."""
    monkeypatch.setattr(doors, "_IDLE_S", 1)
    at = listen("127.0.0.1", 0)
    with (
        contextlib.closing(at.socket),
        socket.create_connection(("127.0.0.1", at.port), 30) as caller,
        contextlib.closing(at.socket.accept()[0]) as accepted,
    ):
        accepted.setblocking(True)  # as the server does
        caller.sendall(b"POST ")
        assert accepted.recv(100) == b"POST "
        with pytest.raises(BlockingIOError):
            accepted.recv(100)


def fail(words: str) -> None:
    raise ValueError(words)


def told(record: logging.LogRecord) -> str:
    return OneLine().format(record)


def test_a_log_line_is_one_line_with_kind_and_place_of_an_error():
    try:
        fail(f"{FAMILY} {MRN}")
    except ValueError:
        caught = sys.exc_info()
    record = logging.LogRecord("b12fhir.x", logging.ERROR, "", 1, "a\nb %s", ("c\rd",), caught)
    record.stack_info = f"patient = {FAMILY}"
    record.created, record.msecs, record.process = 0.0, 0.0, 7
    line = told(record)
    assert line.startswith("1970-01-01T00:00:00.000Z 7 ERROR b12fhir.x: a b c d ValueError at ")
    assert "test_start:" in line
    assert_no_phi(line)
    record.exc_info, record.exc_text = (None, None, None), None
    assert told(record).endswith("a b c d at")


def test_each_log_line_has_its_own_time():
    """The second is put into words once; the next one and an earlier one are told apart."""
    form, times = OneLine(), []
    for at, part in ((59.0, 7), (59.9, 900), (60.0, 0), (59.0, 7), (0.0, 0)):
        record = logging.LogRecord("b12fhir.x", logging.INFO, "", 1, "x", (), None)
        record.created, record.msecs, record.process = at, part, 7
        times.append(form.format(record).removeprefix("1970-01-01T00:").split()[0])
    assert times == ["00:59.007Z", "00:59.900Z", "01:00.000Z", "00:59.007Z", "00:00.000Z"]


def test_the_server_logs_an_error_without_its_words(caplog):
    logger = DiscreetLogger.__new__(DiscreetLogger)
    logger.error_log = logging.getLogger("test.gunicorn")
    logger.setup(object())
    try:
        fail("where")
    except ValueError:
        logger.exception("Error handling request %s", f"/{FAMILY}")
    logger.warning("Exception during worker exit:\n%s", f"Traceback: {FAMILY}")
    logger.warning("Invalid request from ip=::1: Invalid header: x")
    logger.warning("Worker (pid:%s) was sent %s!", 7, "SIGKILL")
    logger.access("response", FAMILY)
    logger.close_on_exec()
    logger.reopen_files()
    assert [record.getMessage() for record in caplog.records] == [
        "error in the server",
        "Exception during worker exit",
        "Invalid request from ip=::1",
        "Worker (pid:7) was sent SIGKILL!",
    ]


@pytest.mark.parametrize(
    ("end", "code"), [(SystemExit(3), 3), (SystemExit(), 0), (SystemExit("words"), 1), (None, 0)]
)
def test_the_exit_code_is_that_of_the_server(monkeypatch, end, code):
    class Ended:
        def __init__(self, *_args):
            """What is served does not matter here."""

        def run(self):
            if end:
                raise end

    monkeypatch.setattr(server, "_Server", Ended)
    at = listen("127.0.0.1", 0)
    number = at.socket.fileno()
    assert server.run_server(lambda: None, at, server.Serving(1, 1, 1), None) == code
    assert at.socket.fileno() == -1  # handed over: the server closes it
    os.close(number)


def test_what_a_first_call_needs_is_built_before_the_workers_are_forked(tmp_path, monkeypatch):
    """Else the first caller of each worker would wait for it."""
    steps = []

    def served(_make, at, *_others):
        at.socket.close()
        steps.append("served")
        return 0

    monkeypatch.setattr(Application, "rehearse", lambda _app: steps.append("rehearsed"))
    monkeypatch.setattr(running, "run_server", served)
    monkeypatch.setattr(running, "set_up_log", lambda _stream: None)
    house = House(
        config.load(OFF | {"B12FHIR_LISTEN": "127.0.0.1:0"}, {}), lambda: NOW, io.StringIO()
    )
    monkeypatch.chdir(tmp_path)
    assert running.run(house, tmp_path) == 0
    assert steps == ["rehearsed", "served"]

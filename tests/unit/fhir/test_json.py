"""JSON traps that decide about patients: each would be a wrong number or a dead worker."""

from decimal import Decimal

import pytest

from b12fhir.errors import Defect, InputError
from b12fhir.fhir.json import canonical, decode, decode_resource, encode


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"value":1.00}', {"value": Decimal("1.00")}),
        (b"[1e999]", [Decimal("1E+999")]),
        (b"[1E-22, -0.5, 7]", [Decimal("1E-22"), Decimal("-0.5"), 7]),
        (b"[180.0000000000000000000001]", [Decimal("180.0000000000000000000001")]),
        (b"\xef\xbb\xbf{}", {}),
        ("\ufeff{}", {}),
        ('{"a":"\u2028\u0085"}', {"a": "\u2028\u0085"}),
        (b'{"a":"\\u0022","b":"\\"x"}', {"a": '"', "b": '"x'}),
        (b'{"a":"\\\\u0022"}', {"a": "\\u0022"}),
        (b"[true, null]", [True, None]),
        (b"12345678901234567890", 12345678901234567890),
    ],
)
def test_reads_exactly_what_was_sent(data, expected) -> None:
    """A float, a lost digit or a repaired value would reach a threshold."""
    value = decode(data)
    assert value == expected
    assert str(value) == str(expected)


def test_no_float_comes_out() -> None:
    assert isinstance(decode(b"1.5"), Decimal)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b'{"a":1',
        b'{"a":1} x',
        b'{"a":01}',
        b"[1,]",
        b"[1E+99999999999999999999]",
        b"[" * 100_000,
        b"[" * 5_000 + b"]" * 5_000,
        b"1" * 5_000,
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        '"\ud800"',
        b"\xff\xfe{\x00}\x00",
    ],
    ids=repr,
)
def test_refuses_what_cannot_be_read(data) -> None:
    """Anything but InputError would end the run for every other patient."""
    with pytest.raises(InputError, match="line 7: not readable as JSON") as caught:
        decode(data, where="line 7")
    assert caught.value.hint


def test_the_error_does_not_repeat_the_content() -> None:
    """A broken line may hold a name."""
    with pytest.raises(InputError) as caught:
        decode(b'{"family":"Secretname"')
    assert "Secretname" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"value":400,"value":90}',
        b'{"a":{"b":[{"c":1,"c":1}]}}',
        b'{"\\u0061":1,"a":"\\u0022"}',
    ],
)
def test_refuses_a_key_given_twice(data) -> None:
    """The last one wins in every plain parser: a value slips past a check of the first."""
    with pytest.raises(InputError, match="given twice"):
        decode(data)


def test_the_search_for_doubles_can_be_left_out() -> None:
    assert decode(b'{"a":1,"a":2}', unique=False) == {"a": 2}


def test_a_deep_value_with_doubtful_quotes_is_refused_not_fatal(monkeypatch) -> None:
    """The slow search recurses in Python: its depth limit must not end the worker."""

    def overflow(*_args: object, **_options: object) -> None:
        raise RecursionError

    monkeypatch.setattr("b12fhir.fhir.json.json.loads", overflow)
    with pytest.raises(InputError, match="nested too deeply"):
        decode(b'{"a":"\\\\u0022","b":1,"b":2}')


@pytest.mark.parametrize("data", [b"[]", b"1", b"{}", b'{"resourceType":7}'])
def test_a_resource_has_a_type(data) -> None:
    with pytest.raises(InputError, match=r"x\.json: JSON, but no FHIR resource"):
        decode_resource(data, where="x.json")


def test_a_resource_is_read() -> None:
    assert decode_resource(b'{"resourceType":"Patient"}') == {"resourceType": "Patient"}


def test_writes_decimals_digit_for_digit_and_in_order() -> None:
    value = {"b": Decimal("1.00"), "a": [Decimal("1E-7"), 1, True, None, "é"]}
    assert encode(value) == '{"b":1.00,"a":[1E-7,1,true,null,"é"]}'.encode()
    assert decode(encode(value)) == value


def test_canonical_does_not_depend_on_the_order_of_keys() -> None:
    one = {"b": {"y": 1, "x": 2}, "a": 1}
    other = {"a": 1, "b": {"x": 2, "y": 1}}
    assert canonical(one) == canonical(other) == b'{"a":1,"b":{"x":2,"y":1}}'


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "sNaN"])
@pytest.mark.parametrize("writer", [encode, canonical])
def test_never_writes_what_is_no_number(writer, bad) -> None:
    """It would be invalid JSON, and the reader's fault would look like the server's."""
    with pytest.raises(Defect):
        writer({"a": [({"b": Decimal(bad)},)]})


def test_a_text_may_say_nan() -> None:
    assert encode({"a": ["NaN", Decimal(1)]}) == b'{"a":["NaN",1]}'


@pytest.mark.parametrize("count", [39, 40, 41, 1000])
def test_what_is_no_number_is_found_behind_many_words_that_begin_like_it(count) -> None:
    words = ["Na"] * count
    with pytest.raises(Defect):
        encode([*words, Decimal("NaN")])
    assert encode(words).count(b"Na") == count

import pytest

from isoflop.errors import InputError
from isoflop.units import (
    Quantity,
    caret,
    format_count,
    format_duration,
    format_flops,
    format_loss,
    parse_count,
    parse_duration,
    parse_flops,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("70B", 70e9),
        ("70b", 70e9),
        ("1.4T", 1.4e12),
        ("116k", 116e3),
        ("125m", 125e6),
        ("125M", 125e6),
        ("5.76e23", 5.76e23),
        ("5.76E+23", 5.76e23),
        ("1,000,000", 1e6),
        ("1_000", 1e3),
        ("3 x 10^19", 3e19),
        ("10^19", 1e19),
        ("10**19", 1e19),
        ("70 billion", 70e9),
        ("70B tokens", 70e9),
        (" 512 ", 512.0),
        (512, 512.0),
        ("0", 0.0),
    ],
)
def test_counts(text, value):
    assert parse_count(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24 h", Quantity(86400.0, "s")),
        ("24h", Quantity(86400.0, "s")),
        ("3 weeks", Quantity(3 * 604800.0, "s")),
        ("90 min", Quantity(5400.0, "s")),
        ("1e19 FLOP", Quantity(1e19, "FLOP")),
        ("1e19 FLOPs", Quantity(1e19, "FLOP")),
        ("10 PF-days", Quantity(8.64e20, "FLOP")),
        ("989 TFLOP/s", Quantity(9.89e14, "FLOP/s")),
        ("64 H100", Quantity(64.0, "H100")),
        ("8x H100", Quantity(8.0, "H100")),
        ("64 RTX 4090", Quantity(64.0, "RTX 4090")),
        ("$2.5M", Quantity(2.5e6, "USD")),
        ("80 GB", Quantity(80e9, "B")),
        ("1 MWh", Quantity(3.6e9, "J")),
        ("70B", Quantity(70e9, "")),
    ],
)
def test_quantities(text, expected):
    found = parse_quantity(text)
    assert found.unit == expected.unit
    assert found.value == pytest.approx(expected.value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("", ""),
        ("B70", "B70"),
        ("1,4T", ",4T"),
        ("1.2.3", ".3"),
        ("70 %", "%"),
        ("-5", "-5"),
        ("24 h", "h"),
        ("1e999", "1e999"),
        ("1e99999", "e99999"),
        ("nan", "nan"),
        ("64 H100", "H100"),
    ],
)
def test_a_bad_count_gets_a_caret_under_the_mistake(text, marked):
    with pytest.raises(InputError) as error:
        parse_count(text)
    lines = error.value.what.split("\n")
    assert lines[-2] == f"    {text}"
    place = lines[-1].index("^") - 4
    assert text[place:].startswith(marked)


def test_a_unit_that_was_not_asked_for_is_refused():
    with pytest.raises(InputError, match="is in s, and FLOP"):
        parse_flops("24 h")
    assert parse_duration("10") == 10.0
    assert parse_flops(1e19) == 1e19


def test_a_lone_m_is_neither_minutes_nor_millions():
    with pytest.raises(InputError, match="70 min"):
        parse_quantity("70 m")


def test_formats():
    assert format_count(116e3) == "116k"
    assert format_count(115_900) == "116k"
    assert format_count(1.4e12) == "1.4T"
    assert format_count(22_100) == "22.1k"
    assert format_count(999_600) == "1M"
    assert format_count(512) == "512"
    assert format_count(5e15) == "5e15"
    assert format_count(0) == "0"
    assert format_flops(5e12) == "5e12"
    assert format_flops(1.4423e23) == "1.44e23"
    assert format_loss(2.70912) == "2.709"
    assert format_duration(45) == "45 s"
    assert format_duration(702) == "11.7 min"
    assert format_duration(36 * 3600) == "36 h"
    assert format_duration(14 * 86400) == "14 days"


def test_caret_shows_a_window_of_a_long_text():
    shown, marks = caret("x" * 500 + "!", 500).split("\n")
    assert shown[marks.index("^")] == "!"
    assert len(shown) <= 64

"""Times, spans and numbers in words: nothing rounded unsaid, every time with its zone, nothing invisible."""

import pytest

from incident import words
from incident.words import DAY, HOUR, MINUTE, SECOND

PACIFIC = "America/Los_Angeles"
NIGHT = 1_656_390_600 * SECOND  # 2022-06-28T04:30:00Z


@pytest.mark.parametrize(
    ("us", "zone", "said"),
    [
        (NIGHT, PACIFIC, "27 June 2022, 9:30:00 p.m. PDT (UTC−07:00)"),
        (NIGHT, "UTC", "28 June 2022, 4:30:00 a.m. UTC"),
        (NIGHT, "America/Sao_Paulo", "28 June 2022, 1:30:00 a.m. UTC−03:00"),
        (NIGHT, "Asia/Kathmandu", "28 June 2022, 10:15:00 a.m. UTC+05:45"),
        (NIGHT - 4 * HOUR - 30 * MINUTE, "UTC", "28 June 2022, 12:00:00 a.m. UTC"),
        (NIGHT + 999_999, "UTC", "28 June 2022, 4:30:00 a.m. UTC"),
        (None, PACIFIC, "not in the log"),
        (0, "UTC", "1 January 1970, 12:00:00 a.m. UTC"),
    ],
)
def test_when(us, zone, said):
    assert words.when(us, zone) == said


def test_an_hour_that_comes_twice_is_told_apart():
    first = 1_667_723_400 * SECOND  # 2022-11-06T08:30:00Z
    assert words.when(first, PACIFIC) == "6 November 2022, 1:30:00 a.m. PDT (UTC−07:00)"
    assert words.when(first + HOUR, PACIFIC) == "6 November 2022, 1:30:00 a.m. PST (UTC−08:00)"


def test_short_and_iso():
    assert words.short(NIGHT, PACIFIC) == "2022-06-27 21:30:00 -07:00"
    assert words.short(NIGHT, PACIFIC).isascii()
    assert words.iso(NIGHT) == "2022-06-28T04:30:00Z"
    assert words.iso(NIGHT + 250_000) == "2022-06-28T04:30:00.250Z"
    assert words.iso(NIGHT + 1) == "2022-06-28T04:30:00.000001Z"
    assert words.iso(-1) == "1969-12-31T23:59:59.999999Z"


def test_between_says_once_what_both_ends_share():
    assert words.between(NIGHT, NIGHT + HOUR, "UTC") == "28 June 2022, 4:30:00 a.m. to 5:30:00 a.m. UTC"
    said = words.between(NIGHT, NIGHT + 20 * HOUR, PACIFIC)
    assert said == "27 June 2022, 9:30:00 p.m. to 28 June 2022, 5:30:00 p.m. PDT (UTC−07:00)"
    assert words.between(NIGHT, NIGHT + 200 * DAY, PACIFIC).count("(UTC") == 2


@pytest.mark.parametrize(
    ("us", "said", "exact", "compact"),
    [
        (0, "0 s", "0 s", "0s"),
        (1, "0.000001 s", "0.000001 s", "1us"),
        (250_000, "0.25 s", "0.25 s", "250ms"),
        (90 * SECOND, "1 min 30 s", "1 min 30 s", "90s"),
        (10 * MINUTE, "10 min", "10 min", "10m"),
        (11 * HOUR + 52 * MINUTE + 14 * SECOND, "11 h 52 min", "11 h 52 min 14 s", "42734s"),
        (DAY - SECOND, "1 d", "23 h 59 min 59 s", "86399s"),
        (DAY, "1 d", "1 d", "24h"),
        (MINUTE + 500_000, "1 min 1 s", "1 min 0.5 s", "60500ms"),
        (-MINUTE, "−1 min", "−1 min", None),
    ],
)
def test_spans(us, said, exact, compact):
    assert words.span(us) == said
    assert words.exact_span(us) == exact
    if compact:
        assert words.compact_span(us) == compact


def test_numbers_and_sizes():
    assert words.number(2734) == "2,734"
    assert words.number(-2734) == "−2,734"
    assert words.number(None) == "—"
    assert words.counted(1, "address", "addresses") == "1 address"
    assert words.counted(0, "download") == "0 downloads"
    assert words.bytes_of(48_211_907) == "48.2 MB (48,211,907 bytes)"
    assert words.bytes_of(999) == "999 bytes"
    assert words.short_bytes(999_949) == "999.9 kB"
    assert words.short_bytes(999_950) == "1.0 MB"
    assert words.list_of(("a", "b", "c")) == "a, b and c"
    assert words.list_of(()) == ""


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain é 日本 \\", "plain é 日本 \\"),
        ("\x1b[31m\x00\x7f\x9b", "\\x1b[31m\\x00\\x7f\\x9b"),
        ("a\tb\r\n", "a\\tb\\r\\n"),
        ("\u202egpj\u2066\u200b\ufeff", "\\u202egpj\\u2066\\u200b\\ufeff"),
        ("\u2028\ud800\U000e0041", "\\u2028\\ud800\\U000e0041"),
        (None, "—"),
    ],
)
def test_what_nobody_would_see_is_written_out(text, seen):
    assert words.visible(text) == seen

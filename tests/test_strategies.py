"""The generator of cases reaches what the rules tell apart, and its lines say what its events say."""

from __future__ import annotations

import gzip
import re
import tomllib
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import combinations

import oracle_events
import pytest
from hypothesis import HealthCheck, given, settings
from oracle import BUCKETS, count
from strategies import Case, cases, rough_cases, roughened, seeded_case, write_case
from strategies_logs import EDGE_LOGS, ORIGIN_LOGS
from strategies_world import Seeded

SEEDS = range(300)
few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@cache
def made(seed: int) -> Case:
    return seeded_case(seed)


@cache
def result(seed: int):
    case = made(seed)
    return count(case.items, case.definition)


@cache
def reached() -> Counter[str]:
    """How often each thing that the rules tell apart occurs in the seeds."""
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        case, found = made(seed), result(seed)
        seen[f"{len(case.items)} items"] += 1
        seen["repeated file"] += len(case.items) - len({item.content_sha256 for item in case.items})
        seen["pair"] += sum(pair["pairs"] for pair in found["vantage_pairs"])
        for dataset in found["datasets"]:
            seen.update({f"bucket {name}": n for name, n in dataset["buckets"].items()})
            seen["origin unmatched"] += dataset["origin_unmatched"]
            held = dataset["clients_full_copy"]
            seen["full copy assembled from parts"] += dataset["downloads_full"] == 0 and held > 0
            for download in dataset["downloads_list"]:
                seen[download["completeness"]] += 1
                seen["session"] += len(download["transfers"]) > 1
            for one in dataset["objects"]:
                seen[f"basis {one['size_basis']}"] += 1
                seen[f"several sizes {one['size_basis']}"] += len(one["sizes"]) > 1
            windows = dataset["windows"]
            seen["several windows"] += len(windows) > 1
            seen["merged window"] += len(windows) < len(dataset["object_windows"])
            for window in windows:
                for bound in ("opened_after", "closed_by"):
                    seen[f"{bound} {'unknown' if window[bound] is None else 'known'}"] += 1
                seen["both bounds known"] += window["longest_us"] is not None
                seen["interruption"] += window["interruptions"] > 0
                seen["outage"] += len(window["outages"]) > 0
                seen["outages"] += len(window["outages"]) > 1
    return seen


@pytest.mark.parametrize(
    "what",
    [
        *(f"bucket {name}" for name in BUCKETS),
        *("full", "partial", "undetermined"),
        *(f"basis {name}" for name in ("declared", "content-range", "content-length", "inferred", None)),
        *(f"several sizes {name}" for name in ("content-range", "content-length", "inferred")),
        *("session", "full copy assembled from parts", "pair", "origin unmatched", "repeated file"),
        *("opened_after known", "opened_after unknown", "closed_by known", "closed_by unknown", "both bounds known"),
        *("several windows", "merged window", "interruption", "outage", "outages"),
    ],
)
def test_the_seeds_reach(what):
    assert reached()[what] >= 5


def test_every_log_is_written_and_every_rule_moves_a_number():
    rules = {str(rule) for seed in SEEDS for rule in made(seed).definition["evidence"]}
    for log in {log.name: log for log in (*EDGE_LOGS, *ORIGIN_LOGS)}.values():
        assert any(str(dict(log.rule))[1:-1] in rule for rule in rules)
    others = {"session_gap": "9d", "repeat_within": "1h", "min_bytes": 400, "max_interruption": "9d", "match_within": 0}
    for name, value in others.items():
        moved = 0
        for seed in range(100):
            definition = {**made(seed).definition, "policy": {**made(seed).definition["policy"], name: value}}
            moved += count(made(seed).items, definition) != result(seed)
        assert moved >= 3, name


def test_a_seed_is_a_case():
    assert seeded_case(7) == made(7)
    assert len({str(made(seed).files) for seed in SEEDS}) > 250


def test_cases_are_small():
    sizes = sorted(sum(len(item.events) for item in made(seed).items) for seed in SEEDS)
    assert sizes[len(sizes) // 2] >= 15
    assert sizes[-1] <= 150


def plain(path: str, content: bytes) -> bytes:
    return gzip.decompress(content) if path.endswith(".gz") else content


def test_every_line_is_an_event_or_skipped():
    """`lines = events + rejected + skipped`."""
    for seed in range(60):
        case = made(seed)
        for item in case.items:
            lines = plain(item.path, case.files[item.path]).split(b"\n")[:-1]
            skipped = [line for line in lines if not line or line.startswith(b"#")]
            assert len(lines) == len(item.events) + len(skipped)


def test_an_event_stands_where_it_says():
    for seed in range(60):
        case = made(seed)
        for item in case.items:
            content = plain(item.path, case.files[item.path])
            lines = content.split(b"\n")
            for event in item.events:
                start, length = event["byte_offset"], event["byte_length"]
                assert content[start : start + length] == lines[event["line_no"] - 1]
                assert re.search(rb"(^|\s)%s\s" % event["peer_ip"].encode(), lines[event["line_no"] - 1])


def test_two_lines_are_equal_when_their_events_are():
    """What the text does not hold, the event does not hold either."""
    for seed in range(60):
        case = made(seed)
        for item in case.items:
            lines = plain(item.path, case.files[item.path]).split(b"\n")
            known: dict[tuple, bytes] = {}
            for event in item.events:
                key = tuple(event[column] for column in oracle_events.LINE_COLUMNS)
                assert known.setdefault(key, lines[event["line_no"] - 1]) == lines[event["line_no"] - 1]
            assert len(known) == len(set(known.values()))


def test_a_written_case_reads_back(tmp_path):
    for seed in range(20):
        case = made(seed)
        config = write_case(case, tmp_path / str(seed))
        assert tomllib.loads(config.read_text(encoding="utf-8")) == case.definition
        for path, content in case.files.items():
            assert (tmp_path / str(seed) / path).read_bytes() == content


# --- what holds of every count ----------------------------------------------------------------------------------------


def check_laws(case: Case) -> None:
    found = count(case.items, case.definition)
    for dataset in found["datasets"]:
        assert sum(dataset["buckets"].values()) == dataset["requests"] == len(dataset["events"])
        kinds = [dataset[f"downloads_{kind}"] for kind in ("full", "partial", "undetermined")]
        assert sum(kinds) == dataset["downloads"] == len(dataset["downloads_list"])
        transfers = [tuple(where) for download in dataset["downloads_list"] for where in download["transfers"]]
        assert sorted(transfers) == sorted(at for at, name in dataset["events"].items() if name == "counted")
        assert dataset["unique_ips"] <= dataset["downloads"] <= dataset["buckets"]["counted"]
        assert len(dataset["pairs"]) <= dataset["buckets"]["other_vantage"]
        for window in (*dataset["windows"], *dataset["object_windows"]):
            bounds = [window[name] for name in ("opened_after", "first_seen", "last_seen", "closed_by")]
            known = [bound for bound in bounds if bound is not None]
            assert known == sorted(known)
            assert 0 <= window["confirmed_us"] == window["last_seen"] - window["first_seen"] - window["unavailable_us"]
            if window["longest_us"] is not None:
                assert window["confirmed_us"] <= window["longest_us"]
        for earlier, later in combinations(dataset["windows"], 2):
            assert earlier["last_seen"] < later["first_seen"]
    backwards = [replace(item, events=item.events[::-1]) for item in case.items]
    assert count(backwards[::-1], case.definition) == found


def test_laws_of_the_seeds():
    for seed in range(100):
        check_laws(made(seed))
        check_laws(roughened(made(seed), Seeded(seed)))


@few
@given(case=cases())
def test_laws_of_cases(case):
    check_laws(case)


@few
@given(case=rough_cases())
def test_laws_of_rough_cases(case):
    assert not case.files
    check_laws(case)


@few
@given(case=cases())
def test_a_day_later_only_times_differ(case):
    """Shifting every time by a day shifts only times."""
    day = 86_400 * oracle_events.SECOND
    later = [replace(item, clock_offset_us=item.clock_offset_us + day) for item in case.items]
    for before, after in zip(
        count(case.items, case.definition)["datasets"], count(later, case.definition)["datasets"], strict=True
    ):
        for key in ("buckets", "events", "unique_ips", "downloads_full", "pairs", "full_copies"):
            assert before[key] == after[key]
        assert [window["confirmed_us"] for window in before["windows"]] == [
            window["confirmed_us"] for window in after["windows"]
        ]
        if before["first_download"] is not None:
            assert after["first_download"] - before["first_download"] == day

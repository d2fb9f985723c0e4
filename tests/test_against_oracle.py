"""The comparison sees what differs, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest
from against_oracle import EPOCH, SAME_KEYS, differences
from oracle import count
from strategies import seeded_case


def iso(us):
    return None if us is None else (EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")


def printed(counted):
    """What the tool should print for what the oracle counts."""
    return {
        "datasets": [
            {
                "dataset": one["dataset"],
                **{key: one[key] for key in SAME_KEYS},
                **{key: iso(one[key]) for key in ("first_download", "last_download")},
                "windows": [
                    {
                        **{key: iso(w[key]) for key in ("opened_after", "first_seen", "last_seen", "closed_by")},
                        **{
                            f"{key}_seconds": None if w[f"{key}_us"] is None else w[f"{key}_us"] / 1_000_000
                            for key in ("confirmed", "unavailable", "longest")
                        },
                        "interruptions": w["interruptions"],
                    }
                    for w in one["windows"]
                ],
                "sentence": "…",
            }
            for one in counted["datasets"]
        ]
    }


@pytest.mark.parametrize("seed", range(40))
def test_nothing_differs_from_itself(seed):
    case = seeded_case(seed)
    counted = count(case.items, case.definition)
    assert differences(printed(counted), counted) == []


def test_each_figure_is_compared():
    case = seeded_case(1)
    counted = count(case.items, case.definition)
    whole = printed(counted)
    for key in (*SAME_KEYS, "first_download", "last_download"):
        changed = deepcopy(whole)
        changed["datasets"][0][key] = None
        expected = whole["datasets"][0][key] is not None
        assert len(differences(changed, counted)) == expected, key
    for key in whole["datasets"][0]["windows"][0]:
        changed = deepcopy(whole)
        window = changed["datasets"][0]["windows"][0]
        window[key] = "2001-01-01T00:00:00Z" if isinstance(window[key], str) or window[key] is None else -1
        if key == "longest_seconds":
            window[key] = -1
        assert len(differences(changed, counted)) == 1, key
    assert differences({"datasets": []}, counted)
    del whole["datasets"][0]["windows"][:]
    assert len(differences(whole, counted)) == 1

"""Figures: one spec for all writers, labels that do not overlap, right ticks across a change of the clocks."""

import json
import random
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import findings_fixture as made
import pytest

from incident import words
from incident.errors import OutputError
from incident.render import fonts, interactive, layout, plots, svg, theme
from incident.render.figure import finding_spec, headline_of, overview_spec, slug
from incident.render.frame import frame

CASE = made.case()
WIDTHS = (theme.SLIDE, theme.REPORT, theme.COLUMN, theme.PHONE)


def every_spec():
    cases = (CASE, made.bare_case(), made.one_download(), made.clock_change(), made.hostile_case())
    return [spec for case in cases for spec in (overview_spec(case), *(finding_spec(d, case) for d in case.datasets))]


def texts_of(drawing):
    return [element.text or "" for element in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]


# --- the spec holds the findings' own numbers


@pytest.mark.parametrize("number", range(6))
def test_spec_holds_the_findings_numbers(number):
    dataset = CASE.datasets[number]
    spec = finding_spec(dataset, CASE)
    assert spec.bins == dataset.bins
    assert spec.windows == dataset.windows
    assert (spec.downloads, spec.unique_ips) == (dataset.downloads, dataset.unique_ips)
    assert dict(spec.kinds) == {
        name: count
        for name, count in (
            ("full", dataset.downloads_full),
            ("partial", dataset.downloads_partial),
            ("undetermined", dataset.downloads_undetermined),
        )
        if count
    }
    assert spec.headline == headline_of(dataset)


def test_overview_has_a_lane_for_each_data_set():
    spec = overview_spec(CASE)
    assert [lane.dataset for lane in spec.lanes] == [dataset.dataset for dataset in CASE.datasets]
    assert [lane.bins for lane in spec.lanes] == [dataset.bins for dataset in CASE.datasets]
    assert spec.lanes[0].words == "at least 2,734 downloads · 507 IP addresses"


def test_headline_wording():
    ccw, roster = CASE.datasets[0], CASE.datasets[5]
    assert headline_of(ccw) == "At least 2,734 downloads, in full or in part, from 507 unique IP addresses"
    assert headline_of(replace(ccw, sentence="2,734 times.")).startswith("2,734 downloads, in full or in part, from")
    assert headline_of(roster) == "At least 1 download, in part, from 1 unique IP address"
    assert headline_of(made.empty_dataset()) == "No download in the logs"


def test_both_writers_draw_the_same_numbers():
    spec = finding_spec(CASE.datasets[0], CASE)
    drawn = json.loads(interactive.json_of(spec))
    bars = [trace for trace in drawn["data"] if trace["type"] == "bar" and trace.get("yaxis") == "y2"]
    assert {trace["name"]: sum(trace["y"]) for trace in bars} == {
        f"{words.number(count)} {theme.COMPLETENESS_WORDS[name]}": count for name, count in spec.kinds
    }
    lines = {trace["name"]: trace["y"][-1] for trace in drawn["data"] if trace.get("name", "").startswith("cumulative")}
    assert lines == {"cumulative downloads": 2734, "cumulative unique IP addresses": 507}
    static = " ".join(texts_of(svg.svg(spec, theme.REPORT)))
    notes = " ".join(note["text"] for note in drawn["layout"]["annotations"])
    for said in ("2,734 downloads", "507 IP addresses", spec.headline, spec.title, "Site brought back online"):
        assert said in static
        assert said in notes


def test_empty_bins_draw_no_bar():
    spec = finding_spec(CASE.datasets[4], CASE)
    drawn = json.loads(interactive.json_of(spec))
    bars = [trace for trace in drawn["data"] if trace["type"] == "bar" and trace.get("yaxis") == "y2"]
    assert all(value > 0 for trace in bars for value in trace["y"])


# --- labels


def overlaps(placed):
    return [
        (a, b)
        for i, a in enumerate(placed)
        for b in placed[i + 1 :]
        if a.lane == b.lane and a.left < b.right and b.left < a.right
    ]


@pytest.mark.parametrize("seed", range(40))
def test_labels_never_overlap(seed):
    dice = random.Random(seed)
    wanted = [(dice.uniform(0, 1000), dice.uniform(10, 600)) for _ in range(dice.randrange(1, 25))]
    placed = layout.place(wanted, 0, 1000)
    assert overlaps(placed) == []
    assert all(one.left >= 0 and one.right <= 1000.001 for one in placed)


def test_labels_of_one_moment_are_stacked():
    placed = layout.place([(500, 100)] * 4, 0, 1000)
    assert sorted(one.lane for one in placed) == [0, 1, 2, 3]


def test_leaders_cut_no_label_where_they_need_not():
    # three on the left, one long one on the right that reaches over them
    wanted = [(100.0, 150.0), (120.0, 150.0), (200.0, 150.0), (700.0, 590.0), (980.0, 100.0)]
    placed = layout.place(wanted, 0, 1000)
    for (x, _), own in zip(wanted, placed, strict=True):
        assert not [o for o in placed if o is not own and o.lane < own.lane and o.left < x < o.right]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_keeps_its_labels_apart_and_inside(width):
    for spec in every_spec():
        drawing = frame(spec, width)
        boxes = [(label.left, label.right, label.text.y) for label in drawing.labels]
        for i, (left, right, y) in enumerate(boxes):
            assert left >= 0
            assert right <= width
            assert not [1 for a, b, c in boxes[i + 1 :] if c == y and left < b and a < right]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_line_of_text_fits_the_picture(width):
    for spec in every_spec():
        for text in frame(spec, width).texts:
            if text.anchor == "start":
                assert text.x + fonts.width(text.text, text.size, bold=text.bold) <= width


def test_what_lies_far_away_is_named_but_not_drawn():
    spec = finding_spec(CASE.datasets[0], CASE)
    far = [mark for mark in spec.marks if mark.beyond]
    assert [mark.text for mark in far] == ["Report of findings released"]
    drawing = frame(spec, theme.SLIDE)
    assert not [label for label in drawing.labels if label.mark.beyond]
    assert any("After this stretch of time: 30 November 2022" in text.text for text in drawing.texts)


def test_spread_keeps_order_and_distance():
    moved = layout.spread([100.0, 101.0, 99.0], 15, 0, 110)
    assert moved[2] < moved[0] < moved[1]
    assert all(b - a >= 15 for a, b in pairwise(sorted(moved)))
    assert max(moved) <= 110


# --- time axis


def ticks(start, end, wanted=12, zone=made.ZONE):
    return layout.time_ticks(made.at(start), made.at(end), zone, wanted)


def test_ticks_when_the_clocks_go_back():
    found = ticks("2022-11-05T23:30:00-07:00", "2022-11-06T04:30:00-08:00")
    hours = [tick for tick in found if not words.local(tick.at_us, made.ZONE).minute]
    assert [tick.text for tick in hours] == ["midnight", "1 a.m.", "1 a.m.", "2 a.m.", "3 a.m.", "4 a.m."]
    assert {b.at_us - a.at_us for a, b in pairwise(hours)} == {words.HOUR}
    assert [tick.below for tick in found if "P" in tick.below] == ["5 November, PDT", "PST"]


def test_ticks_when_the_clocks_go_forward():
    found = ticks("2022-03-13T00:30:00-08:00", "2022-03-13T05:30:00-07:00")
    hours = [tick.text for tick in found if not words.local(tick.at_us, made.ZONE).minute]
    assert hours == ["1 a.m.", "3 a.m.", "4 a.m.", "5 a.m."]


def test_ticks_stand_at_round_local_times_of_odd_zones():
    found = ticks("2022-06-27T00:00:00+05:45", "2022-06-27T12:00:00+05:45", zone="Asia/Kathmandu")
    assert {words.local(tick.at_us, "Asia/Kathmandu").minute for tick in found} == {0}


@pytest.mark.parametrize(
    ("start", "end", "first"),
    [
        ("2022-06-27T12:00:00-07:00", "2022-06-27T12:05:00-07:00", "noon"),
        ("2022-06-20T12:00:00-07:00", "2022-06-30T12:00:00-07:00", "21 June"),
        ("2022-06-27T12:00:00-07:00", "2025-06-27T12:00:00-07:00", "28 June"),
    ],
)
def test_ticks_of_short_and_long_stretches(start, end, first):
    found = ticks(start, end)
    assert found[0].text == first
    assert 2 <= len(found) <= 14


def test_count_ticks_are_round_and_reach_the_top():
    for top in (0, 1, 2, 3, 7, 45, 99, 100, 2734, 1_000_000):
        found = layout.count_ticks(top)
        assert found[0] == 0
        assert found[-1] >= top
        assert len(found) <= 8


def test_the_axis_names_its_zone():
    assert finding_spec(CASE.datasets[0], CASE).zone_words == "Times in America/Los_Angeles, PDT (UTC−07:00)"
    night = made.clock_change()
    said = finding_spec(night.datasets[0], night).zone_words
    assert said == "Times in America/Los_Angeles, PDT (UTC−07:00) then PST (UTC−08:00)"


# --- the writers


@pytest.mark.parametrize("width", WIDTHS)
def test_svg_is_well_formed_and_has_unique_ids(width):
    for spec in every_spec():
        root = ET.fromstring(svg.svg(spec, width))
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
            "svg", "title", "desc", "defs", "pattern", "rect", "circle", "path", "g", "text",
        }  # fmt: skip


def test_nothing_to_show_is_said():
    case = made.bare_case()
    said = texts_of(svg.svg(finding_spec(case.datasets[0], case), theme.COLUMN))
    assert "No download in the logs" in said
    assert "There is no time to show: nothing was observed." in said


def test_static_and_interactive_bytes_are_the_same_each_time():
    again = made.case()
    for first, second in zip(plots.specs(CASE), plots.specs(again), strict=True):
        assert svg.svg(first, theme.SLIDE) == svg.svg(second, theme.SLIDE)
        assert interactive.json_of(first) == interactive.json_of(second)


def test_no_figure_offers_a_cloud():
    drawn = json.loads(interactive.json_of(plots.specs(CASE)[0]))
    assert drawn["config"]["showSendToCloud"] is False
    assert drawn["config"]["displaylogo"] is False


def test_plotly_reads_no_markup_in_the_users_words():
    case = made.hostile_case()
    for spec in plots.specs(case):
        text = interactive.json_of(spec)
        assert "<" not in text
        drawn = json.loads(text)
        for note in drawn["layout"]["annotations"]:
            shown = note["text"].removeprefix("<b>").removesuffix("</b>")
            assert "<" not in shown
            assert "\x1b" not in shown
            assert "\u202e" not in shown


def test_public_functions_give_plotly_figures():
    assert plots.finding_figure(CASE.datasets[0], CASE).layout.width == theme.REPORT
    assert len(plots.overview_figure(CASE).data) > len(CASE.datasets)


@pytest.mark.parametrize("kind", plots.KINDS)
def test_pictures_of_each_kind(kind, tmp_path):
    starts = {".html": b"<!doctype html>", ".svg": b"<?xml", ".png": b"\x89PNG"}
    data = plots.picture(CASE, kind, width=theme.COLUMN)
    assert data.startswith(starts[kind])
    assert data == plots.picture(made.case(), kind, width=theme.COLUMN)
    path = tmp_path / f"figure{kind}"
    plots.write(finding_spec(CASE.datasets[5], CASE), path, width=theme.COLUMN)
    assert path.read_bytes().startswith(starts[kind])


def test_another_ending_is_refused():
    with pytest.raises(OutputError) as caught:
        plots.picture(CASE, ".bmp")
    assert caught.value.next_step == "end the name in .html, .svg, .png"


def test_one_data_set_is_shown_by_its_own_figure():
    assert [spec.figure for spec in plots.specs(made.one_download())] == ["figure-roster"]
    assert [spec.figure for spec in plots.specs(CASE)][:2] == ["figure-overview", "figure-ccw"]


# --- typeface and colours


def test_widths_are_those_of_the_typeface():
    # hmtx of Source Sans Pro Regular, in thousandths of the size: digits are all 497
    assert fonts.width("0123456789", 1000) == pytest.approx(4970)
    assert fonts.width("W", 10) == pytest.approx(7.86)
    assert fonts.width("downloads", 12, bold=True) > fonts.width("downloads", 12)
    assert fonts.covers("2,734 downloads · UTC−07:00 … ŵ")
    assert not fonts.covers("日本")


def test_each_colour_has_one_name():
    assert set(theme.LIGHT) == set(theme.DARK)
    assert len(set(theme.LIGHT.values())) == len(theme.LIGHT)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_words_can_be_read_and_series_told_apart_in_grey(colours):
    for name in ("ink", "muted", "downloads", "addresses", "declared", "logged"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    assert contrast(colours["full"], colours["undetermined"]) >= 3
    assert contrast(colours["partial"], colours["partial_line"]) >= 2.4


def test_ids_are_plain_and_do_not_collide():
    assert slug("ccw") == "ccw"
    assert slug("a b") != slug("a-b")
    assert slug("") != slug("-")
    assert all(slug(text).replace("-", "").isalnum() for text in ("<script>", "日本", "", "\ud800", "../../x"))

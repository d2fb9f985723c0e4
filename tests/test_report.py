"""The report: what it holds, that it is the same each time, and that no word of a log becomes markup."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import findings_fixture as made
import pytest

from incident.records import BUCKETS
from incident.render import meanings, page, plots, report, tables

RULES = (
    report.Rule("partial-content", "A 206 response counts toward a download.", "RFC 9110, 15.3.7."),
    report.Rule("full", "Full: the bytes delivered cover the object's size.", ""),
)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "p", "header", "h1", "h2", "h3", "h4", "dl", "dt", "dd", "nav",
    "ol", "li", "a", "main", "section", "figure", "div", "script", "svg", "desc", "defs", "pattern", "rect", "circle",
    "path", "g", "text", "ul", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "code", "footer",
}  # fmt: skip


class Reader(HTMLParser):
    """Reads a page into its tags, ids, links and words."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.ids, self.links, self.scripts, self.said = set(), set(), [], [], [], []
        self.inside = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add((tag, name))
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)
        if tag == "script":
            self.scripts.append([dict(attrs), ""])
        if tag not in {"meta", "rect", "circle", "path"}:
            self.inside.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_endtag(self, tag):
        assert self.inside, f"{tag} was never opened"
        assert self.inside.pop() == tag

    def handle_data(self, data):
        if self.inside and self.inside[-1] == "script":
            self.scripts[-1][1] += data
        elif not self.inside or self.inside[-1] != "style":
            self.said.append(data)

    @property
    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.said))


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.inside == []
    return reader


CASE = made.case()
TEXT = report.html(CASE, rules=RULES)
PAGE = read(TEXT)


def test_sections_and_anchors():
    wanted = ["cover", "contents", "findings", "overview", "declared", "evidence", "method", "limitations"]
    wanted += ["reproduction", "glossary", "rule-partial-content", "policy-session-gap-us", "evidence-1"]
    for dataset in CASE.datasets:
        anchor = f"dataset-{dataset.dataset}"
        wanted += [anchor, f"figure-{dataset.dataset}"]
        wanted += [f"{anchor}-{part}" for part in ("downloads", "buckets", "windows", "objects", "clients")]
    assert set(wanted) <= set(PAGE.ids)
    assert len(PAGE.ids) == len(set(PAGE.ids))


def test_every_link_leads_somewhere_in_the_page():
    assert {link[1:] for link in PAGE.links} <= set(PAGE.ids)
    assert all(link.startswith("#") for link in PAGE.links)


def test_findings_and_meanings_are_said():
    for dataset in CASE.datasets:
        assert dataset.sentence in PAGE.words
    for said in (
        CASE.privilege,
        CASE.matter,
        CASE.config_sha256,
        CASE.manifest_sha256,
        RULES[0].sentence,
        RULES[0].why,
    ):
        assert said in PAGE.words
    for bucket in BUCKETS:
        assert meanings.BUCKETS[bucket] in PAGE.words
    for _, limit in CASE.limits:
        assert limit in PAGE.words
    for item in CASE.evidence:
        assert item.sha256 in PAGE.words


def test_windows_are_given_in_both_zones():
    assert "27 June 2022, 12:31:07 p.m. PDT (UTC−07:00)" in PAGE.words
    assert "2022-06-27T19:31:07Z" in PAGE.words
    assert "not in the log" in PAGE.words


def test_same_findings_same_bytes():
    assert report.html(made.case(), rules=RULES) == TEXT


def test_scripts_are_named_by_their_hash_and_nothing_else_may_run():
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', TEXT)[1].replace("&#39;", "'")
    run = [text for attributes, text in PAGE.scripts if attributes.get("type") != "application/json"]
    assert len(run) == 3
    for text in run:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]


def test_plotly_is_carried_once():
    marker = "plotly.js v"
    assert TEXT.count(marker) == page.get_plotlyjs().count(marker) > 0


def test_nothing_is_fetched():
    assert not {name for _, name in PAGE.attributes} & {"src", "srcset", "action", "ping", "data", "xlink:href"}
    assert "@import" not in page.page("x", "1").style
    assert re.findall(r"url\((?!data:)", str(page.page("x", "1").style)) == []


@pytest.mark.parametrize(
    "write", [lambda case: report.html(case, rules=RULES), plots.timeline], ids=["report", "timeline"]
)
def test_hostile_text_stays_text(write):
    text = write(made.hostile_case())
    found = read(text)
    assert found.tags <= TAGS
    plain = read(write(CASE))
    assert found.attributes <= plain.attributes
    assert not {name for _, name in found.attributes if name.startswith("on")}
    # what a reader would not see, or what would turn a line around, is shown as an escape
    assert not re.search("[\x00\x1b\u202e\u2066\u200b\u2028\ud800]", text)
    assert "\\u202e" in found.words
    assert "{{ 7*7 }}" in found.words
    assert "49{%" not in found.words
    assert len(found.scripts) == len(plain.scripts)
    assert all(link.startswith("#") for link in found.links)


def test_hostile_rules_and_privilege_stay_text():
    rules = (report.Rule("x", made.HOSTILE, made.HOSTILE),)
    found = read(report.html(replace(CASE, privilege=made.HOSTILE), rules=rules))
    assert found.tags <= TAGS
    style = str(page.page("x", "1", running=made.HOSTILE).style)
    assert "</style" not in style
    assert "}*{display:none}" not in style


def test_css_strings_hold_only_letters_and_digits():
    assert page.css_string('a"}b\\') == '"a\\22 \\7d b\\5c "'


def test_little_or_nothing_found():
    bare = read(report.html(made.bare_case()))
    assert "The logs record no download of Never asked for." in bare.words
    assert "none: the case has no definition" in bare.words
    assert "Privileged" not in bare.words
    none = read(report.html(replace(made.bare_case(), datasets=())))
    assert "names no data set" in none.words
    one = read(report.html(made.one_download()))
    assert "overview" not in one.ids


def test_restriction_is_stated():
    case = replace(CASE, since_us=made.FIRST, until_us=made.LAST)
    found = read(report.html(case)).words
    assert "from 27 June 2022, 12:31:07 p.m. PDT (UTC−07:00) (2022-06-27T19:31:07Z) until 28 June 2022" in found


def test_long_tables_say_what_they_leave_out():
    dataset = CASE.datasets[0]
    table = tables.clients(dataset, "dataset-ccw", CASE.timezone)
    assert len(table.rows) == tables.CLIENT_ROWS
    assert table.left_out == (
        "The first 500 of 507 addresses are shown; 7 are left out here. All of them: incident clients --dataset ccw"
    )
    assert tables.clients(CASE.datasets[1], "a", CASE.timezone).left_out == ""


def test_tables_hold_the_findings_numbers():
    dataset = CASE.datasets[0]
    table = tables.buckets(dataset, "a")
    assert [row.cells[1].sort for row in table.rows] == [*map(str, dataset.buckets.values()), str(dataset.requests)]
    table = tables.downloads(dataset, "a")
    assert [row.cells[1].text for row in table.rows][:4] == [
        "2,734", f"{dataset.downloads_full:,}", f"{dataset.downloads_partial:,}", f"{dataset.downloads_undetermined:,}",
    ]  # fmt: skip


def test_every_bucket_and_setting_has_a_meaning():
    assert tuple(meanings.BUCKETS) == BUCKETS
    assert all(row.cells[2].text for row in tables.policy(CASE.policy).rows)


def test_rules_are_read_from_sql():
    sql = """
    -- Not a rule.
    select
        -- rule partial-content
        -- A 206 response counts toward a download;
        -- it is not a download by itself.
        -- why: clients fetch one file in many ranges
        -- (RFC 9110, 15.3.7).
        case when e.status = 206 then 1 else 0 end as is_partial,  -- not this
        -- rule first
        -- One.
        -- rule second
        -- Two.
        -- why: because.
        1
        -- rule empty
    from e
    """
    assert report.rules_of(sql) == (
        report.Rule(
            "partial-content",
            "A 206 response counts toward a download; it is not a download by itself.",
            "clients fetch one file in many ranges (RFC 9110, 15.3.7).",
        ),
        report.Rule("first", "One.", ""),
        report.Rule("second", "Two.", "because."),
    )
    assert report.rules_of("") == ()

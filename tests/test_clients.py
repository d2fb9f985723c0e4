"""Client addresses, networks, the dossier of one, and the overlap of data sets, in small cases known by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mmdbwriter
import pytest
from casebuilder import BROWSER, Case, at, definition, us

from incident import model
from incident.clients import clients_finding
from incident.dossier import dossier
from incident.enrich import Databases
from incident.errors import DefinitionError, UsageError
from incident.overlap import overlap
from incident.records import DatasetRule, Policy
from incident.records_chronology import LineRef
from incident.records_clients import ClientDetail, ClientsFinding, NetworkFacts

ITEM = "edge/a.log"
BUILT = 1_714_000_000
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"


def asked(case: Case, said=None, **more) -> ClientsFinding:
    said = said or definition()
    con = case.connect()
    model.apply(con, said)
    return clients_finding(con, said, **more)


def rows(found: ClientsFinding) -> dict[str, ClientDetail]:
    return {each.client_ip: each for each in found.datasets[0].clients}


def test_figures_of_an_address() -> None:
    case = Case()
    case.hit(ITEM, at(10), "192.0.2.1", peer_port=40001)
    case.hit(ITEM, at(10, 1), "192.0.2.1", size=400, peer_port=40002, referer="https://forum.example/t/1")
    case.hit(ITEM, at(10, 2), "192.0.2.1", status=404, size=10, peer_port=40002)
    case.hit(ITEM, at(10, 3), "192.0.2.1", "/data/ccw_2.csv", user_agent=BOT)
    case.hit(ITEM, at(10, 4), "192.0.2.2", status=404, size=10)
    found = asked(case)
    (row,) = found.datasets[0].clients
    assert (row.requests, row.downloads, row.full, row.partial, row.undetermined) == (4, 3, 1, 1, 1)
    assert (row.holds_full_copy, row.objects, row.agents, row.agent, row.automated) == (True, 2, 2, BROWSER, True)
    assert (row.first_us, row.last_us, row.bytes_sent) == (us(at(10)), us(at(10, 3)), 2400)
    assert (row.source_ports, row.referrers) == (2, (("forum.example", 1),))
    assert {(hit.list, hit.user_agent) for hit in row.agent_classes} >= {("crawler-user-agents", BOT)}
    assert all(hit.version and hit.pattern for hit in row.agent_classes)
    assert {each.name for each in found.agent_lists} == {"crawler-user-agents", "COUNTER robots", "COUNTER machines"}
    assert found.datasets[0].unique_ips_human == found.datasets[0].unique_ips_automated == 1


def test_period_and_data_set_choose() -> None:
    case = Case()
    case.hit(ITEM, at(10), "192.0.2.1")
    case.hit(ITEM, at(11), "192.0.2.2")
    assert set(rows(asked(case, since_us=us(at(11))))) == {"192.0.2.2"}
    assert asked(case, datasets=["other"]).datasets == ()


def test_what_else_it_asked_for() -> None:
    case = Case()
    case.hit(ITEM, at(8), "192.0.2.1", "/elsewhere")  # another visit, without a download
    case.hit(ITEM, at(10), "192.0.2.1", "/")
    case.hit(ITEM, at(10, 20), "192.0.2.1")
    for path in ("/admin", "/admin", "/about"):
        case.hit(ITEM, at(10, 49, 59), "192.0.2.1", path)
    case.hit(ITEM, at(11, 20), "192.0.2.1", "/later")  # 30 minutes and a second later
    case.hit(ITEM, at(10, 30), "192.0.2.77", "/other")
    row = rows(asked(case))["192.0.2.1"]
    assert (row.visits, row.other_lines) == (1, 4)
    assert row.other_paths == (("/admin", 2), ("/", 1), ("/about", 1))


@pytest.mark.parametrize(
    ("agents", "minutes", "because"),
    [
        (5, 60, "5 user agents downloaded from it"),
        (4, 60, None),
        (3, 4, "3 user agents downloaded from it within 10 min"),
        (3, 5, None),
        (2, 0, None),
    ],
)
def test_shared_egress(agents: int, minutes: int, because: str | None) -> None:
    """Three agents 4 min apart lie within 10 minutes; 5 min apart the third begins 10 minutes after the first."""
    case = Case()
    for n in range(agents):
        case.hit(ITEM, at(10) + 60 * minutes * n, "192.0.2.1", user_agent=f"Agent {n}")
    found = asked(case)
    assert rows(found)["192.0.2.1"].shared_because == because
    assert found.datasets[0].shared_egress == int(because is not None)


def test_addresses_stand_beside_their_64() -> None:
    case = Case()
    for ip in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "192.0.2.1", "192.0.2.2"):
        case.hit(ITEM, at(10), ip)
    (found,) = asked(case).datasets
    assert (found.unique_ips, found.unique_ips_folded, found.unique_64) == (5, 4, 2)
    networks = {(each.kind, each.network): (each.addresses, each.downloads) for each in found.networks}
    assert networks == {
        ("ipv4-24", "192.0.2.0/24"): (2, 2),
        ("ipv6-64", "2001:db8::/64"): (2, 2),
        ("ipv6-64", "2001:db8:0:1::/64"): (1, 1),
    }
    folded = asked(case, replace(definition(), policy=Policy(fold_ipv6=True)))
    assert set(rows(folded)) == {"2001:db8::/64", "2001:db8:0:1::/64", "192.0.2.1", "192.0.2.2"}


def test_forwarded_for_is_shown_not_believed() -> None:
    case = Case()
    case.hit(ITEM, at(10), "192.0.2.1", forwarded_for="198.51.100.9")
    case.hit(ITEM, at(10, 1), "192.0.2.1", forwarded_for="198.51.100.10")
    case.hit(ITEM, at(10, 2), "203.0.113.5", forwarded_for="::ffff:198.51.100.7")
    case.hit(ITEM, at(10, 3), "192.0.2.3", "/other", forwarded_for="198.51.100.9, 198.51.100.8")
    said = replace(definition(), trusted_proxies=("203.0.113.0/24",))
    found = asked(case, said)
    assert set(rows(found)) == {"192.0.2.1", "198.51.100.7"}
    (data,) = found.datasets
    assert (data.unbelieved, data.unbelieved_peers, found.unbelieved_lines) == (2, 1, 3)
    (example,) = found.unbelieved
    assert (example.peer_ip, example.forwarded_for) == ("192.0.2.1", "198.51.100.9")
    assert example.source == LineRef(ITEM, 1, 0)
    con = case.connect()
    model.apply(con, said)
    assert dossier(con, said, "198.51.100.9").claimed_lines == 2
    assert dossier(con, said, "198.51.100.7").lines_total == 1


def test_names_of_networks(tmp_path: Path) -> None:
    labels = tmp_path / "networks.csv"
    labels.write_text("cidr,label\n192.0.2.0/24,Example Broadband\n", encoding="utf-8")
    asn = mmdbwriter.write(
        tmp_path / "asn.mmdb",
        {
            "192.0.2.0/24": {"autonomous_system_number": 64496, "autonomous_system_organization": "Example Net"},
            "2001:db8::/32": {"asn": "AS64497"},
        },
        built=BUILT,
        kind="Test-ASN",
    )
    country = mmdbwriter.write(
        tmp_path / "country.mmdb", {"192.0.2.0/25": {"country": {"iso_code": "ZZ"}}}, built=BUILT
    )
    case = Case()
    for ip in ("192.0.2.1", "2001:db8::1", "198.51.100.1"):
        case.hit(ITEM, at(10), ip)
    found = asked(case, replace(definition(), labels=labels, geoip=(asn, country)))
    facts = {ip: row.network for ip, row in rows(found).items()}
    assert facts == {
        "192.0.2.1": NetworkFacts(64496, "Example Net", "ZZ"),
        "2001:db8::1": NetworkFacts(64497, None, None),
        "198.51.100.1": NetworkFacts(),
    }
    assert rows(found)["192.0.2.1"].label == "Example Broadband"
    assert [(each.file, each.type, each.build_us) for each in found.databases] == [
        ("asn.mmdb", "Test-ASN", BUILT * 1_000_000),
        ("country.mmdb", "Test", BUILT * 1_000_000),
    ]
    named = {(each.kind, each.network, each.name) for each in found.datasets[0].networks}
    assert {("asn", "AS64496", "Example Net"), ("asn", "AS64497", None), ("country", "ZZ", None)} <= named
    assert ("label", "Example Broadband", None) in named


def test_an_ipv4_file_knows_no_ipv6(tmp_path: Path) -> None:
    file = mmdbwriter.write(tmp_path / "v4.mmdb", {"192.0.2.0/24": {"country_code": "ZZ"}}, built=BUILT, ip_version=4)
    with Databases([file]) as databases:
        assert databases.facts("192.0.2.9").country == "ZZ"
        assert databases.facts("2001:db8::1") == databases.facts("no address") == NetworkFacts()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "not.mmdb"
    file.write_text("nothing of the kind", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"not\.mmdb is no MaxMind-format database"):
        Databases([file])
    with pytest.raises(DefinitionError):
        Databases([tmp_path / "missing.mmdb"])


def test_dossier_is_the_whole_visit_in_order() -> None:
    case = Case(evidence=(ITEM, "origin/a.log"))
    case.hit(ITEM, at(12), "192.0.2.1", "/late")
    case.hit(ITEM, at(10), "192.0.2.1", "/", peer_port=4242)
    case.hit(ITEM, at(10, 1), "192.0.2.1", status=206, size=500, range_start=0, range_end=499, range_total=1000)
    case.hit(ITEM, at(10, 2), "192.0.2.1", status=206, size=500, range_start=500, range_end=999, range_total=1000)
    case.hit(
        "origin/a.log",
        at(10, 1),
        "203.0.113.5",
        status=206,
        size=500,
        range_start=0,
        range_end=499,
        forwarded_for="192.0.2.1",
    )
    case.hit(ITEM, at(10, 3), "192.0.2.2")
    said = replace(definition(), trusted_proxies=("203.0.113.0/24",))
    con = case.connect()
    model.apply(con, said)
    found = dossier(con, said, "::ffff:192.0.2.1")
    assert (found.address, found.addresses, found.visits, found.lines_total) == ("192.0.2.1", 1, 2, 5)
    assert [(each.visit, each.source.path, each.source.line_no) for each in found.lines] == [
        (1, ITEM, 2), (1, ITEM, 3), (1, "origin/a.log", 1), (1, ITEM, 4), (2, ITEM, 1),
    ]  # fmt: skip
    assert found.lines[0].peer_port == 4242
    matched = [[(m.dataset, m.bucket, m.download and m.download.line_no) for m in each.matches] for each in found.lines]
    assert matched == [[], [("ccw", "counted", 3)], [("ccw", "other_vantage", None)], [("ccw", "counted", 3)], []]
    (download,) = found.downloads
    assert (download.completeness, download.transfers, download.source) == ("full", 2, LineRef(ITEM, 3, 200))
    assert len(dossier(con, said, "192.0.2.1", most=2).lines) == 2
    network = dossier(con, said, "192.0.2.0/24")
    assert (network.address, network.addresses, network.lines_total, len(network.downloads)) == (
        "192.0.2.0/24",
        2,
        6,
        2,
    )
    assert dossier(con, said, "198.51.100.1").lines == ()
    with pytest.raises(UsageError):
        dossier(con, said, "somebody")


def test_overlap_of_data_sets() -> None:
    said = definition(datasets=tuple(DatasetRule(name, paths=(f"/data/{name}_*",)) for name in ("ccw", "fsc", "none")))
    case = Case()
    for ip, names in (("192.0.2.1", ("ccw", "fsc")), ("192.0.2.2", ("ccw",)), ("192.0.2.3", ("fsc", "ccw", "fsc"))):
        for n, name in enumerate(names):
            case.hit(ITEM, at(10, n), ip, f"/data/{name}_{n}.csv")
    con = case.connect()
    model.apply(con, said)
    found = overlap(con, said)
    assert {(each.first, each.second): each.addresses for each in found.overlaps if each.addresses} == {
        ("ccw", "ccw"): 3, ("ccw", "fsc"): 2, ("fsc", "ccw"): 2, ("fsc", "fsc"): 2,
    }  # fmt: skip
    assert [each.client_ip for each in found.acquirers] == ["192.0.2.3", "192.0.2.1", "192.0.2.2"]
    assert [each.everything for each in found.acquirers] == [True, True, False]
    assert dict(found.acquirers[0].downloads) == {"ccw": 1, "fsc": 2}
    assert (found.addresses, found.took_everything, found.objects_downloaded) == (3, 2, 5)

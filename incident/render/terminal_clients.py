"""Client addresses for people at a terminal: who took what, one address whole, and who took several data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from incident import words
from incident.render.terminal_parts import WIDE, heading, pairs, table, title
from incident.render.terminal_story import place
from incident.words import visible

if TYPE_CHECKING:
    from rich.console import Console

    from incident.records import CaseFinding
    from incident.records_clients import (
        ClientDetail,
        ClientsFinding,
        DatasetClients,
        Dossier,
        DossierLine,
        NetworkFacts,
        NetworkFinding,
        OverlapFinding,
    )

NETWORKS_SHOWN = 5
ACQUIRERS_SHOWN = 25
AGENTS_SHOWN = 10
KINDS = {"label": "label", "asn": "AS", "country": "country", "ipv4-24": "IPv4 /24", "ipv6-64": "IPv6 /64"}


def clients(out: Console, case: CaseFinding, found: ClientsFinding, *, limit: int | None = None) -> None:
    """Show the client addresses of each data set, and how many there are beyond those shown."""
    title(out, case)
    for one in found.datasets:
        heading(out, one.dataset, one.title)
        shown = one.clients if limit is None else one.clients[:limit]
        _addresses(out, shown, case.timezone)
        if len(shown) < len(one.clients):
            out.print(f"and {words.number(len(one.clients) - len(shown))} more; --all shows them, --json too")
        out.print()
        _totals(out, one)
        _networks(out, one.networks, everything=limit is None)
    _sources(out, found, case.timezone)


def _addresses(out: Console, shown: tuple[ClientDetail, ...], zone: str) -> None:
    wide = out.width >= WIDE
    made = table(
        ("client", "left"),
        ("downloads", "right"),
        ("full", "right"),
        ("holds all", "left"),
        ("bytes", "right"),
        ("first, last", "right"),
        *((("agents", "right"), ("referrers, other requests", "left")) if wide else ()),
    )
    for one in shown:
        about = [one.label, facts(one.network), "automated" if one.automated else None]
        about += ["shared egress likely" if one.shared_egress else None]
        made.add_row(
            "\n".join([visible(one.client_ip), *(visible(each) for each in about if each)]),
            words.number(one.downloads),
            words.number(one.full),
            "yes" if one.holds_full_copy else "no",
            words.short_bytes(one.bytes_sent),
            f"{words.short(one.first_us, zone)}\n{words.short(one.last_us, zone)}",
            *((words.number(one.agents), _beside(one)) if wide else ()),
        )
    out.print(made)


def facts(found: NetworkFacts) -> str | None:
    """Return "AS64500 Example Fibre, US"; None where nothing is known."""
    system = f"AS{found.asn}" if found.asn is not None else None
    network = " ".join(each for each in (system, found.organisation) if each)
    return ", ".join(each for each in (network, found.country) if each) or None


def _beside(one: ClientDetail) -> str:
    hosts = ", ".join(f"{visible(host)} ({words.number(requests)})" for host, requests in one.referrers)
    others = f"{words.counted(one.other_lines, 'other line')} in {words.counted(one.visits, 'visit')}"
    return "; ".join(each for each in (hosts, others) if each)


def _totals(out: Console, one: DatasetClients) -> None:
    number = words.number
    folded = f"{number(one.unique_ips_folded)} with IPv6 by network; {number(one.unique_64)} IPv6 networks of /64"
    rows = [
        ("unique IPs", f"{number(one.unique_ips)}; {folded}"),
        ("of agents", f"{number(one.unique_ips_human)} on no list, {number(one.unique_ips_automated)} on one"),
        ("shared egress", f"likely behind {words.counted(one.shared_egress, 'address', 'addresses')}"),
    ]
    if one.without_address:
        rows.append(("no address", f"{words.counted(one.without_address, 'download')} whose log names none"))
    if one.unbelieved:
        came = f"{words.counted(one.unbelieved, 'request')} of {words.counted(one.unbelieved_peers, 'peer')}"
        rows.append(("forwarded-for", f"{came} that are no trusted proxy: recorded, not believed"))
    out.print(pairs(rows))


def _networks(out: Console, found: tuple[NetworkFinding, ...], *, everything: bool) -> None:
    shown = [
        one
        for kind in KINDS
        for one in [each for each in found if each.kind == kind][: None if everything else NETWORKS_SHOWN]
    ]
    if not shown:
        return
    made = table(
        ("network", "left"), ("of kind", "left"), ("addresses", "right"), ("downloads", "right"), ("full", "right")
    )
    for one in shown:
        made.add_row(
            visible(one.network) + (f" {visible(one.name)}" if one.name else ""),
            KINDS[one.kind],
            words.number(one.addresses),
            words.number(one.downloads),
            words.number(one.full),
        )
    out.print(made)
    if len(shown) < len(found):
        out.print(f"the first {NETWORKS_SHOWN} of each kind, of {words.number(len(found))}; --all shows them")
    out.print()


def _sources(out: Console, found: ClientsFinding, zone: str) -> None:
    """Show what the classes and the names rest on."""
    rows = []
    for each in found.agent_lists:
        newest = f", newest entry {each.newest_entry}" if each.newest_entry else ""
        said = f"{each.name} {each.version}{newest}, {words.counted(each.patterns, 'pattern')}"
        rows.append(("agent list", f"{said}, SHA-256 {each.sha256[:12]}"))
    for base in found.databases:
        built = words.short(base.build_us, zone)
        rows.append(("geoip", f"{visible(base.file)}: {visible(base.type)}, built {built}, SHA-256 {base.sha256[:12]}"))
    rows.append(("shared egress", found.shared_rule))
    rows.append(("visit", f"ends where an address is idle for {words.span(found.visit_gap_us)}"))
    out.print(pairs(rows))
    if found.unbelieved:
        out.print(Text("Forwarded-for headers that were not believed", style="bold"))
        for one in found.unbelieved:
            said = f"{visible(one.peer_ip)} claims {visible(one.forwarded_for)}"
            out.print(pairs([(visible(one.dataset), said), ("", place(one.source))], gap=False))
        if not found.trusted_proxies:
            out.print("The definition names no trusted proxies: if a CDN stood before the site, name its addresses.")
        out.print()


def dossier(out: Console, case: CaseFinding, found: Dossier) -> None:
    """Show all that the case holds of one address: its visits line by line, in order."""
    zone = case.timezone
    title(out, case)
    out.print(Text(visible(found.address), style="bold"))
    rows = [
        ("label", visible(found.label)),
        ("network", visible(facts(found.network))),
        ("addresses", words.number(found.addresses)),
        ("lines", f"{words.number(found.lines_total)} in {words.counted(found.visits, 'visit')}"),
        ("downloads", words.number(len(found.downloads))),
    ]
    rows += [("internal", "one of the organisation's own")] if found.internal else []
    claimed = f"{words.counted(found.claimed_lines, 'line')} of others, in a forwarded-for that is not believed"
    rows += [("claimed by", claimed)] if found.claimed_lines else []
    shown = found.agents[:AGENTS_SHOWN]
    rows += [("agent", f"{visible(agent)} ({words.counted(lines, 'line')})") for agent, lines in shown]
    rows += [("", f"and {words.number(len(found.agents) - len(shown))} more")] if shown != found.agents else []
    rows += [
        ("automated", f"{visible(hit.user_agent)}: {hit.list} {hit.version}, {visible(hit.pattern)}")
        for hit in found.agent_classes[:AGENTS_SHOWN]
    ]
    out.print(pairs(rows))
    visit = 0
    for line in found.lines:
        if line.visit != visit:
            visit = line.visit
            out.print(Text(f"visit {words.number(visit)}, {visible(line.address)}", style="bold"))
        _line(out, line, zone)
    if len(found.lines) < found.lines_total:
        out.print(f"and {words.number(found.lines_total - len(found.lines))} more lines; --all shows them, --json too")
    if not found.lines_total:
        out.print("No line of the evidence is of this address.")


def _line(out: Console, one: DossierLine, zone: str) -> None:
    target = f"{visible(one.method)} {visible(one.path)}{'?' + visible(one.query) if one.query else ''}"
    sent = words.short_bytes(one.bytes_sent)
    asked = f"{target}  {one.status if one.status is not None else words.NOTHING}, {sent}"
    if one.range_start is not None:
        asked += f", bytes {one.range_start}-{one.range_end if one.range_end is not None else ''}"
    became = "; ".join(
        f"{visible(match.dataset)}: {match.bucket}"
        + (f", of the download that begins at {place(match.download)}" if match.download else "")
        for match in one.matches
    )
    hop = f"peer {visible(one.peer_ip)}" + (f":{one.peer_port}" if one.peer_port is not None else "")
    if one.forwarded_for:
        hop += f", forwarded-for {visible(one.forwarded_for)}"
    rows = [(words.short(one.at_us, zone), asked), ("", f"{place(one.source)} ({visible(one.vantage)})")]
    rows += [("", became)] if became else []
    rows += [("", hop)] if one.forwarded_for or one.peer_port is not None else []
    rows += [("", f"from {visible(one.referer)}")] if one.referer not in {None, "", "-"} else []
    out.print(pairs(rows, gap=False))


def overlap(out: Console, case: CaseFinding, found: OverlapFinding, *, limit: int | None = ACQUIRERS_SHOWN) -> None:
    """Show which addresses downloaded from several data sets."""
    title(out, case)
    made = table(("addresses of", "left"), *((visible(name), "right") for name in found.datasets))
    both = {(one.first, one.second): one.addresses for one in found.overlaps}
    for first in found.datasets:
        cells = (both.get((first, second), both.get((second, first), 0)) for second in found.datasets)
        made.add_row(visible(first), *(words.number(count) for count in cells))
    out.print(made)
    out.print("Each cell: addresses that downloaded from both; where a data set meets itself, all of its addresses.\n")
    rows = [
        ("addresses", f"{words.number(found.addresses)} over all data sets"),
        ("took all", f"{words.number(found.took_everything)} from every data set that was downloaded"),
        ("objects", f"{words.number(found.objects_downloaded)} were downloaded"),
    ]
    out.print(pairs(rows))
    several = [one for one in found.acquirers if len(one.datasets) > 1]
    shown = several if limit is None else several[:limit]
    people = table(("client", "left"), ("data sets", "left"), ("objects", "right"), ("full copy of", "left"))
    for one in shown:
        about = [visible(one.label)] if one.label else []
        about += ["automated"] if one.automated else []
        people.add_row(
            "\n".join([visible(one.client_ip), *about]),
            ", ".join(f"{visible(name)} {words.number(count)}" for name, count in one.downloads.items()),
            words.number(one.objects),
            ", ".join(visible(name) for name in one.full_copies) or words.NOTHING,
        )
    if shown:
        out.print(people)
    if len(shown) < len(several):
        out.print(f"and {words.number(len(several) - len(shown))} more; --all shows them, --json too")

"""Everything else on the site: pages and what they are made of, health checks, scanners. None of it is a data set."""

from __future__ import annotations

from random import Random

from .events import Ask, Event, Ledger
from .holdings import COLLECTIONS
from .people import ROBOTS, Client, browser, ipv6
from .story import (
    BEGIN,
    CRASH,
    END,
    HOST,
    MINUTE,
    ORIGIN_SKEW,
    PUBLISHED,
    RAMP,
    REFERRERS,
    RESTORED,
    SECOND,
    SEED,
    SILENT,
    TAKEN_DOWN,
    pacific,
)

HOURLY = (  # (from, to, visits)
    (BEGIN, PUBLISHED, 165),
    (PUBLISHED, RAMP, 285),
    (RAMP, pacific(27, "18:00:00"), 315),
    (pacific(27, "18:00:00"), CRASH, 645),
    (CRASH, RESTORED, 495),
    (RESTORED, pacific(28, "00:00:00"), 540),
    (pacific(28, "00:00:00"), pacific(28, "03:00:00"), 495),
    (pacific(28, "03:00:00"), pacific(28, "06:00:00"), 135),
    (pacific(28, "06:00:00"), TAKEN_DOWN, 630),
    (TAKEN_DOWN, END, 330),
)
ASSETS = (
    ("/assets/app.4f1c09.js", "application/javascript", 311_204),
    ("/assets/site.77ab.css", "text/css", 48_117),
    ("/assets/charts.b2.js", "application/javascript", 742_910),
    ("/img/seal.png", "image/png", 23_559),
    ("/img/header%20wide.png", "image/png", 88_240),
    ("/api/summary.json", "application/json", 9_120),
    ("/favicon.ico", "image/x-icon", 4_286),
)
SCANS = (
    "/wp-login.php",
    "/.env",
    "/admin/",
    "/data/",
    "/data/README.txt",
    "/data/CCW_2012_2021.CSV",
    "/.git/HEAD",
    "/phpinfo.php",
)
HELLO = r"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"
CUT_ASIDE = 8 * SECOND


def place_pages(ledger: Ledger) -> None:
    """Write all traffic that is not about the data."""
    rng = Random(f"{SEED}:pages")
    for low, high, visits in HOURLY:
        for _ in range(visits):
            moment = rng.randrange(low, high - 30 * SECOND)
            if low in (RAMP, pacific(27, "18:00:00")):
                moment = max(moment, rng.randrange(low, high - 30 * SECOND))
            _visit(ledger, rng, moment, _visitor(rng), _referrer(rng, moment))
    for url, first in REFERRERS:
        _visit(ledger, rng, first, _visitor(rng), url, plain=True)
    _health_checks(ledger, rng)
    _scanners(ledger, rng)


def _visitor(rng: Random) -> Client:
    if rng.random() < 0.06:
        return Client(f"192.0.2.{rng.randrange(201, 255)}", rng.choice(ROBOTS), automated=True)
    if rng.random() < 0.5:
        return Client(f"{rng.choice(('192.0.2', '198.51.100'))}.{rng.randrange(1, 255)}", browser(rng))
    return Client(ipv6(rng), browser(rng))


def _referrer(rng: Random, moment: int) -> str | None:
    arrived = [url for url, first in REFERRERS if first + 5 * MINUTE < moment]
    return rng.choice(arrived) if arrived and rng.random() < 0.5 else None


def _visit(
    ledger: Ledger, rng: Random, moment: int, client: Client, referrer: str | None, *, plain: bool = False
) -> None:
    page = rng.choice(("/", "/dashboards/firearms", *(f"/dashboards/firearms/{each.name}" for each in COLLECTIONS)))
    if moment < PUBLISHED:
        page = rng.choice(("/", "/about", "/dashboards/stops"))
    gone = moment > TAKEN_DOWN and page not in ("/", "/about")
    down = CRASH < moment < RESTORED
    status = 404 if gone else _trouble(rng, moment) if down else 200
    html = "text/html; charset=utf-8"
    ledger.edge(
        _ask(
            rng,
            client,
            page,
            moment=moment,
            status=status,
            referrer=referrer,
            kind=html,
            size=rng.randrange(9_000, 31_000),
        )
    )
    if status != 200 or plain:
        return
    for path, kind, size in rng.sample(ASSETS, rng.randrange(1, 6)):
        later = moment + rng.randrange(40, 4_000)
        if later < CRASH or later > RESTORED:
            answer = 304 if rng.random() < 0.12 else 200
            here = f"https://{HOST}{page}"
            ledger.edge(_ask(rng, client, path, moment=later, status=answer, referrer=here, kind=kind, size=size))


def _trouble(rng: Random, moment: int) -> int:
    if moment < SILENT:
        return 503 if rng.random() < 0.8 else 504
    return rng.choice((504, 504, 502, 503, 200))  # a page now and then comes out of the cache


def _ask(
    rng: Random, client: Client, path: str, *, moment: int, status: int, referrer: str | None, kind: str, size: int
) -> Ask:
    body = {200: size, 304: 0}.get(status, 1_033)
    silent = SILENT - CUT_ASIDE < moment < RESTORED
    duration = 30_000 + rng.randrange(500) if status == 504 else rng.randrange(1, 400)
    return Ask(
        client, path, moment, duration, status, None, body=body, length=body or None, referer=referrer,
        content_type=kind if status == 200 else "text/html", query="v=2" if rng.random() < 0.04 else None,
        miss=not silent and status not in (502, 504) and rng.random() < 0.09,
    )  # fmt: skip


def _health_checks(ledger: Ledger, rng: Random) -> None:
    """Let the load balancer ask every five minutes: its silence shows the outage."""
    for moment in range(BEGIN + 7 * SECOND, END, 5 * MINUTE):
        if CRASH < moment < RESTORED:
            continue
        end = (moment + ORIGIN_SKEW) // SECOND * SECOND
        peer = Client("203.0.113.200", "ELB-HealthChecker/2.0", automated=True)
        ledger.events.append(
            Event(
                "origin",
                peer,
                "GET",
                "/healthz",
                None,
                200,
                end - rng.randrange(1, 4),
                end,
                2,
                peer=peer.ip,
                host="10.0.0.20",
            )
        )


def _scanners(ledger: Ledger, rng: Random) -> None:
    """Strangers who knock at the origin itself."""
    for number in range(90):
        moment = rng.randrange(BEGIN, END)
        if CRASH - MINUTE < moment < RESTORED + MINUTE:
            continue
        client = Client(f"192.0.2.{rng.randrange(240, 255)}", None if number % 4 == 0 else "Mozilla/5.0 zgrab/0.x")
        if number % 7 == 0:  # TLS spoken to the plain port: nginx logs what it got for a request, escaped
            hello = HELLO + "".join(rf"\x{rng.randrange(128, 256):02X}" for _ in range(12))
            ask = Ask(Client(client.ip, None), hello, moment, rng.randrange(90), 400, None, method="", body=157)
            ledger.tally["tls_to_plain_port"] += 1
        else:
            ask = Ask(client, rng.choice(SCANS), moment, rng.randrange(1, 9), 404, None, body=153)
        ledger.direct(ask)

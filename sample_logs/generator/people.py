"""Who comes: addresses of the documentation ranges only, each with the user agents seen behind it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random

from .holdings import COLLECTIONS
from .shapes import Collection
from .story import SEED

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BROWSERS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/{{}}.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} Chrome/{{}}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 15_5 like Mac OS X) {SAFARI} Version/15.5 Mobile/15E{{}} Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 12; Pixel 6) {CHROME} Chrome/{{}}.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Chrome/{{0}}.0.0.0 Safari/537.36 Edg/{{0}}.0.0.0",
)
ODD_BROWSERS = (  # a quote, a letter beyond ASCII, a backslash, a tab's worth of trouble for a careless parser
    'Mozilla/5.0 (X11; "Ub\u00fcntu"; Linux x86_64; rv:101.0) Gecko/20100101 Firefox/101.0',
    "Mozilla/5.0 (Windows NT 10.0; \u65e5\u672c\u8a9e) AppleWebKit/537.36 Chrome/102.0.0.0 Safari/537.36",
    "Download Helper \\ 4.1 (100% free; [beta])",
)
ROBOTS = (  # each is on the published lists of automated clients
    "curl/7.79.1",
    "python-requests/2.28.0",
    "Wget/1.21.3",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
)


@dataclass(frozen=True, slots=True)
class Client:
    """An address and one user agent; None: the request named none."""

    ip: str
    agent: str | None
    automated: bool = False


@dataclass(frozen=True, slots=True)
class Cast:
    """The clients of one data set, by role: a list of addresses, each with its clients."""

    people: tuple[tuple[Client, ...], ...]
    robots: tuple[tuple[Client, ...], ...]
    direct: tuple[tuple[Client, ...], ...]


def _ipv4(rng: Random) -> list[str]:
    pool = [f"192.0.2.{n}" for n in range(1, 255)] + [f"198.51.100.{n}" for n in range(1, 255)]
    pool += [f"203.0.113.{n}" for n in range(16, 127)]
    rng.shuffle(pool)
    return pool


def ipv6(rng: Random) -> str:
    """Return one address below 2001:db8::/32, never below the CDN's 2001:db8:ffff::/48."""
    site = rng.choice((0xA000, 0xB000)) + rng.randrange(0x1000)
    return str(IPv6Address((0x20010DB8 << 96) + (site << 80) + (rng.randrange(16) << 64) + rng.getrandbits(64)))


def browser(rng: Random) -> str:
    """Return a browser's user agent, as the middle of 2022 knew them."""
    return rng.choice(BROWSERS).format(rng.choice((99, 100, 101, 102, 103)))


def cast() -> dict[str, Cast]:
    """Return the clients of each data set.

    People may want several; robots and those who go past the CDN have addresses of their own.
    """
    rng = Random(f"{SEED}:people")
    v4 = _ipv4(rng)
    people: list[tuple[Client, ...]] = []
    for number in range(520):
        if number < 24:  # eight households, three privacy addresses each within one /64
            base = IPv6Address(ipv6(Random(f"{SEED}:household:{number // 3}")))
            address = str(IPv6Address((int(base) >> 64 << 64) + rng.getrandbits(64)))
        else:
            address = v4.pop() if rng.random() < 0.62 else ipv6(rng)
        agents = {browser(rng) for _ in range(rng.choice((1, 1, 1, 1, 2, 3)))}
        people.append(tuple(Client(address, agent) for agent in sorted(agents)))
    nat = v4.pop()  # one address, many users behind it
    people[0:0] = [tuple(Client(nat, agent) for agent in sorted({browser(rng) for _ in range(14)})[:9])]
    for place, agent in enumerate((*ODD_BROWSERS, None), start=1):
        people[place : place + 1] = [(Client(people[place][0].ip, agent),)]
    robots: list[tuple[Client, ...]] = []
    for number in range(40):
        address = v4.pop() if rng.random() < 0.7 else ipv6(rng)
        robots.append((Client(address, ROBOTS[number % len(ROBOTS)], automated=True),))
    direct: list[tuple[Client, ...]] = []
    for number in range(36):
        address = ipv6(rng) if number % 9 in (1, 5) else v4.pop()
        if (
            number % 9 == 3
        ):  # a listener for both families logs IPv4 peers like this; nowhere else do these addresses occur
            address = f"::ffff:{address}"
        direct.append((Client(address, browser(rng)),))
    return {each.name: _choose(each, people, robots, direct) for each in COLLECTIONS}


def _choose(
    collection: Collection,
    people: list[tuple[Client, ...]],
    robots: list[tuple[Client, ...]],
    direct: list[tuple[Client, ...]],
) -> Cast:
    rng = Random(f"{SEED}:cast:{collection.name}")
    special = people[: min(5, collection.people)]  # the shared address and the odd agents take part everywhere
    rest = rng.sample(people[5:], collection.people - len(special))
    return Cast(
        people=tuple(special + rest),
        robots=tuple(robots[: collection.robots]),
        direct=tuple(direct[: collection.direct]),
    )

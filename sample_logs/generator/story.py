"""The made-up case: when things happen, and where. What is taken, and how often, stands in holdings.py.

Times are integer milliseconds since 1970-01-01 UTC; the story is told in Pacific daylight time (UTC-7).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

SEED = 20220627
PACIFIC = timezone(timedelta(hours=-7))
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def pacific(day: int, clock: str) -> int:
    """Milliseconds of a Pacific wall-clock time on a day of June 2022."""
    hour, minute, second = (int(part) for part in clock.split(":"))
    return int(datetime(2022, 6, day, hour, minute, second, tzinfo=PACIFIC).timestamp()) * SECOND


def iso(moment: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")[
        :-6
    ] + "Z"


# --- the course of things ---------------------------------------------------------------------------------------------

BEGIN = pacific(27, "08:00:00")
PUBLISHED = pacific(27, "12:07:30")
RAMP = pacific(27, "17:05:00")  # word is out: the load begins to climb
CRASH = pacific(27, "18:47:10")  # first 503
SILENT = pacific(27, "18:58:00")  # the origin no longer writes a line
RESTORED = pacific(27, "21:30:40")
WITHDRAWN = pacific(28, "11:56:00")  # downloads end here, bar the last ones named below
TAKEN_DOWN = pacific(28, "11:59:30")
END = pacific(28, "15:00:00")

LOST_FROM, LOST_TO = pacific(28, "02:00:00"), pacific(28, "03:00:00")  # one of this hour's edge files never arrived
OVERLAP_FROM, OVERLAP_TO = pacific(28, "04:10:00"), pacific(28, "05:40:00")  # in both rotations of the origin
ORIGIN_SKEW = 2 * SECOND  # the origin's clock is fast by this much

BLIP_OBJECT = "/data/awr_registrations.csv"
BLIP = (pacific(28, "02:14:05"), pacific(28, "02:16:50"))  # denied in between: a deployment that was rolled back

# --- places -----------------------------------------------------------------------------------------------------------

HOST = "justice-data.example"
ORIGIN_HOST = "origin.justice-data.example"
DISTRIBUTION = "d111111abcdef8.cloudfront.net"
DISTRIBUTION_ID = "E2EXAMPLE"
TRUSTED = ("203.0.113.128/25", "2001:db8:ffff::/48")
INTERNAL = ("203.0.113.0/28",)
LABELS = (
    ("203.0.113.0/28", "Own staff"),
    ("203.0.113.128/25", "CDN (IPv4)"),
    ("2001:db8:ffff::/48", "CDN (IPv6)"),
    ("192.0.2.0/25", "Example Broadband"),
    ("192.0.2.128/25", "Example Cable"),
    ("198.51.100.0/24", "Example Mobile"),
    ("203.0.113.16/28", "Example University"),
    ("2001:db8:a000::/36", "Example Fibre"),
    ("2001:db8:b000::/36", "Example Mobile (IPv6)"),
)
LOG_FORMAT = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for" $host $request_time'
)

REFERRERS = (  # outside pages that link to the site, each with the time of the first visitor it sends
    ("https://forum.example/t/dashboard-is-live/118", pacific(27, "13:21:40")),
    ("https://news.example.org/2022/06/firearms-dashboard", pacific(27, "15:02:11")),
    ("https://go.example/9kQx", pacific(27, "17:05:12")),
    ("https://social.example/status/1541", pacific(27, "17:33:05")),
    ("https://board.example.org/thread/44713?page=2", pacific(27, "18:02:48")),
    ("https://chat.example/invite", pacific(27, "22:10:30")),
    ("https://paste.example/raw/x81", pacific(27, "23:39:20")),
    ("https://mail.example.org/", pacific(28, "06:48:09")),
)

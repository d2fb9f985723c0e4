"""One request as it went over the wire, and what each kind of log holds of it: its line, and the event in the line.

A log is a format with what DESIGN.md section 3 says of its fields. Its event holds no more than its line: seconds where
the line has seconds, no range where the line has none. So a generated case can be counted twice, by the oracle from the
events and by the tool from the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from oracle_events import SECOND, Reading

HOST = "www.example.gov"
CLOUDFRONT_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)


@dataclass(frozen=True)
class Hit:
    """One request and its answer, as seen by one server."""

    started: int  # µs
    duration: int  # µs, whole milliseconds
    peer: str
    forwarded_for: str | None
    agent: str | None
    method: str
    path: str  # as the client sent it
    query: str | None
    host: str
    status: int | None
    body: int  # bytes of content that went out
    meant: int  # bytes of content that should have gone out
    asked: tuple[int, int | None] | None  # the Range of the request
    sent: tuple[int, int, int] | None  # the Content-Range of the response: first, last, total
    states_length: bool  # the response has a Content-Length
    aborted: bool
    request_id: str
    headers: int = 400  # bytes of the response's headers

    @property
    def target(self) -> str:
        """Path and query, as in a request line."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def content_length(self) -> int | None:
        """The Content-Length of the response."""
        return self.meant if self.states_length and self.status is not None else None


@dataclass(frozen=True)
class Log:
    """One way to write requests down."""

    name: str
    reading: Reading
    rule: Mapping[str, str]  # what [[evidence]] says of it
    line: Callable[[Hit], str]
    event: Callable[[Hit], dict[str, Any]]
    header: tuple[str, ...] = ()
    skipped_line: str = ""  # a line that is no event: blank, or a comment


def whole_seconds(us: int) -> int:
    """The second a moment lies in, in microseconds."""
    return us // SECOND * SECOND


def clf_time(us: int, offset_hours: int = 0) -> str:
    """`02/May/2024:12:00:00 +0000`."""
    zone = timezone(timedelta(hours=offset_hours)) if offset_hours else UTC
    return datetime.fromtimestamp(us // SECOND, zone).strftime("%d/%b/%Y:%H:%M:%S %z")


def or_dash(value: object) -> str:
    """How these logs write what is not there."""
    return "-" if value is None else str(value)


def request_columns(hit: Hit) -> dict[str, Any]:
    """What every log here holds of the request."""
    return {
        "peer_ip": hit.peer,
        "method": hit.method,
        "path": hit.path,
        "query": hit.query,
        "protocol": "HTTP/1.1",
        "status": hit.status,
        "user_agent": hit.agent,
    }


# --- CloudFront: ended, whole seconds, with headers; ranges and content length; request ids ---------------------------


def cloudfront_text(value: str | None) -> str:
    """CloudFront's own encoding, on top of the client's."""
    unsafe = "<>\"#%{}|\\^~[]`'"
    return or_dash(value and "".join(f"%{ord(c):02X}" if c in unsafe or ord(c) <= 32 else c for c in value))


def cloudfront_result(hit: Hit) -> str:
    """The abort marker: Error beside a 2xx status."""
    return "Error" if hit.aborted or hit.status is None or hit.status >= 400 else "Hit"


def cloudfront_line(hit: Hit) -> str:
    """One row of a standard log (33 fields)."""
    ended = datetime.fromtimestamp((hit.started + hit.duration) // SECOND, UTC)
    result = cloudfront_result(hit)
    taken = f"{hit.duration // 1000 / 1000:.3f}"
    first, last = hit.sent[:2] if hit.sent else (None, None)
    columns = {
        "date": ended.strftime("%Y-%m-%d"),
        "time": ended.strftime("%H:%M:%S"),
        "x-edge-location": "SFO53-P1",
        "sc-bytes": str(hit.body + hit.headers),
        "c-ip": hit.peer,
        "cs-method": hit.method,
        "cs(Host)": "d111111abcdef8.cloudfront.net",
        "cs-uri-stem": cloudfront_text(hit.path),
        "sc-status": "000" if hit.status is None else str(hit.status),
        "cs(User-Agent)": cloudfront_text(hit.agent),
        "cs-uri-query": cloudfront_text(hit.query),
        "x-edge-result-type": result,
        "x-edge-request-id": hit.request_id,
        "x-host-header": hit.host,
        "cs-protocol": "https",
        "cs-bytes": "300",
        "time-taken": taken,
        "x-forwarded-for": cloudfront_text(hit.forwarded_for),
        "ssl-protocol": "TLSv1.3",
        "ssl-cipher": "TLS_AES_128_GCM_SHA256",
        "x-edge-response-result-type": result,
        "cs-protocol-version": "HTTP/1.1",
        "c-port": "40000",
        "time-to-first-byte": taken,
        "x-edge-detailed-result-type": result,
        "sc-content-type": "text/csv",
        "sc-content-len": or_dash(hit.content_length),
        "sc-range-start": or_dash(first),
        "sc-range-end": or_dash(last),
    }
    return "\t".join(columns.get(name, "-") for name in CLOUDFRONT_FIELDS.split(" "))


def cloudfront_event(hit: Hit) -> dict[str, Any]:
    """What that row says."""
    first, last = hit.sent[:2] if hit.sent else (None, None)
    return {
        **request_columns(hit),
        "ts_us": whole_seconds(hit.started + hit.duration),
        "duration_us": hit.duration,
        "forwarded_for": hit.forwarded_for,
        "host": hit.host,
        "bytes_sent": hit.body + hit.headers,
        "content_length": hit.content_length,
        "range_start": first,
        "range_end": last,
        "request_id": hit.request_id,
        "aborted": cloudfront_result(hit) == "Error" and hit.status is not None and hit.status < 300,
    }


CLOUDFRONT = Log(
    name="cloudfront",
    reading=Reading("end", "total_sent", "response"),
    rule={},
    line=cloudfront_line,
    event=cloudfront_event,
    header=("#Version: 1.0", f"#Fields: {CLOUDFRONT_FIELDS}"),
    skipped_line="#Version: 1.0",
)


# --- nginx, everything: ended, whole seconds, body bytes; the response's range; request ids ---------------------------

NGINX_FULL_FORMAT = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    '"$http_x_forwarded_for" $request_time "$sent_http_content_range" "$sent_http_content_length" "$host" "$request_id"'
)


def nginx_status(hit: Hit) -> str:
    """A request that got no answer is 000."""
    return "000" if hit.status is None else str(hit.status)


def nginx_full_line(hit: Hit) -> str:
    """One line of NGINX_FULL_FORMAT."""
    content_range = f"bytes {hit.sent[0]}-{hit.sent[1]}/{hit.sent[2]}" if hit.sent else "-"
    return (
        f'{hit.peer} - - [{clf_time(hit.started + hit.duration)}] "{hit.method} {hit.target} HTTP/1.1" '
        f'{nginx_status(hit)} {hit.body} "-" "{or_dash(hit.agent)}" "{or_dash(hit.forwarded_for)}" '
        f'{hit.duration // 1000 / 1000:.3f} "{content_range}" "{or_dash(hit.content_length)}" '
        f'"{hit.host}" "{hit.request_id}"'
    )


def nginx_full_event(hit: Hit) -> dict[str, Any]:
    """What that line says."""
    first, last, total = hit.sent or (None, None, None)
    return {
        **request_columns(hit),
        "ts_us": whole_seconds(hit.started + hit.duration),
        "duration_us": hit.duration,
        "forwarded_for": hit.forwarded_for,
        "host": hit.host,
        "bytes_sent": hit.body,
        "content_length": hit.content_length,
        "range_start": first,
        "range_end": last,
        "range_total": total,
        "request_id": hit.request_id,
    }


NGINX_FULL = Log(
    name="nginx_full",
    reading=Reading("end", "body_sent", "response"),
    rule={"log_format": NGINX_FULL_FORMAT},
    line=nginx_full_line,
    event=nginx_full_event,
)


# --- nginx, the request's range: ended, milliseconds, body bytes; no ids ----------------------------------------------

NGINX_RANGE_FORMAT = (
    '$msec $remote_addr "$request" $status $body_bytes_sent "$http_user_agent" "$http_x_forwarded_for" '
    '$request_time "$http_range"'
)


def asked_text(hit: Hit) -> str:
    """The Range header of the request."""
    if hit.asked is None:
        return "-"
    return f"bytes={hit.asked[0]}-{'' if hit.asked[1] is None else hit.asked[1]}"


def nginx_range_line(hit: Hit) -> str:
    """One line of NGINX_RANGE_FORMAT."""
    milliseconds = (hit.started + hit.duration) // 1000
    return (
        f'{milliseconds // 1000}.{milliseconds % 1000:03d} {hit.peer} "{hit.method} {hit.target} HTTP/1.1" '
        f'{nginx_status(hit)} {hit.body} "{or_dash(hit.agent)}" "{or_dash(hit.forwarded_for)}" '
        f'{hit.duration // 1000 / 1000:.3f} "{asked_text(hit)}"'
    )


def nginx_range_event(hit: Hit) -> dict[str, Any]:
    """What that line says."""
    first, last = hit.asked or (None, None)
    return {
        **request_columns(hit),
        "ts_us": (hit.started + hit.duration) // 1000 * 1000,
        "duration_us": hit.duration,
        "forwarded_for": hit.forwarded_for,
        "bytes_sent": hit.body,
        "range_start": first,
        "range_end": last,
    }


NGINX_RANGE = Log(
    name="nginx_range",
    reading=Reading("end", "body_sent", "request"),
    rule={"log_format": NGINX_RANGE_FORMAT},
    line=nginx_range_line,
    event=nginx_range_event,
)


# --- Apache with %O: started, whole seconds, with headers; the response's range and the abort marker ------------------

APACHE_SENT_FORMAT = (
    '%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D "%{X-Forwarded-For}i" "%{Content-Range}o" %X'
)


def apache_status(hit: Hit) -> int:
    """Apache knows no 499 and always answers."""
    return 500 if hit.status in (None, 499) else hit.status or 500


def apache_sent_line(hit: Hit) -> str:
    """One line of APACHE_SENT_FORMAT; its clock stands seven hours west."""
    content_range = f"bytes {hit.sent[0]}-{hit.sent[1]}/{hit.sent[2]}" if hit.sent else "-"
    return (
        f'{hit.peer} - - [{clf_time(hit.started, -7)}] "{hit.method} {hit.target} HTTP/1.1" {apache_status(hit)} '
        f'{hit.body + hit.headers} "-" "{or_dash(hit.agent)}" {hit.duration} "{or_dash(hit.forwarded_for)}" '
        f'"{content_range}" {"X" if hit.aborted else "+"}'
    )


def apache_sent_event(hit: Hit) -> dict[str, Any]:
    """What that line says."""
    first, last, total = hit.sent or (None, None, None)
    return {
        **request_columns(hit),
        "ts_us": whole_seconds(hit.started),
        "duration_us": hit.duration,
        "forwarded_for": hit.forwarded_for,
        "status": apache_status(hit),
        "bytes_sent": hit.body + hit.headers,
        "range_start": first,
        "range_end": last,
        "range_total": total,
        "aborted": hit.aborted,
    }


APACHE_SENT = Log(
    name="apache_sent",
    reading=Reading("start", "total_sent", "response"),
    rule={"log_format": APACHE_SENT_FORMAT},
    line=apache_sent_line,
    event=apache_sent_event,
)


# --- combined: whole seconds and nothing but; what its time and bytes mean depends on the server ----------------------


def combined_line(hit: Hit, moment: int, sent: int) -> str:
    """One combined line."""
    status = nginx_status(hit)
    return (
        f'{hit.peer} - - [{clf_time(moment)}] "{hit.method} {hit.target} HTTP/1.1" {status} {sent} '
        f'"-" "{or_dash(hit.agent)}"'
    )


def combined_event(hit: Hit, moment: int, sent: int) -> dict[str, Any]:
    """What that line says."""
    return {**request_columns(hit), "ts_us": whole_seconds(moment), "bytes_sent": sent}


def combined(name: str, reading: Reading, rule: Mapping[str, str], of: Callable[[Hit], tuple[int, int]]) -> Log:
    """A combined log; `of` gives the moment and the bytes that its server writes."""
    return Log(
        name=name,
        reading=reading,
        rule=rule,
        line=lambda hit: combined_line(hit, *of(hit)),
        event=lambda hit: combined_event(hit, *of(hit)),
    )


NGINX_COMBINED = combined(
    "nginx_combined",
    Reading("end", "body_sent"),
    {"server": "nginx"},
    lambda hit: (hit.started + hit.duration, hit.body),
)
APACHE_COMBINED = combined(
    "apache_combined",
    Reading("start", "response_size"),
    {"server": "apache"},
    lambda hit: (hit.started, 0 if hit.method == "HEAD" else hit.meant),
)
SOME_COMBINED = combined(
    "some_combined",
    Reading("unknown", "unknown"),
    {},
    lambda hit: (hit.started, hit.body),
)

EDGE_LOGS = (CLOUDFRONT, CLOUDFRONT, NGINX_FULL, NGINX_COMBINED)
ORIGIN_LOGS = (NGINX_FULL, NGINX_FULL, NGINX_RANGE, APACHE_SENT, APACHE_SENT, NGINX_COMBINED, APACHE_COMBINED)
ORIGIN_LOGS += (SOME_COMBINED,)

"""How an event looks in a CloudFront standard log and in the origin's nginx log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from .events import Event
from .story import DISTRIBUTION, PACIFIC, SEED

CLOUDFRONT_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
CLOUDFRONT_HEADER = ("#Version: 1.0", f"#Fields: {CLOUDFRONT_FIELDS}")
_PLACES = ("SFO5-C1", "LAX3-C2", "SEA19-C1", "LAX50-C4", "SFO20-C1", "DFW55-C1")
_ESCAPED = set("<>\"#%{}|\\^~[]`'")


def _cloudfront(text: str | None) -> str:
    """CloudFront's own encoding, laid over whatever the client had encoded already; absent is a hyphen."""
    if text is None or text == "":
        return "-"
    out = []
    for byte in text.encode():
        letter = chr(byte)
        out.append(f"%{byte:02X}" if byte <= 32 or byte >= 127 or letter in _ESCAPED else letter)
    return "".join(out)


def _nginx(text: str | None) -> str:
    """Escape as nginx does by default; absent is a hyphen."""
    if text is None:
        return "-"
    return "".join(
        f"\\x{byte:02X}" if byte < 32 or byte > 126 or byte in b'"\\' else chr(byte) for byte in text.encode()
    )


def edge_line(event: Event) -> str:
    """One row of 33 tab-separated fields."""
    rng = Random(f"{SEED}:{event.request_id}")
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=event.end)
    duration = event.end - event.start
    secure = event.scheme == "https"
    detailed = event.result
    if event.result == "Error":
        detailed = {0: "ClientCommError", 502: "OriginConnectError", 504: "OriginCommError"}.get(event.status, "Error")
        if event.response_result != "Error":
            detailed = "ClientCommError"
    fields = (
        moment.strftime("%Y-%m-%d"),
        moment.strftime("%H:%M:%S"),
        rng.choice(_PLACES),
        str(event.body + event.headers),
        event.client.ip,
        event.method,
        DISTRIBUTION,
        _cloudfront(event.path),
        f"{event.status:03d}",
        _cloudfront(event.referer),
        _cloudfront(event.client.agent),
        _cloudfront(event.query),
        "-",
        event.result,
        event.request_id,
        event.host,
        event.scheme,
        str(rng.randrange(180, 900)),
        f"{duration / 1000:.3f}",
        _cloudfront(event.forwarded),
        "TLSv1.3" if secure else "-",
        "TLS_AES_128_GCM_SHA256" if secure else "-",
        event.response_result,
        "HTTP/2.0" if secure else "HTTP/1.1",
        "-",
        "-",
        str(event.port),
        f"{min(duration, rng.randrange(1, 60)) / 1000:.3f}",
        detailed,
        _cloudfront(event.content_type),
        "-" if event.length is None else str(event.length),
        "-" if event.span is None else str(event.span[0]),
        "-" if event.span is None else str(event.span[1]),
    )
    return "\t".join(fields)


def origin_line(event: Event) -> str:
    """One line of the log_format that the definition declares."""
    moment = datetime.fromtimestamp(event.end // 1000, PACIFIC)
    target = event.path if event.query is None else f"{event.path}?{event.query}"
    request = f"{event.method} {target} HTTP/1.1" if event.method else event.path
    return (
        f'{event.peer} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "{request}" {event.status} {event.body} '
        f'"{_nginx(event.referer)}" "{_nginx(event.client.agent)}" "{_nginx(event.forwarded)}" {event.host} '
        f"{(event.end - event.start) / 1000:.3f}"
    )

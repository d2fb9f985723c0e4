"""The sentences that stand beside names and numbers: what a bucket, a rule, a status or a term means.

They repeat DESIGN.md in words for counsel; where a rule has a sentence beside its SQL, the report quotes that one.
"""

from __future__ import annotations

from typing import Final

BUCKETS: Final = {
    "counted": "A response that carried content (2xx): a transfer. Transfers make up the downloads.",
    "duplicate": "A copy of a line that another file, or the same request id, already gave.",
    "other_vantage": "The origin's record of a request that the edge log holds too.",
    "internal": "From the organisation's own addresses, as the definition lists them.",
    "method": "Not a method that fetches the data set (HEAD, OPTIONS, …).",
    "not_modified": "304: no content was sent; the client had a copy from before.",
    "redirect": "Another 3xx: the client was sent elsewhere.",
    "denied": "4xx other than 408, 429 and 499: refused or not found.",
    "throttled": "408 or 429: timed out or slowed down by the server.",
    "error": "5xx: the server failed.",
    "aborted": "499, 000 or no status: the client left before an answer was logged.",
    "probe": "A partial response shorter than the policy's least bytes, as previewers send to sniff.",
    "empty": "Successful, but without content.",
}

BASES: Final = {
    "declared": "declared in the case definition",
    "content-range": "complete length named by Content-Range",
    "content-length": "content length of complete responses",
    "inferred": "inferred: the same body size was delivered whole to at least three clients",
}

STATUSES: Final = {
    "ingested": "",
    "repeat": "repeats another item's content; adds no events",
    "truncated": "read up to where the file breaks off",
    "unreadable": "could not be read",
    "unrecognised": "no format fits",
}

POLICY: Final = {
    "name": ("Name", "The set of rules in force."),
    "session_gap_us": (
        "Session gap",
        "Partial responses to one client for one object, each less than this idle after the last, are one download.",
    ),
    "repeat_within_us": (
        "Repeat within",
        "Repeats of the same client and object within this time are one; 0: none are.",
    ),
    "min_bytes": ("Least bytes", "A partial response with less content is a probe and does not count."),
    "max_interruption_us": (
        "Longest interruption",
        "A closed spell no longer than this, with open observations around it, does not end a window.",
    ),
    "match_within_us": ("Match within", "How far apart an edge and an origin record of one request may stand in time."),
    "every_transfer": ("Every transfer", "Each transfer is a download of its own."),
    "per_day": ("Per day", "One download per client, object and UTC day."),
    "only_200": ("Only status 200", "Only responses with status 200 are transfers."),
    "full_only": ("Full only", "Only full downloads are counted."),
    "humans_only": ("Without automated clients", "Downloads by automated clients are not counted."),
    "fold_ipv6": ("IPv6 by network", "An IPv6 client is its /64 network."),
    "count_internal": ("Internal included", "The organisation's own clients are counted too."),
    "only_tier": ("Only one vantage", "Only what this vantage logged is counted."),
}

EVENT_KINDS: Final = {
    "published": "published",
    "alerted": "alerted",
    "outage": "outage",
    "restored": "restored",
    "taken_down": "taken down",
    "note": "note",
}

ANSWERS: Final = {
    "log": "there is a log; where it has no request, there was none",
    "no_log": "there is no log, though its surroundings make lines probable",
    "outage": "no line, around errors: the service was down, as far as the records show",
    "late": "there is a log, which may still grow: records come late",
}

ANONYMISED: Final = {
    "no": "not shortened",
    "partly": "some are shortened",
    "yes": "shortened before they were logged, so that several clients may stand behind each",
}

GAP_KINDS: Final = {
    "missing_log": "no log",
    "outage": "outage",
    "errors": "mostly errors",
    "missing_member": "missing file",
    "before": "log begins later",
    "after": "log ends earlier",
    "late": "possibly late",
    "cut_item": "file cut short",
}

SURE: Final = {
    "exact": "the line itself is the event",
    "bound": "not logged itself; it lies on one side of this line",
    "inferred": "rests on many lines; the first of them is named",
    "declared": "somebody said so; nothing in the logs was moved for it",
}

IN_FORCE: Final = "the rule by which everything else is counted"

ITEM_CHANGES: Final = {
    "only-a": "only in A",
    "only-b": "only in B",
    "changed": "changed",
    "moved": "moved",
}

_REASONS: Final = {
    "no-item": "the line stands in no item there",
    "no-line": "the line is no event there, or another stands in its place",
    "no-data-set": "the data set does not exist there",
    "no-match": "the data set does not take the line there",
    "part-of-another": "the line belongs to another download there",
    "policy-no-transfer": "the policy there does not count the line",
    "policy-left-out": "the policy there leaves the download out",
    "counted-otherwise": "the line begins a download there under another address, agent, object or time",
}


def reason(slug: str) -> str:
    """Return what became of a line on the other side of a comparison, in words."""
    bucket = slug.removeprefix("bucket-")
    return _REASONS[slug] if bucket == slug else f"the line is in the bucket {bucket.replace('-', '_')} there"


# what holds of every case, whatever its logs
LIMITATIONS: Final = (
    "An IP address does not identify a person. One address may serve many people, and one person may use many.",
    "The logs record what servers sent. They do not prove that a client received, kept, read or passed it on.",
    "A partial download is not a part of the people: nothing is said of which rows a part held.",
    "A log samples the truth: between two requests nothing is observed.",
    "Each window is therefore bounded from both sides; the true one lies between its observed and its longest extent.",
    "The findings rest on the evidence listed here. What was never logged, or not supplied, is not in them.",
    "Declared events come from people and documents, not from the logs. They stand beside the findings and move none.",
)

GLOSSARY: Final = (
    ("Automated client", "A client whose user agent is on a published list of robots and tools; counted, shown apart."),
    ("Case definition", "The file incident.toml: which data sets, networks, rules and declared events apply."),
    ("Client address", "The address a request is counted under: the TCP peer, or the client a trusted proxy names."),
    ("Data set", "The objects that hold the data in question, named by their paths."),
    ("Download", "One acquisition attempt by one client of one object that carried content, in full or in part."),
    ("Edge, origin", "Vantages: what the content delivery network served, and what the server behind it served."),
    ("Event", "A log line that was read as a request."),
    ("Evidence item", "One file as received, with its SHA-256."),
    (
        "Exposure window",
        "A stretch in which an object was seen open, with the last closed observation before it and the first after.",
    ),
    ("In full", "The bytes delivered cover the object's size."),
    ("In part", "The bytes delivered do not cover the object's size."),
    ("Interruption", "A short closed spell inside a window, with open observations before and after it."),
    ("Manifest", "The list of evidence items with their digests; its own SHA-256 names the evidence as a whole."),
    ("Object", "One path of a data set, normalised."),
    ("Outage", "From a first unavailable observation (5xx, 408, 429) to the next open one."),
    ("Reject", "A line that no rule of its format could read; it is kept whole, with the reason."),
    ("SHA-256", "A digest: two files with the same one have the same bytes."),
    ("Skipped", "A blank, comment or header line."),
    ("Transfer", "A successful response that carried content. Transfers make up downloads."),
    ("Undetermined", "The object's size is unknown, or the log records the size meant to be sent, not what was."),
    ("Unique IP addresses", "Distinct client addresses. Not people, and not visitors."),
)  # fmt: skip

"""The case definition that `incident init` writes: every key, explained, and all but the name commented out."""

STARTER = """\
# What counts in this case. docs/definition.md explains every key; `incident summary` uses it at once, and changing
# it never needs a second ingest.

[case]
name = "Unnamed case"
# matter = "2024-0117"
# prepared_by = "A. Analyst"
# privilege = "Privileged & Confidential"
# timezone = "America/Los_Angeles"         # times are printed in this zone, each with its offset; else in UTC

# [network]
# trusted_proxies = ["203.0.113.0/24"]     # your CDN and load balancers: only they are believed about the client
# internal = ["10.0.0.0/8"]                # your own addresses: counted apart
# labels = "networks.csv"                  # cidr,label: names to show for addresses
# geoip = ["GeoLite2-ASN.mmdb"]            # MaxMind-format files of your own

# [[evidence]]                             # how to read what a glob fits, below the ingested folder; first match wins
# match = "origin/*"
# vantage = "origin"                       # "edge" (the CDN), "origin" (behind it), or a name of your own
# server = "nginx"                         # or "apache": a combined line alone does not say what its bytes include
# timezone = "America/Los_Angeles"         # only for lines whose times carry no zone
# clock_offset = "-37s"                    # added to every time
# log_format = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
#                                          # or format = "combined": `incident formats` lists the names

# [[dataset]]
# name = "permits"
# title = "Permit applications"
# paths = ["/data/permits_*.csv"]          # * stays within a path segment, ** does not; regex, hosts, query too
# methods = ["GET"]
# records = 192000                         # people or rows in it, for the sentence
# fields = ["name", "date of birth", "address"]
# sizes = { "/data/permits_2021.csv" = 48211907 }   # bytes of a complete copy

# [policy]                                 # the counting rules; these are the defaults
# session_gap = "10m"                      # ranges of one client and object this close are one download
# repeat_within = "0s"                     # repeats of one client and object this close are one download
# min_bytes = 3                            # a shorter 206 is a probe
# max_interruption = "5m"                  # closed for no longer, and open on both sides: one window
# match_within = "5s"                      # how far edge and origin clocks may differ

# [[event]]                                # facts from elsewhere; they move no number
# time = 2024-06-27T21:30:00-07:00
# label = "Site taken offline"
# source = "Interview 4"
# kind = "taken_down"                      # published, alerted, outage, restored, taken_down, note
"""

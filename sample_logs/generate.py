"""Write the sample case and its truth: `python sample_logs/generate.py`. Same seed, same bytes."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from generator.case import build, write

HERE = Path(__file__).resolve().parent
LISTED = ("dataset", "object", "client_ip", "user_agent", "start", "end", "completeness", "kind", "transfers")


def main() -> None:
    """Write `firearms_dashboard/` and `truth/`, and on demand the list of every intended download."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=HERE, help="folder to write into (default: this one)")
    parser.add_argument("--downloads", type=Path, help="also write every intended download to this CSV file")
    options = parser.parse_args()
    case = build()
    write(case, options.output)
    if options.downloads:
        with options.downloads.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(LISTED)
            table.writerows(case.listing())
    for each in case.truth["datasets"]:
        print("{dataset}: {downloads} downloads from {unique_ips} addresses, {requests} requests".format(**each))


if __name__ == "__main__":
    main()

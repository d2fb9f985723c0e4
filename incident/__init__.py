"""From a folder of access logs to what was downloaded, by how many addresses, and when."""

__version__ = "0.1.0"

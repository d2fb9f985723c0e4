"""Moved to incident.words; findings word their sentences with it too."""

from incident.words import *  # noqa: F403

"""The one way in which a value or a line says no."""

from __future__ import annotations


class BadValueError(ValueError):
    """A value that its field does not accept; `reason` is the slug of the reject."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

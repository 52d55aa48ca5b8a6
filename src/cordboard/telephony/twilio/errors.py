"""What goes wrong with Twilio's REST API, by what a caller can do about it."""

from __future__ import annotations


class ApiError(Exception):
    """A request did not do what was asked. The text is for the record and holds no secret, but may
    repeat the carrier's own words; ``brief`` does not, for logs.

    ``status`` is the HTTP status, 0 where none came; ``code`` is Twilio's own number, 0 if none.
    ``maybe_done`` says that it may have been carried out all the same: a call is not placed again.
    """

    maybe_done = False

    def __init__(self, text: str, status: int = 0, code: int = 0) -> None:
        """Keep what the record names."""
        super().__init__(text)
        self.status = status
        self.code = code

    @property
    def brief(self) -> str:
        """Return what happened by numbers."""
        shown = f"HTTP {self.status}" if self.status else type(self).__name__
        return f"{shown}, code {self.code}" if self.code else shown


class Refused(ApiError):
    """The request is wrong (400): usually a number that cannot be called."""


class NotAllowed(ApiError):
    """Account and token are wrong, or may not do this (401, 403)."""


class NotFound(ApiError):
    """There is no such call (404)."""


class TooMany(ApiError):
    """Too many requests (429): nothing was done. ``retry_after_s`` is when to ask again."""

    def __init__(self, text: str, retry_after_s: float, code: int = 0) -> None:
        """Keep how long to wait."""
        super().__init__(text, 429, code)
        self.retry_after_s = retry_after_s


class Unavailable(ApiError):
    """Nobody could be asked, or the other side broke (5xx, no connection, no answer in time)."""

    def __init__(self, text: str, status: int = 0, maybe_done: bool = False) -> None:
        """Keep whether it may have been carried out."""
        super().__init__(text, status)
        self.maybe_done = maybe_done

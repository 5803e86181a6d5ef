"""Refusals that a user can read. `str(error)` is a Chinese sentence that says what is wrong and what to do."""


class DomainError(Exception):
    """A rule of the field refuses; nothing was written."""


class Forbidden(DomainError):
    """Who asks has no authority over the object."""


class Stale(DomainError):
    """Somebody else changed the object meanwhile."""


class TreeBusy(DomainError):
    """The tree is being changed by someone else; try again in a moment."""

"""The one kind of error that a person sees."""


class DevelopmentError(Exception):
    """A foreseen situation; the message is one sentence that says what happened and what to do."""

"""What is wrong with a cell, before anyone knows where it stands."""


class Problem(Exception):  # noqa: N818 - it is no error yet: the reader adds file, line and column
    """``says`` what is wrong, and ``allowed`` what would be right, with its own punctuation in front."""

    def __init__(self, says: str, allowed: str = "") -> None:
        super().__init__(says + allowed)


class Unverifiable(Exception):  # noqa: N818 - a verdict, not an error
    """A claim that nothing here can be held against; the sentence says what is missing."""

"""The nearest right name to a wrong one."""

from collections.abc import Collection
from difflib import get_close_matches


def near(name: str, allowed: Collection[str], see: str = "") -> str:
    """The end of a sentence about a wrong name: the nearest right one, or all of them, or the command that lists them.

    >>> near("tpot", ["tpot_s", "ttft_s"])
    '; did you mean "tpot_s"?'
    >>> near("speed", ["tpot_s", "ttft_s"], see="llmsweep columns")
    '; see llmsweep columns'
    >>> near("h100", ["b100", "h100-sxm-80"])
    '; did you mean "h100-sxm-80"?'
    """
    longer = (known for known in allowed if known.startswith(name))
    if match := next(longer, None) or next(iter(get_close_matches(name, list(allowed), n=1)), None):
        return f'; did you mean "{match}"?'
    return f"; see {see}" if see else f"; allowed: {', '.join(allowed)}"

"""Communication that a faster network shortens, from what it gains, and the other way round.

Of a step that takes 1, a share ``f`` is exposed communication, which goes with the inverse of the bandwidth. At a
bandwidth ``b`` times as high the step takes T = 1 + f / b − f, and utilisation rises by the factor 1 / T (Amdahl, AFIPS
1967, with bandwidth in the place of processors).
"""

from llmsweep.errors import DataError


def step_ratio(share: float, bandwidth: float) -> float:
    """What a step takes at ``bandwidth`` times the bandwidth, of which ``share`` was exposed communication.

    Raises:
        DataError: The share is not from 0 to 1, or the factor not above 0.

    Example:
        >>> step_ratio(0.5, 2)
        0.75
    """
    if not 0 <= share <= 1 or not bandwidth > 0:
        raise DataError(f'a share "{share}" must be from 0 to 1 and a factor on the bandwidth "{bandwidth}" above 0')
    return 1 + share / bandwidth - share


def gain(share: float, bandwidth: float) -> float:
    """By how much utilisation rises, relative to what it was.

    Example:
        An exposed share of 9.5 % gives 5 % at twice the bandwidth, and 1.2 % at 80 in place of 70 % of it:

        >>> round(gain(0.0952, 2), 3), round(gain(0.0952, 80 / 70), 3)
        (0.05, 0.012)
    """
    return 1 / step_ratio(share, bandwidth) - 1


def exposed_share(relative_gain: float, bandwidth: float) -> float:
    """The share of exposed communication that a gain needs: f = (1 − 1 / (1 + gain)) / (1 − 1 / b).

    Args:
        relative_gain: By how much utilisation rose, relative to what it was: 0.05 for 5 %. Of percentage points it is
            the points over what it was.
        bandwidth: Factor on the bandwidth, not 1.

    Returns:
        The share; above 1 where no share gives so much.

    Raises:
        DataError: The factor is 1 or not above 0, or the gain is −1 or less.

    Example:
        >>> [round(exposed_share(gain, factor), 3) for gain, factor in ((0.05, 2), (0.02, 80 / 70))]
        [0.095, 0.157]
    """
    if not bandwidth > 0 or bandwidth == 1 or not relative_gain > -1:
        raise DataError(f'a gain "{relative_gain}" must be above −1, a factor "{bandwidth}" above 0 and not 1')
    return (1 - 1 / (1 + relative_gain)) / (1 - 1 / bandwidth)


def hidden_communication(small: tuple[float, float], large: tuple[float, float]) -> tuple[float, float]:
    """All communication of a step and the exposed part of it, from what two changes of one bandwidth gain.

    A hidden part breaks the formula above: T = 1 − e + max(0, m / b − (m − e)), where of communication m only e is
    exposed. A small change then gains as if all of m were exposed, and a large one no more than e.

    Args:
        small: Relative gain and factor on the bandwidth of a change after which some of it is still exposed.
        large: The same of a change after which nothing is.

    Returns:
        m and e as shares of the step.

    Raises:
        DataError: A gain or factor is no such, or no hidden part explains both.

    Example:
        Gains of 2 % at 8/7 and 5 % at twice the bandwidth: 15.7 % of the step, of which 4.8 % are exposed.

        >>> communication, exposed = hidden_communication((0.02, 80 / 70), (0.05, 2))
        >>> round(communication, 3), round(exposed, 3)
        (0.157, 0.048)
    """
    communication, exposed = exposed_share(*small), 1 - 1 / (1 + large[0])
    still_exposed = exposed - communication * (1 - 1 / small[1])
    over = communication / large[1] - (communication - exposed)
    if not 1 < small[1] < large[1] or not 0 < exposed <= communication <= 1 or still_exposed < 0 or over > 0:
        raise DataError(f"no hidden part explains gains of {small[0]:g} and {large[0]:g}")
    return communication, exposed

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

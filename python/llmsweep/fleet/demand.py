"""What a fleet is asked for: requests per second, users, and replicas to spare."""

import math
from dataclasses import dataclass

from llmsweep.errors import SpecError

# A hundred requests per second of every human; beyond it counts of replicas lose their last digits.
MOST_PER_S = 1e12


@dataclass(frozen=True)
class Demand:
    """Requests per second at the peak and on average; with users also the contexts that are held at once.

    ``users`` is 0 where requests come and go.
    """

    peak_rate_per_s: float
    mean_rate_per_s: float
    users: float = 0

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            SpecError: A rate is not above 0, or the mean is above the peak.
        """
        if not 0 < self.peak_rate_per_s <= MOST_PER_S:
            raise SpecError(
                f'the peak rate "{self.peak_rate_per_s:g}" must be above 0 and at most {MOST_PER_S:g} '
                "requests per second"
            )
        if not 0 < self.mean_rate_per_s <= self.peak_rate_per_s:
            raise SpecError(
                f'the mean rate "{self.mean_rate_per_s:g}" must be above 0 and at most the peak of '
                f"{self.peak_rate_per_s:g} requests per second"
            )

    @classmethod
    def of_users(
        cls, users: float, tokens_per_s_per_user: float, output_tokens: float, mean_rate: float | None
    ) -> "Demand":
        """Users who read all at once, each at this speed.

        They ask for ``users · tokens_per_s_per_user / output_tokens`` requests per second.

        >>> Demand.of_users(1e6, 20, 1000, None).peak_rate_per_s
        20000.0
        """
        for name, value in (("users", users), ("tokens per second and user", tokens_per_s_per_user)):
            if not value > 0:
                raise SpecError(f'{name} = "{value:g}" must be above 0')
        peak = users * tokens_per_s_per_user / output_tokens
        return cls(peak, peak if mean_rate is None else mean_rate, users)

    def context_bytes(self, context_tokens: float, kv_bytes_per_token: float) -> float:
        """Cache of all users' contexts, B.

        >>> Demand(1, 1, users=1e6).context_bytes(2048, 163_840) / 1e12
        335.54432
        """
        return self.users * context_tokens * kv_bytes_per_token


@dataclass(frozen=True)
class Redundancy:
    """Replicas beyond those that the peak needs: a number, or a share of them."""

    replicas: int = 0
    share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Redundancy":
        """Reads ``N``, ``N+1`` or ``10%``.

        Raises:
            SpecError: It is none of these.

        Example:
            >>> Redundancy.parse("N+2").spares(40), Redundancy.parse("10%").spares(41), Redundancy.parse("N").spares(5)
            (2, 5, 0)
        """
        plain = text.replace(" ", "").upper()
        number = plain.removeprefix("N+")
        if plain == "N":
            return cls()
        if plain.startswith("N+") and number.isdecimal():
            return cls(replicas=int(number))
        try:
            if plain.endswith("%") and 0 <= (share := float(plain[:-1]) / 100) < math.inf:
                return cls(share=share)
        except ValueError:
            pass
        raise SpecError(f'the redundancy "{text}" must read N, N+1 or 10%')

    def spares(self, replicas: int) -> int:
        """Replicas to spare for so many that the peak needs."""
        # A share of 10 % of 30 is 3, whatever 0.1 is in binary.
        return self.replicas + math.ceil(round(self.share * replicas, 9))

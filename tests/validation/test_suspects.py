"""What is suspected behind rows far off: rows stay in the score, and every far one has its line."""

import polars as pl

from suspects import FAR, UNKNOWN, cause, families


def rows(errors: dict[str, float]) -> pl.DataFrame:
    """Scored training rows with these errors."""
    return pl.DataFrame(
        {
            "id": list(errors),
            "kind": ["training"] * len(errors),
            "quantity": ["step_time_s"] * len(errors),
            "measured": [2.0] * len(errors),
            "predicted": [2.0 * (1 + error) for error in errors.values()],
            "scorable": [True] * len(errors),
            "impossible": [False] * len(errors),
        }
    )


def test_far_rows_are_counted_by_cause_and_the_unknown_come_last() -> None:
    far = {"MINE-1": 0.3, "MINE-2": -0.4, "VTS-0001": -0.3, "MBR-0228": -0.38}
    near = {"VTS-0002": FAR - 0.01, "MINE-3": -0.2}
    found = list(families(rows({**far, **near})))
    assert sum(int(line[1]) for line in found) == len(far)
    assert found[-1] == [UNKNOWN, "2", "-40.0 % to +30.0 %", "MINE-1"]
    assert {line[0] for line in found} == {cause(name, "step_time_s") for name in far}
    assert not list(families(rows(near)))


def test_a_cause_may_be_of_one_quantity_alone() -> None:
    row = "dsr1_gb300_trtllm_fp4_disagg_1024x8192_c4096_cfg373"
    assert cause(row, "ttft_s") != UNKNOWN
    assert cause(row, "tpot_s") == UNKNOWN

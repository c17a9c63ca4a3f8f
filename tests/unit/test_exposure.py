"""What a network of more bandwidth gains, from the exposed share, and back."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmsweep as ls
from llmsweep.sensitivity.exposure import exposed_share, gain, hidden_communication, step_ratio

TWICE, USED = 2, 80 / 70


def test_two_published_figures_need_two_shares() -> None:
    """ "200 to 400 Gb/s gives 5 %" and "70 to 80 % of the bandwidth gives 2 %", neither with a source."""
    assert exposed_share(0.05, TWICE) == pytest.approx(0.095, abs=5e-4)
    assert exposed_share(0.02, USED) == pytest.approx(0.157, abs=5e-4)
    assert gain(exposed_share(0.05, TWICE), USED) == pytest.approx(0.012, abs=5e-4)
    assert gain(exposed_share(0.02, USED), TWICE) == pytest.approx(0.085, abs=5e-4)
    # As percentage points of a utilisation of 40 %.
    assert exposed_share(5 / 40, TWICE) == pytest.approx(0.22, abs=5e-3)
    assert exposed_share(2 / 40, USED) == pytest.approx(0.381, abs=5e-4)


@given(st.floats(0, 0.95), st.floats(1.01, 100))
def test_the_share_is_that_of_its_gain(share: float, bandwidth: float) -> None:
    assert exposed_share(gain(share, bandwidth), bandwidth) == pytest.approx(share, abs=1e-9)
    assert 0 < step_ratio(share, bandwidth) <= 1


@given(st.floats(0.01, 0.5), st.floats(0.51, 0.99))
def test_a_hidden_part_is_found(communication: float, hidden: float) -> None:
    """A step whose hidden part outlasts the communication at twice the bandwidth."""
    exposed = communication * (1 - hidden)
    factor = 1 + (1 / hidden - 1) / 2
    small = 1 / (1 - communication * (1 - 1 / factor)) - 1
    found = hidden_communication((small, factor), (1 / (1 - exposed) - 1, 2.0))
    assert found == pytest.approx((communication, exposed), rel=1e-6)


def test_a_step_goes_by_the_share_that_its_elasticity_says() -> None:
    run = {
        "model": "llama3.1-70b",
        "accelerator": "h100-sxm-80",
        "devices": 256,
        "tensor_parallel": 8,
        "pipeline_parallel": 4,
        "global_batch": 256,
        "recompute": "selective",
        "network": "ib-hdr",
    }
    frame = pl.DataFrame([run])
    share = -ls.sensitivity(frame, phase="training", of="step_time_s")["elasticity_step_time_s_to_network_bandwidth"][0]
    assert 0.005 < share < 0.5
    twice = ls.what_if(frame, "network_bandwidth", 2, phase="training", of=["step_time_s", "mfu"])
    assert twice["mfu_ratio"][0] == pytest.approx(1 / twice["step_time_s_ratio"][0], rel=1e-9)
    assert twice["step_time_s_ratio"][0] == pytest.approx(step_ratio(share, 2), rel=2e-3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: step_ratio(1.5, 2), 'a share "1.5" must be from 0 to 1'),
        (lambda: gain(0.5, 0), 'a factor on the bandwidth "0" above 0'),
        (lambda: exposed_share(0.05, 1), 'a factor "1" above 0 and not 1'),
        (lambda: exposed_share(-1, 2), 'a gain "-1" must be above −1'),
        (lambda: hidden_communication((0.012, USED), (0.06, 2)), "no hidden part explains gains of 0.012 and 0.06"),
        (lambda: hidden_communication((0.02, 2), (0.05, USED)), "no hidden part explains"),
    ],
)
def test_wrong_numbers_are_named(call: Any, sentence: str) -> None:
    with pytest.raises(ls.DataError) as refused:
        call()
    assert sentence in str(refused.value)

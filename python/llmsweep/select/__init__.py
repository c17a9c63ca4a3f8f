"""Which hardware to take for one model: ranked, with layout and format, a reason and a runner-up each."""

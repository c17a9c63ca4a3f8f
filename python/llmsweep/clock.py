"""Lengths of time by which people count runs and rentals."""

HOUR_S = 3600.0
DAY_S = 86_400.0
#: A twelfth of 365.25 days.
HOURS_PER_MONTH = 730.5

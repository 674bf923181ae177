"""What is counted as plain numbers, in the shapes that prometheus-client takes."""

from __future__ import annotations

from math import isinf

from app.delivery.waited import Waited


def buckets_of(waited: Waited) -> list[tuple[str, float]]:
    """For `HistogramMetricFamily.add_metric`: the bounds as text, and how many waited for at most each of them."""
    return [("+Inf" if isinf(bound) else str(float(bound)), count) for bound, count in waited.buckets()]

"""The newest sample as those who scrape metrics see it: not for longer than it is of now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tickwright.monitoring.metrics import Sample

__all__ = ["AGE", "NewestSample"]

AGE = "tickwright_sample_age_seconds"


class NewestSample:
    """Keeps a sample for so long; ``clock_s`` tells seconds and does not go back."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._sample = Sample()
        self._taken_s = self._until_s = clock_s()

    def keep(self, sample: Sample, good_s: float) -> None:
        """Take a sample that was taken now and is good for ``good_s`` seconds."""
        self._sample, self._taken_s = sample, self._clock_s()
        self._until_s = self._taken_s + good_s

    def forget(self) -> None:
        """Show nothing until there is another; the age goes on."""
        self._sample = Sample()

    def shown(self, *, stuck: bool = False) -> Sample:
        """Return the sample with its age: the age alone where it is too old, or taking is stuck."""
        now_s = self._clock_s()
        known = Sample() if stuck or now_s > self._until_s else self._sample
        return replace(known, service={**known.service, AGE: now_s - self._taken_s})

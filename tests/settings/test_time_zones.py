"""Where time zones come from."""

import zoneinfo
from importlib.resources import files

import spotify_insights


def test_time_zones_are_those_of_the_pinned_package_whatever_the_system_carries() -> None:
    assert spotify_insights.__version__
    assert zoneinfo.TZPATH == ()
    listed = (files("tzdata") / "zones").read_text(encoding="utf-8").split()
    assert zoneinfo.available_timezones() == set(listed)

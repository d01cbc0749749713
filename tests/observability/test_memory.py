"""Asking the C library to keep memory does no harm, wherever it is asked."""

import ctypes
import sys

import pytest

from spotify_insights import memory
from spotify_insights.memory import keep_freed_memory, share_freed_memory


def test_it_is_safe_to_repeat() -> None:
    for _ in range(2):
        keep_freed_memory()
        share_freed_memory()


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise AssertionError("No library is opened here.")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(sys, "platform", "darwin")
    keep_freed_memory()
    share_freed_memory()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(memory, "_is_glibc", lambda: False)
    keep_freed_memory()
    share_freed_memory()

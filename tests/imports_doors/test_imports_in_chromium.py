"""The page of imports in a real browser, on a phone and on a desk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from browser_windows import Window
from jobs_inline import work_off
from page_trials import PASSWORD
from spotify_insights.runtime import Runtime
from upload_trials import EXPORT

SIZES = ({"width": 360, "height": 740}, {"width": 1440, "height": 900})


@pytest.mark.slow
def test_somebody_imports_looks_and_undoes(
    address: str, runtime: Runtime, open_window: Callable[[], Window], tmp_path: Path
) -> None:
    export, other = tmp_path / "my_spotify_data.zip", tmp_path / "holiday.pdf"
    export.write_bytes(EXPORT)
    other.write_bytes(b"%PDF-1.7")
    window = open_window()
    page = window.page
    page.goto(f"{address}/register")
    page.fill("#username", "robin")
    page.fill("#password", PASSWORD)
    page.fill("#password_again", PASSWORD)
    page.click("main button")
    page.click("text=Import an export")
    _shots(window, "imports-empty")

    page.set_input_files("#file", other)
    page.click("form button:has-text('Import')")
    page.wait_for_selector("progress")
    _shots(window, "imports-waiting")
    work_off(runtime)
    page.wait_for_selector("text=neither a zip nor JSON")
    _shots(window, "imports-refused")

    page.set_input_files("#file", export)
    page.check("text=Only show what it would bring")
    page.click("form button:has-text('Import')")
    page.wait_for_selector("progress")
    work_off(runtime)
    page.wait_for_selector("text=Only looked at")
    _shots(window, "imports-dry-run")

    page.set_input_files("#file", export)
    page.click("form button:has-text('Import')")
    page.wait_for_selector("progress")
    work_off(runtime)
    page.wait_for_selector("text=3 plays, 1 skip")
    page.click("summary:has-text('Undo')")
    _shots(window, "imports-done")
    page.click("text=Undo this import")
    page.wait_for_selector("text=Undoing an import")
    work_off(runtime)
    page.wait_for_selector("text=Nothing yet.")


def _shots(window: Window, name: str) -> None:
    """A picture at each size, none of which scrolls sideways."""
    for size in SIZES:
        window.page.set_viewport_size(size)  # type: ignore[arg-type]  # a size
        wide = window.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"]
        window.shot(f"{name}-{size['width']}")

"""Write docs/compatibility.md anew, of what every release of the official client meets."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.contract.clients import ROOT, all_reports
from tests.contract.page import render
from tests.control.server import running


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as directory, running(Path(directory)) as server:
        page = render(all_reports(server))
    (ROOT / "docs" / "compatibility.md").write_text(page)


if __name__ == "__main__":
    main()

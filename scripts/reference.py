"""Write the generated reference pages; tests/docs compares them with what stands in the tree."""

from __future__ import annotations

from pathlib import Path

from cordboard.settings import reference_page
from scripts.flow_fields import PAGE, with_tables

PAGES = {"docs/reference/settings.md": reference_page}


def main() -> None:
    """Write every page below the root of the project."""
    root = Path(__file__).resolve().parent.parent
    for name, page in PAGES.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(), encoding="utf-8")
    flows = root / PAGE
    flows.write_text(with_tables(flows.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

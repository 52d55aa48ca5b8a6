"""The command ``cordboard``."""

from __future__ import annotations

from cordboard.cli.app import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

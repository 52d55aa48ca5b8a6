"""The command ``cordboard``."""

from __future__ import annotations

from cordboard.cli.app import app
from cordboard.cli.concealment import SECRET_OPTIONS, hide_arguments


def main() -> None:
    """Run the command line."""
    hide_arguments(SECRET_OPTIONS)
    app()


if __name__ == "__main__":
    main()

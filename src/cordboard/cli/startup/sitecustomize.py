"""Points the official client of the API, wherever a script imports it, at a server of ours.

Python imports this by itself when it starts, because ``cordboard run`` put its folder first on the
path. It runs in the script's own Python, of any version, so it needs nothing but the standard
library and knows nothing of this package.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

URL = "CORDBOARD_RUN_URL"
KEY = "CORDBOARD_RUN_KEY"


def _point(module: ModuleType) -> None:
    """Give the client's default environment our URL; every release so far has just this one."""
    environment = getattr(module, "VocodeEnvironment", None)
    if environment is not None:
        environment.PRODUCTION._value_ = os.environ[URL]


def _unlock(module: ModuleType) -> None:
    """Send our key in place of the script's token, to our server and to nobody else."""
    key = os.environ.get(KEY)
    wrapper = getattr(module, "BaseClientWrapper", None)
    if not key or wrapper is None:
        return
    own = wrapper._get_token

    def token(self: Any) -> Any:
        ours = getattr(self, "_base_url", None) == os.environ[URL]
        return key if ours else own(self)

    wrapper._get_token = token


_CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "vocode.environment": _point,
    "vocode.core.client_wrapper": _unlock,
}


class _Loader(importlib.abc.Loader):
    """Loads a module as it is, and changes it then."""

    def __init__(self, loader: Any, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that are changed, where Python itself would."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        change = _CHANGES.get(fullname)
        if change is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, change)
        return spec


def _make_way() -> None:
    """Let a ``sitecustomize`` that this one stands before do its work as well."""
    here = Path(__file__).absolute().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).absolute() != here]
    ours = sys.modules.pop(__name__)
    try:
        importlib.import_module(__name__)
    except ImportError:
        sys.modules[__name__] = ours


if os.environ.get(URL) and __name__ == "sitecustomize":
    sys.meta_path.insert(0, _Finder())
    _make_way()

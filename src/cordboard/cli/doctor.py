"""``cordboard doctor``: whether this machine can take calls, and what to do if it cannot."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import typer

from cordboard.cli.serve import with_settings
from cordboard.settings import SettingError, Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``level`` is ``ok``, ``warning`` or ``problem``."""

    level: str
    text: str


def _doctor(settings: Settings) -> None:
    """Look at settings, ports, data directory and providers; exit code 1 if calls cannot come."""
    findings = [*_data(settings), *_key(settings)]
    takes_calls = settings.roles != {"work"}
    if takes_calls:
        findings = [*_ports(settings), *_addresses(settings), *findings]
        findings += asyncio.run(_providers(settings))
    if takes_calls and not any(finding.level == "problem" for finding in findings):
        findings += asyncio.run(_carriers(settings))
    for finding in findings:
        sys.stdout.write(f"{finding.level:8} {finding.text}\n")
    raise typer.Exit(1 if any(finding.level == "problem" for finding in findings) else 0)


def _ports(settings: Settings) -> Iterator[Finding]:
    running = _server_runs(settings)
    for name, host, port, kind in (
        ("HTTP", settings.http_host, settings.http_port, socket.SOCK_STREAM),
        ("SIP", settings.sip_host, settings.sip_port, socket.SOCK_DGRAM),
    ):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as problem:
                if running and problem.errno == errno.EADDRINUSE:
                    yield Finding("ok", f"{name} port {host}:{port} is used: a server runs here")
                else:
                    yield Finding("problem", f"{name} port {host}:{port}: {problem.strerror}")
            else:
                yield Finding("ok", f"{name} port {host}:{port} is free")


def _server_runs(settings: Settings) -> bool:
    from cordboard.wiring.lock import DirectoryLock

    if not (settings.data_dir / "engine.lock").is_file():
        return False
    try:
        with DirectoryLock(settings.data_dir):
            return False
    except SettingError:
        return True
    except OSError:
        return False


def _addresses(settings: Settings) -> Iterator[Finding]:
    from cordboard.wiring.carriers import reachable_address

    for name, bound, told in (
        ("SIP", settings.sip_host, settings.public_sip_address),
        ("sound", settings.rtp_host, settings.public_rtp_address),
    ):
        address = told or reachable_address(bound)
        text = f"peers are told {address} for {name} (listening on {bound})"
        loopback = address.startswith("127.")
        if bound.startswith("127.") and not loopback:
            yield Finding("problem", f"{text}: nothing from there arrives; listen on 0.0.0.0")
        elif loopback and settings.profile == "production":
            yield Finding("warning", f"{text}: only this machine reaches that")
        elif not _is_ours(address):
            yield Finding("warning", f"{text}: no address of this machine; UDP must be forwarded")
        else:
            yield Finding("ok", text)


def _is_ours(address: str) -> bool:
    """Tell whether an address is one of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _data(settings: Settings) -> Iterator[Finding]:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        probe = settings.data_dir / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as problem:
        yield Finding("problem", f"data directory {settings.data_dir}: {problem.strerror}")
    else:
        yield Finding("ok", f"data directory {settings.data_dir} can be written")


def _key(settings: Settings) -> Iterator[Finding]:
    from cordboard.ids import Randomness
    from cordboard.storage.vault import VaultError, load_master_key

    if not _holds_data(settings):
        return  # the first start makes a key
    try:
        load_master_key(
            settings.data_dir,
            settings.master_key,
            Randomness.system().random_bytes,
            holds_data=True,
        )
    except VaultError as problem:
        yield Finding("problem", str(problem))
    else:
        yield Finding("ok", "the master key is the one of the data")


async def _providers(settings: Settings) -> list[Finding]:
    from cordboard.wiring.checkup import check_vendors
    from cordboard.wiring.providers import EMBEDDED, FREE_SPEECH, build_providers

    async with AsyncExitStack() as stack:
        try:
            providers = await build_providers(settings, stack)
        except OSError as problem:
            return [Finding("problem", f"embedded speech does not start: {problem}")]
        if providers.missing is not None:
            return [Finding("problem", providers.missing)]
        findings = [Finding("ok", "transcriber, language model and voice are there")]
        if providers.transcribers.resolve("auto") == EMBEDDED:
            text = f"{FREE_SPEECH}; name a vendor for conversation"
            findings.append(Finding("warning", text))
        findings += [Finding(each.level, each.text) for each in await check_vendors(providers)]
        if providers.voice_activity is None:
            findings.append(Finding("warning", "no neural voice activity: pip install onnxruntime"))
        return findings


def _holds_data(settings: Settings) -> bool:
    """Tell whether there has been a server on this directory."""
    return any((settings.data_dir / name).is_file() for name in ("master.check", "cordboard.db"))


async def _carriers(settings: Settings) -> list[Finding]:
    """Try trunks and linked accounts, where there is a database that tells of some."""
    from sqlalchemy.exc import SQLAlchemyError

    from cordboard.ids import Randomness
    from cordboard.storage.database import BadAddress, Database, DatabaseAway
    from cordboard.storage.vault import Vault, VaultError, load_master_key
    from cordboard.wiring.checkup import check_carriers

    if not _holds_data(settings):
        return []
    random_bytes = Randomness.system().random_bytes
    try:
        database = Database(settings.database_url)
    except BadAddress as problem:
        return [Finding("problem", str(problem))]
    try:
        key = load_master_key(settings.data_dir, settings.master_key, random_bytes, holds_data=True)
        verdicts = await check_carriers(settings, database, Vault(key, random_bytes))
    except DatabaseAway as problem:
        return [Finding("problem", str(problem))]
    except (VaultError, SQLAlchemyError) as problem:
        return [Finding("problem", f"carriers: {type(problem).__name__}")]
    finally:
        await database.close()
    return [Finding(each.level, each.text) for each in verdicts]


doctor = with_settings(_doctor)

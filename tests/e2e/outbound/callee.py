"""``sipp`` as the one who is called: a scenario made of steps, on a port of its own."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.sipp_program import PROGRAM, Run, read_run
from tests.e2e.sounds import write_words

HOST = "127.0.0.1"
STARTS = 3
# Between the server's own range and those the system gives out.
_MEDIA_PORTS = range(30_000, 31_800, 300)
_media_ports = itertools.islice(itertools.cycle(_MEDIA_PORTS), os.getpid() % 6, None)

_FROM_THEM = """[last_Via:]
      [last_From:]
      [last_To:];tag=[pid]S[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:callee@[local_ip]:[local_port]>"""
_SDP = """v=0
      o=callee 4711 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [local_ip]
      t=0 0
      m=audio [rtpstream_audio_port] RTP/AVP 0 101
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
      a=ptime:20"""


def rings(status: str = "180 Ringing") -> str:
    """A provisional answer without sound."""
    return _send(status)


def plays(status: str = "183 Session Progress") -> str:
    """A provisional answer with early sound, and the words in it."""
    return _send(status, with_sdp=True) + _SPEAK


def refuses(status: str, *headers: str) -> str:
    """A final answer that is no 2xx, and the ACK to it."""
    return _send(status, *headers) + '<recv request="ACK" crlf="true"/>\n'


def answers() -> str:
    """200 OK, and the ACK to it."""
    return _send("200 OK", with_sdp=True, again=True) + '<recv request="ACK"/>\n'


def waits(duration_ms: int) -> str:
    """Do nothing."""
    return f'<pause milliseconds="{duration_ms}"/>\n'


def invited_again() -> str:
    """Another INVITE of the same call comes."""
    return _INVITED


def asked_again() -> str:
    """The INVITE comes once more, with credentials: ``user`` and ``secret word``."""
    return """<recv request="INVITE" rrs="true"><action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="callee"/>
      <ereg regexp="Digest.*username=.user." search_in="hdr" header="Authorization:"
            check_it="true" assign_to="proof"/>
    </action></recv>
    <Reference variables="proof"/>
"""


def verified() -> str:
    """The INVITE comes once more, and its proof is right (MD5)."""
    return """<recv request="INVITE" rrs="true"><action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="callee"/>
      <verifyauth assign_to="proof" username="user" password="secret-word"/>
    </action></recv>
    <nop hide="true" test="proof" next="proven"/>
    <nop><action><error message="wrong proof"/></action></nop>
    <label id="proven"/>
"""


def is_cancelled(cseq: int = 1) -> str:
    """CANCEL comes; it is answered, and so is the INVITE of that number."""
    return """<recv request="CANCEL"/>
    <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]S[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]></send>
    <send retrans="500"><![CDATA[
      SIP/2.0 487 Request Terminated
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]S[call_number]
      [last_Call-ID:]
      CSeq: {cseq} INVITE
      Content-Length: 0

    ]]></send>
    <recv request="ACK"/>
""".replace("{cseq}", str(cseq))


def is_hung_up_on() -> str:
    """BYE comes and is answered."""
    return f"""<recv request="BYE"/>
    <send><![CDATA[
      SIP/2.0 200 OK
      {_FROM_THEM.replace(";tag=[pid]S[call_number]", "")}
      Content-Length: 0

    ]]></send>
"""


def hangs_up() -> str:
    """BYE goes out and is answered."""
    return """<send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
      Max-Forwards: 70
      From: [$callee];tag=[pid]S[call_number]
      To: [$caller]
      Call-ID: [call_id]
      CSeq: 1 BYE
      Contact: <sip:callee@[local_ip]:[local_port]>
      Content-Length: 0

    ]]></send>
    <recv response="200"/>
"""


def speaks() -> str:
    """Say the words."""
    return _SPEAK


_SPEAK = '<nop><action><exec rtp_stream="words.ulaw,1,0"/></action></nop>\n'

_INVITED = """<recv request="INVITE" rrs="true"><action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="callee"/>
    </action></recv>
    <Reference variables="caller,callee"/>
"""


def _send(status: str, *headers: str, with_sdp: bool = False, again: bool = False) -> str:
    retransmits = ' retrans="500"' if again or status[0] in "3456" else ""
    more = "".join(f"\n      {header}" for header in headers)
    own = _FROM_THEM
    if "Contact:" in more:
        own = own.replace("\n      Contact: <sip:callee@[local_ip]:[local_port]>", "")
    body = f"\n      Content-Type: application/sdp\n      Content-Length: [len]\n\n      {_SDP}\n"
    if not with_sdp:
        body = "\n      Content-Length: 0\n\n"
    return f"""<send{retransmits}><![CDATA[
      SIP/2.0 {status}
      {own}{more}{body}
    ]]></send>
"""


@dataclass
class Callee:
    """A running ``sipp``; ``done`` waits for its end."""

    port: int
    place: Path
    process: asyncio.subprocess.Process
    runs: list[Run] = field(default_factory=list)

    async def done(self, wait_s: float = 15) -> Run:
        """Wait until it has had its calls; returns how they went."""
        try:
            async with asyncio.timeout(wait_s):
                code = await self.process.wait()
        except TimeoutError:
            self.process.kill()
            code = await self.process.wait()
        return read_run(self.place, "", code)

    def messages(self) -> str:
        """Everything on its wire so far."""
        path = self.place / "messages.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


@asynccontextmanager
async def callee(
    directory: Path,
    *steps: str,
    calls: int = 1,
    words: str = "good morning",
    begins: str = "",
) -> AsyncIterator[Callee]:
    """Run ``sipp`` with INVITE (or ``begins``) and then ``steps`` as its scenario."""
    assert shutil.which(PROGRAM), "sipp is missing: install the package sip-tester"
    content = (begins or _INVITED) + "".join(steps)
    scenario = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="callee">\n{content}</scenario>\n'
    )
    for _ in range(STARTS):
        # Somebody else may have taken a port in the meantime, that of its sound too.
        far = await _started(directory, scenario, words, calls)
        try:
            if await _listening(far):
                yield far
                return
        finally:
            if far.process.returncode is None:
                far.process.kill()
                await far.process.wait()
    complaints = (far.place / "stderr.log").read_text(encoding="utf-8", errors="replace")
    raise AssertionError(f"sipp did not start: {complaints[-2_000:]}")


async def _started(directory: Path, scenario: str, words: str, calls: int) -> Callee:
    port = _free_port()
    place = directory / f"callee.{port}"
    place.mkdir(parents=True, exist_ok=True)
    write_words(place, words)
    (place / "scenario.xml").write_text(scenario, encoding="utf-8")
    with (place / "stderr.log").open("wb") as complaints:
        process = await asyncio.create_subprocess_exec(
            *_command(port, calls),
            cwd=place,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=complaints,
        )
    return Callee(port, place, process)


def _command(port: int, calls: int) -> Sequence[str]:
    fixed = {
        "-sf": "scenario.xml",
        "-i": HOST,
        "-mi": HOST,
        "-p": str(port),
        "-mp": str(next(_media_ports)),
        "-m": str(calls),
        "-recv_timeout": "20000",
        "-timeout": f"{60 + 2 * calls}s",
        "-deadcall_wait": "0",
        "-stf": "stat.csv",
        "-error_file": "errors.log",
        "-message_file": "messages.log",
    }
    words = [word for pair in fixed.items() for word in pair]
    return [PROGRAM, *words, "-trace_stat", "-trace_err", "-trace_msg", "-nostdin"]


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def _listening(far: Callee) -> bool:
    """Wait until the port is taken; False where the program is gone, or takes too long."""
    try:
        async with asyncio.timeout(5):
            while far.process.returncode is None:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    try:
                        probe.bind((HOST, far.port))
                    except OSError:
                        return True
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    return False

"""The 49 messages of RFC 4475, rebuilt after its text, each with the reaction we owe it.

The point of each message is kept to the character; what carries no point (Call-IDs, addresses) is
ours. ``reaction`` is the status that must come back, or ``SILENCE``.
"""

from __future__ import annotations

from dataclasses import dataclass

SILENCE = 0
_SDP = (
    "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n"
    "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC/8000\r\n"
)


@dataclass(frozen=True)
class Torture:
    """One message: its name and section in the RFC, and what must come back."""

    name: str
    section: str
    payload: bytes
    reaction: int


def _crlf(text: str) -> str:
    return text.strip("\n").replace("\n", "\r\n") + "\r\n"


def _message(
    name: str,
    start: str,
    fields: str = "",
    *,
    body: str = "",
    leave_out: tuple[str, ...] = (),
    length: str | None = None,
) -> bytes:
    """Build a plain message around the fields that make the point."""
    method = start.split(" ", 1)[0]
    defaults = {
        "Via": "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKkdjuw",
        "From": "<sip:caller@example.net>;tag=323",
        "To": "<sip:user@example.com>",
        "Call-ID": f"{name}.ha0isndaksdj",
        "CSeq": f"8 {method}",
        "Max-Forwards": "70",
    }
    if method == "INVITE":
        defaults["Contact"] = "<sip:caller@host5.example.net>"
        body = body or _SDP
    given = {line.partition(":")[0].strip().lower() for line in fields.splitlines()}
    lines = [f"{key}: {value}" for key, value in defaults.items()
             if key.lower() not in given and key not in leave_out]  # fmt: skip
    if body and "content-type" not in given:
        lines.append("Content-Type: application/sdp")
    if length != "":
        lines.append(f"Content-Length: {len(body.encode()) if length is None else length}")
    more = _crlf(fields) if fields.strip() else ""
    head = start + "\r\n" + "\r\n".join(lines) + "\r\n" + more + "\r\n"
    return head.encode("utf-8", "surrogateescape") + body.encode()


_WSINV = _crlf(r"""
INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33
""")
_METHOD = "!interesting-Method0123456789_*+`.%indeed'~"
_INTMETH = (
    f"{_METHOD} sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n"
    "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
    'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f"'
    " <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\r\n"
    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
    ";fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.\r\n"
    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
    f"CSeq: 139122385 {_METHOD}\r\nMax-Forwards: 255\r\n"
    "extensionHeader-!.%*+_`'~:\ufeff大停電\r\nContent-Length: 0\r\n\r\n"
)
_LONG_VIAS = "".join(
    f"Via: SIP/2.0/TCP sip{number}.example.com;branch=z9hG4bKlong{number}\n"
    for number in range(33, 0, -1)
)
_LONGREQ = f"""
To: "I have a user name of {"extreme" * 10} proportion" <sip:user@example.com:6000;
 unknownparam1=very{"long" * 20}value;longparam{"name" * 25}=shortvalue;very{"long" * 25}NoValue>
From: <sip:{"amazinglylongcallername" * 5}@example.net>;tag=12{"982" * 50}424
 ;unknownheaderparam{"name" * 20}=unknownheaderparam{"value" * 15};unknownValueless{"param" * 20}
Call-ID: longreq.one{"really" * 20}longcallid
Unknown-{"Long" * 20}-Name: unknown-{"long" * 20}-value;
 unknown-{"long" * 20}-parameter-name = unknown-{"long" * 20}-parameter-value
{_LONG_VIAS}Contact: <sip:{"amazinglylongcallername" * 5}@host5.example.net>
""".replace(";\n unknownparam1", ";unknownparam1")
_FIRST = _message(
    "dblreq", "REGISTER sip:example.com SIP/2.0", "Contact: sip:j.user@host.example.com"
)
_MULTIPART = (
    "--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec02ceef655\r\n"
    "Content-Type: application/octet-stream\r\n\r\n\x00\x01\r\n--7a9cbec02ceef655--\r\n"
)
_OPTIONS = "OPTIONS sip:user@example.com SIP/2.0"
_INVITE = "INVITE sip:user@example.com SIP/2.0"
_REGISTER = "REGISTER sip:example.com SIP/2.0"

VALID = (
    Torture("wsinv", "3.1.1.1", (_WSINV + "\r\n" + _SDP).encode(), 481),
    Torture("intmeth", "3.1.1.2", _INTMETH.encode(), 501),
    Torture("esc01", "3.1.1.3", _message(
        "esc01", "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
        "To: sip:%75se%72@example.com\nFrom: <sip:I%20have%20spaces@example.net>;tag=938\n"
        "Contact:\n  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>"), 100),
    Torture("escnull", "3.1.1.4", _message(
        "escnull", _REGISTER, "To: sip:null-%00-null@example.com\n"
        "From: sip:null-%00-null@example.com;tag=839923423\n"
        "Contact: <sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>"), 405),
    Torture("esc02", "3.1.1.5", _message(
        "esc02", "RE%47IST%45R sip:registrar.example.com SIP/2.0",
        'To: "%Z%45" <sip:resource@example.com>\nC%6Fntact: <sip:alias2@host2.example.com>\n'
        "Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234"), 501),
    Torture("lwsdisp", "3.1.1.6", _message(
        "lwsdisp", _OPTIONS, "From: caller<sip:caller@example.com>;tag=323"), 200),
    Torture("longreq", "3.1.1.7", _message("longreq", _INVITE, _LONGREQ), 100),
    Torture("dblreq", "3.1.1.8", _FIRST + b"\r\n" + _message("dblreq2", _INVITE), 405),
    Torture("semiuri", "3.1.1.9", _message(
        "semiuri", "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"), 200),
    Torture("transports", "3.1.1.10", _message(
        "transports", _OPTIONS, "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\n"
        "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\n"
        "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\n"
        "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\n"
        "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee"), 200),
    Torture("mpart01", "3.1.1.11", _message(
        "mpart01", "MESSAGE sip:kumiko@example.org SIP/2.0",
        "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\nRoute: <sip:127.0.0.1:5080>",
        body=_MULTIPART), 405),
    Torture("unreason", "3.1.1.12", _message(
        "unreason", "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое",
        "CSeq: 35 INVITE"), SILENCE),
    Torture("noreason", "3.1.1.13", _message(
        "noreason", "SIP/2.0 100 ", "CSeq: 35 INVITE"), SILENCE),
)  # fmt: skip

MALFORMED = (
    Torture("badinv01", "3.1.2.1", _message(
        "badinv01", _INVITE, "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\n"
        'Contact: "Joe" <sip:joe@example.org>;;;;'), SILENCE),
    Torture("clerr", "3.1.2.2", _message("clerr", _INVITE, length="9999"), 400),
    Torture("ncl", "3.1.2.3", _message("ncl", _INVITE, length="-999"), 400),
    Torture("scalar02", "3.1.2.4", _message(
        "scalar02", _REGISTER, "CSeq: 36893488147419103232 REGISTER\nMax-Forwards: 300\n"
        "Expires: 10000000000000000000000\nContact: <sip:user@host.example.com>\n"
        " ;expires=280297596632815"), 400),
    Torture("scalarlg", "3.1.2.5", _message(
        "scalarlg", "SIP/2.0 503 Service Unavailable",
        "CSeq: 9292394834772304023312 OPTIONS\nRetry-After: 949302838503028349304023988\n"
        'Warning: 1812 overture "In Progress"'), SILENCE),
    Torture("quotbal", "3.1.2.6", _message(
        "quotbal", _INVITE, 'To: "Mr. J. User <sip:j.user@example.com>'), 400),
    Torture("ltgtruri", "3.1.2.7", _message(
        "ltgtruri", "INVITE <sip:user@example.com> SIP/2.0"), 400),
    Torture("lwsruri", "3.1.2.8", _message(
        "lwsruri", "INVITE sip:user@example.com; lr SIP/2.0"), 400),
    Torture("lwsstart", "3.1.2.9", _message(
        "lwsstart", "INVITE  sip:user@example.com  SIP/2.0"), 400),
    Torture("trws", "3.1.2.10", _message(
        "trws", "OPTIONS sip:remote-target@example.com SIP/2.0  "), 400),
    Torture("escruri", "3.1.2.11", _message(
        "escruri", "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"), 400),
    Torture("baddate", "3.1.2.12", _message(
        "baddate", _INVITE, "Date: Fri, 01 Jan 2010 16:00:00 EST"), 400),
    Torture("regbadct", "3.1.2.13", _message(
        "regbadct", _REGISTER,
        "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"), 400),
    Torture("badaspec", "3.1.2.14", _message(
        "badaspec", _OPTIONS, 'To: "Watson, Thomas" < sip:t.watson@example.org >'), 400),
    Torture("baddn", "3.1.2.15", _message(
        "baddn", _OPTIONS, "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43\n"
        "To: Watson, Thomas <sip:t.watson@example.org>"), 400),
    Torture("badvers", "3.1.2.16", _message(
        "badvers", "OPTIONS sip:t.watson@example.org SIP/7.0",
        "Via: SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw"), 505),
    Torture("mismatch01", "3.1.2.17", _message("mismatch01", _OPTIONS, "CSeq: 8 INVITE"), 400),
    Torture("mismatch02", "3.1.2.18", _message(
        "mismatch02", "NEWMETHOD sip:user@example.com SIP/2.0", "CSeq: 8 INVITE"), 400),
    Torture("bigcode", "3.1.2.19", _message(
        "bigcode", "SIP/2.0 4294967301 better not break the receiver",
        "CSeq: 353494 INVITE"), SILENCE),
)  # fmt: skip

TRANSACTION = (
    Torture("badbranch", "3.2.1", _message(
        "badbranch", _OPTIONS, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"), 200),
)  # fmt: skip

APPLICATION = (
    Torture("insuf", "3.3.1", _message(
        "insuf", _INVITE, leave_out=("From", "To", "Call-ID", "Max-Forwards")), 400),
    Torture("unkscm", "3.3.2", _message(
        "unkscm", "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), 416),
    Torture("novelsc", "3.3.3", _message(
        "novelsc", "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"), 416),
    Torture("unksm2", "3.3.4", _message(
        "unksm2", _REGISTER, "To: isbn:2983792873\nFrom: <http://www.example.com>;tag=3234233\n"
        "Contact: <name:John_Smith>"), 405),
    Torture("bext01", "3.3.5", _message(
        "bext01", _OPTIONS, "Require: nothingSupportsThis, nothingSupportsThisEither\n"
        "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis"), 420),
    Torture("invut", "3.3.6", _message(
        "invut", _INVITE, "Content-Type: application/unknownformat",
        body='<audio>\r\n <pcmu port="443"/>\r\n</audio>\r\n'), 415),
    Torture("regaut01", "3.3.7", _message(
        "regaut01", _REGISTER,
        "Authorization: NoOneKnowsThisScheme opaque-data=here"), 401),
    Torture("multi01", "3.3.8", _message(
        "multi01", _INVITE, "CSeq: 5 INVITE\nCall-ID: multi01.98asdh@192.0.2.1\n"
        "CSeq: 59 INVITE\nCall-ID: multi01.98asdh@192.0.2.2\n"
        "From: sip:caller@example.com;tag=3413415\nTo: sip:user@example.com\n"
        "To: sip:other@example.net\nFrom: sip:caller@example.net;tag=2923420123\n"
        "Max-Forwards: 70\nMax-Forwards: 5"), 400),
    Torture("mcl01", "3.3.9", _message(
        "mcl01", _OPTIONS, "Content-Length: 13\nContent-Length: 5", body="There's no way",
        length=""), 400),
    Torture("bcast", "3.3.10", _message(
        "bcast", "SIP/2.0 200 OK", "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\n"
        "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\nCSeq: 35 INVITE\n"
        "Contact: <sip:user@host28.example.com>", body=_SDP), SILENCE),
    Torture("zeromf", "3.3.11", _message("zeromf", _OPTIONS, "Max-Forwards: 0"), 200),
    Torture("cparam01", "3.3.12", _message(
        "cparam01", _REGISTER, "Contact: sip:+19725552222@gw1.example.net;unknownparam"), 405),
    Torture("cparam02", "3.3.13", _message(
        "cparam02", _REGISTER, "Contact: <sip:+19725552222@gw1.example.net;unknownparam>"), 405),
    Torture("regescrt", "3.3.14", _message(
        "regescrt", _REGISTER,
        "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"), 405),
    Torture("sdp01", "3.3.15", _message(
        "sdp01", _INVITE, "Accept: text/nobodyKnowsThis"), 406),
)  # fmt: skip

BACKWARD = (
    Torture("inv2543", "3.4.1", _message(
        "inv2543", "INVITE sip:UserB@example.com SIP/2.0", "Via: SIP/2.0/UDP iftgw.example.com\n"
        "From: <sip:+13035551111@ift.client.example.net;user=phone>\n"
        "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\n"
        "To: sip:+16505552222@ss1.example.net;user=phone",
        leave_out=("Max-Forwards", "Contact"), length=""), 100),
)  # fmt: skip

ALL = (*VALID, *MALFORMED, *TRANSACTION, *APPLICATION, *BACKWARD)

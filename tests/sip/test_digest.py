"""Digest authentication by the RFCs' own examples, and its abuse (R25)."""

from __future__ import annotations

import pytest

from cordboard.sip.digest import (
    NONCE_LIFE_MS,
    WEAK,
    BadAuthorization,
    Credentials,
    DigestServer,
    DigestVerdict,
    answer_challenge,
    choose_challenge,
    digest_response,
    parse_digest,
)
from tests.sip.link import tokens

USER = Credentials("ann", "secret")


def server() -> DigestServer:
    """Return a server with a fixed secret."""
    return DigestServer("cordboard", b"server secret", tokens(3))


def passwords(user: str) -> str | None:
    """Know one user."""
    return {"ann": "secret"}.get(user)


def answered(
    asked: tuple[tuple[str, str], ...], credentials: Credentials = USER, method: str = "INVITE"
) -> list[str]:
    """Answer a challenge as a client would."""
    challenge = choose_challenge([value for _, value in asked], credentials)
    assert challenge is not None
    return [answer_challenge(challenge, credentials, method, "sip:100@h", "cn")]


RFC_7616 = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "uri": "/dir/index.html",
    "qop": "auth",
    "nc": "00000001",
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
}


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_example(algorithm: str, expected: str) -> None:
    """Section 3.9.1's values come out."""
    who = Credentials("Mufasa", "Circle of Life")
    assert digest_response(algorithm, who, "GET", RFC_7616) == expected


def test_rfc_2617_example() -> None:
    """RFC 2617 section 3.5's value comes out."""
    fields = {
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
    }
    who = Credentials("Mufasa", "Circle Of Life")
    assert digest_response("MD5", who, "GET", fields) == "6629fae49393a05397450978507c4ef1"


def test_right_credentials_are_accepted_once() -> None:
    """The same answer a second time is a replay."""
    ours = server()
    answer = answered(ours.challenge(0))
    assert ours.check(answer, "INVITE", passwords, 1) == (DigestVerdict.ACCEPTED, "ann")
    assert ours.check(answer, "INVITE", passwords, 2)[0] is DigestVerdict.STALE


def test_replay_for_another_method_is_wrong() -> None:
    """An answer to a challenge of INVITE is no answer for BYE."""
    ours = server()
    answer = answered(ours.challenge(0))
    assert ours.check(answer, "BYE", passwords, 1)[0] is DigestVerdict.WRONG


@pytest.mark.parametrize("who", [Credentials("ann", "guess"), Credentials("bob", "secret")])
def test_wrong_credentials(who: Credentials) -> None:
    """A wrong password and an unknown user look the same."""
    ours = server()
    assert ours.check(answered(ours.challenge(0), who), "INVITE", passwords, 1)[0] is (
        DigestVerdict.WRONG
    )


def test_nonce_lives_for_a_minute() -> None:
    """After 60 s the peer must ask again, told that only the nonce was stale."""
    ours = server()
    answer = answered(ours.challenge(0))
    late = ours.check(answer, "INVITE", passwords, NONCE_LIFE_MS + 1)
    assert late[0] is DigestVerdict.STALE
    assert 'stale="true"' in ours.challenge(0, stale=True)[0][1]


def test_foreign_nonce_is_stale() -> None:
    """A nonce that we did not sign is not ours, however right the rest."""
    other = DigestServer("cordboard", b"other secret", tokens(4))
    answer = answered(other.challenge(0))
    assert server().check(answer, "INVITE", passwords, 1)[0] is DigestVerdict.STALE


def test_sha_256_is_offered_first_and_md5_only_if_allowed() -> None:
    """MD5 neither offered nor taken unless the trunk says so."""
    ours = server()
    assert [("SHA-256" in value) for _, value in ours.challenge(0)] == [True]
    both = ours.challenge(0, algorithms=("SHA-256", "MD5"))
    assert ["SHA-256" in value for _, value in both] == [True, False]
    weak = answered(both[1:])
    assert ours.check(weak, "INVITE", passwords, 1)[0] is DigestVerdict.MISSING
    assert ours.check(weak, "INVITE", passwords, 1, algorithms=WEAK)[0] is DigestVerdict.ACCEPTED


def test_junk_does_not_push_out_an_honest_login() -> None:
    """10,000 unauthenticated requests leave no trace (R25)."""
    ours = server()
    answer = answered(ours.challenge(0))
    for number in range(10_000):
        ours.challenge(number)
        ours.check([f'Digest username="x{number}"'], "INVITE", passwords, number)
    assert ours.check(answer, "INVITE", passwords, 10_000)[0] is DigestVerdict.ACCEPTED


SURROGATES = (
    'Digest username="ann", realm="cordboard", nonce="\udcff", uri="x", response="\udcff", '
    'qop=auth, nc=zzzzzzzz, cnonce="c"'
)


@pytest.mark.parametrize(
    "text",
    [
        "", "Basic abc", "Digest", "Digest a", "Digest a=b c=d", 'Digest a="b', "Digest a=b, a=c",
        "NoOneKnowsThisScheme opaque-data=here", "Digest " + "a=b," * 5_000,
        SURROGATES,
    ],
)  # fmt: skip
def test_unreadable_credentials_are_missing(text: str) -> None:
    """Whatever it is, it is no credentials of ours and nothing raises."""
    assert server().check([text], "INVITE", passwords, 0) == (DigestVerdict.MISSING, "")


@pytest.mark.parametrize("nonce", ["", ".", "x.y.z", "\udcff.1.2", "-1.a.b", "9" * 300])
def test_hostile_nonces(nonce: str) -> None:
    """A made-up nonce is stale at best."""
    fields = {
        "realm": "cordboard", "nonce": nonce, "uri": "u", "qop": "auth", "nc": "00000001",
        "cnonce": "c",
    }  # fmt: skip
    response = digest_response("SHA-256", USER, "INVITE", fields)
    text = (
        "Digest username=ann, algorithm=SHA-256, response="
        + response
        + ", "
        + ", ".join(f'{name}="{value}"' for name, value in fields.items())
    )
    assert server().check([text], "INVITE", passwords, 0)[0] is not DigestVerdict.ACCEPTED


def test_client_picks_the_strongest_challenge_it_may_answer() -> None:
    """SHA-256 over MD5, only the credentials' realm, and never auth-int alone."""
    md5 = 'Digest realm="r", nonce="n", qop="auth"'
    sha = 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth,auth-int"'
    who = Credentials("u", "p", "r")
    picked = choose_challenge([md5, sha], who)
    assert picked is not None
    assert picked.algorithm == "SHA-256"
    assert choose_challenge([md5], Credentials("u", "p", "other")) is None
    assert choose_challenge([md5], Credentials("u", "p", "r", allow_md5=False)) is None
    assert choose_challenge(['Digest realm="r", nonce="n", qop="auth-int"'], who) is None
    assert choose_challenge(["Basic realm=r", "junk", ""], who) is None


def test_quotes_in_names_survive() -> None:
    """A user name with quotes and backslashes is escaped and read back."""
    ours = server()
    name = 'a"n\\n'
    answer = answered(ours.challenge(0), Credentials(name, "pw"))
    assert ours.check(answer, "INVITE", lambda user: "pw" if user == name else None, 1) == (
        DigestVerdict.ACCEPTED,
        name,
    )


def test_parse_digest_raises_one_error() -> None:
    """The reader's only error is ``BadAuthorization``."""
    with pytest.raises(BadAuthorization):
        parse_digest("Digest =")

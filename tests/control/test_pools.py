"""Numbers given out of a trunk's pool, and numbers reserved for warm transfers."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

TWILIO = {
    "type": "account_connection_twilio",
    "credentials": {"twilio_account_sid": "AC1", "twilio_auth_token": "secret"},
}


def _trunk(http: httpx.Client, *pool: str) -> str:
    body = {"name": str(uuid4()), "networks": ["192.0.2.0/24"], "pool": list(pool)}
    answer = http.post("/x/v1/sip_trunks/create", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_bought_and_given_up(http: httpx.Client) -> None:
    """The first free number of the area is given out with a default agent; one that was given up is
    free again.
    """
    trunk = _trunk(http, "+12025550601", "12125550602", "12125550603")
    wanted = {"area_code": "212", "telephony_account_connection": trunk}
    numbers = [http.post("/v1/numbers/buy", json=wanted).json()["number"] for _ in range(2)]
    assert numbers == ["12125550602", "12125550603"]
    bought = http.get("/v1/numbers", params={"phone_number": numbers[0]}).json()
    assert bought["inbound_agent"]["prompt"]["content"]
    assert (bought["active"], bought["trunk_id"]) == (True, trunk)
    refused = http.post("/v1/numbers/buy", json=wanted)
    assert refused.status_code == 400
    assert "no free number of the area 212" in refused.json()["detail"]
    http.post("/v1/numbers/cancel", params={"phone_number": numbers[0]})
    assert http.post("/v1/numbers/buy", json=wanted).json()["number"] == numbers[0]


def test_bought_without_a_body(http: httpx.Client) -> None:
    """A client that sends no body gets any number there is."""
    _trunk(http, "13035550604")
    answer = http.post("/v1/numbers/buy")
    assert answer.status_code == 200
    assert answer.json()["number"] in ("12025550601", "13035550604")


def test_steering_pool(http: httpx.Client) -> None:
    """Numbers go into the pool once and out of it; what is missing or wrong is named."""
    made = http.post("/v1/account_connections/create", json=TWILIO).json()
    place = {"id": made["id"]}
    path = "/v1/account_connections/{}_steering_pool"
    for _ in range(2):
        answer = http.post(
            path.format("add_to"), params=place, json={"phone_number": "+12025550605"}
        )
        assert answer.json()["steering_pool"] == ["12025550605"]
        assert answer.json()["credentials"]["twilio_auth_token"] != "secret"
    assert http.post(path.format("add_to"), params=place).status_code == 400
    empty = http.post(path.format("remove_from"), params=place, json={})
    assert empty.status_code == 422
    assert empty.json()["detail"][0]["loc"] == ["body", "phone_number"]
    gone = {"phone_number": "12025550605"}
    assert (
        http.post(path.format("remove_from"), params=place, json=gone).json()["steering_pool"] == []
    )
    assert http.post(path.format("remove_from"), params=place, json=gone).status_code == 404


@pytest.mark.parametrize("pool", ["add_to", "remove_from"])
def test_steering_pool_of_a_language_account(http: httpx.Client, pool: str) -> None:
    """Only an account at a carrier has numbers."""
    made = http.post(
        "/v1/account_connections/create",
        json={
            "type": "account_connection_openai",
            "credentials": {"openai_api_key": "sk-x"},
        },
    ).json()
    answer = http.post(
        f"/v1/account_connections/{pool}_steering_pool",
        params={"id": made["id"]},
        json={"phone_number": "12025550606"},
    )
    assert answer.status_code == 400

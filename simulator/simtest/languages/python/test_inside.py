"""A program that knows nothing of all this, inside the world: its resolv.conf is a client's, port 53 is port 53.

    faultzone exec ../broken.toml --as db-01 -- pytest test_inside.py
"""

import socket
import urllib.request

import pytest

import lookup

API = "api.solvethenetwork.com"


def test_getaddrinfo_goes_on_to_the_second_server():
    found = {info[4][0] for info in socket.getaddrinfo(API, 80, type=socket.SOCK_STREAM)}
    assert "10.0.2.50" in found


def test_search_list():
    assert socket.gethostbyname("api") == "10.0.2.50"


def test_no_such_name():
    with pytest.raises(socket.gaierror) as failed:
        socket.getaddrinfo("nowhere.solvethenetwork.com", 80)
    assert failed.value.errno == socket.EAI_NONAME


def test_http_by_name():
    with urllib.request.urlopen(f"http://{API}/healthz", timeout=10) as reply:
        assert reply.read() == b"ok\n"


def test_the_first_server_fails():
    with pytest.raises(lookup.Failing) as failed:
        lookup.addresses(API, [("10.0.1.10", 53)], timeout=5)
    assert failed.value.reasons == ["rcode 2"]

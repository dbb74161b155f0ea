"""The client against a world on ports of this machine: faultzone run --addr-file.

    FAULTZONE=./faultzone pytest test_lookup.py
"""

import os
import pathlib
import signal
import subprocess
import time

import pytest

import lookup

API = "api.solvethenetwork.com"
SCENARIO = pathlib.Path(__file__).parent.parent / "broken.toml"


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A running world: the addresses of its nodes by name, such as world["RESOLVER_A"]."""
    file = tmp_path_factory.mktemp("world") / "addresses"
    program = os.environ.get("FAULTZONE", "faultzone")
    process = subprocess.Popen([program, "run", str(SCENARIO), "--addr-file", str(file)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):  # the file is there once every node answers
            if file.exists():
                break
            assert process.poll() is None, "the world has ended"
            time.sleep(0.05)
        nodes = {}
        for line in file.read_text().splitlines():
            name, _, at = line.partition("=")
            host, _, port = at.partition(":")
            if name.startswith("FAULTZONE_") and port.isdigit():
                nodes[name.removeprefix("FAULTZONE_")] = (host, int(port))
        yield nodes
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def test_answer(world):
    assert lookup.addresses(API, [world["RESOLVER_B"]]) == ["10.0.2.50"]


def test_no_such_name(world):
    with pytest.raises(lookup.NoSuchName):
        lookup.addresses("nowhere.solvethenetwork.com", [world["RESOLVER_B"]])


def test_servfail_goes_on_to_the_next(world):
    assert lookup.addresses(API, [world["RESOLVER_A"], world["RESOLVER_B"]]) == ["10.0.2.50"]


def test_all_fail(world):
    with pytest.raises(lookup.Failing) as failed:
        lookup.addresses(API, [world["RESOLVER_A"], world["RESOLVER_BRANCH"]], timeout=0.5)
    assert failed.value.reasons == ["rcode 2", "timeout"]

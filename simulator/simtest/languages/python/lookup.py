"""A client that asks one DNS server after another, and tells what their silence, their failure and their "no" mean.

A server that says nothing in time, or SERVFAIL, or anything else that is no answer, sends it on to the next. NXDOMAIN is
an answer: no other server is asked.
"""

import random
import socket
import struct

NOERROR, NXDOMAIN = 0, 3
A, IN = 1, 1


class NoSuchName(LookupError):
    """There is no such name: who has the zone says so."""


class Failing(LookupError):
    """No server gave an answer. reasons has a word for each of them, in their order."""

    def __init__(self, name, reasons):
        super().__init__(f"{name}: " + ", ".join(reasons))
        self.reasons = reasons


def addresses(name, servers, timeout=1.0):
    """The IPv4 addresses of a name. servers are (address, port) pairs, asked in order."""
    reasons = []
    for server in servers:
        try:
            rcode, found = ask(name, server, timeout)
        except socket.timeout:
            reasons.append("timeout")
            continue
        except ConnectionRefusedError:
            reasons.append("refused")
            continue
        if rcode == NXDOMAIN:
            raise NoSuchName(name)
        if rcode == NOERROR:
            return found
        reasons.append(f"rcode {rcode}")
    raise Failing(name, reasons)


def ask(name, server, timeout):
    """One question over UDP: the reply's rcode, and the addresses in it."""
    ident = random.randrange(1 << 16)
    labels = name.rstrip(".").split(".")
    question = b"".join(bytes([len(l)]) + l.encode("ascii") for l in labels) + b"\0" + struct.pack("!HH", A, IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(server)
        s.send(struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + question)
        while True:
            reply = s.recv(4096)
            if len(reply) >= 12 and struct.unpack("!H", reply[:2])[0] == ident:
                return reply[3] & 15, records(reply)


def records(reply):
    """The A records in a reply's answer section."""
    questions, answers = struct.unpack("!HH", reply[4:8])
    at, found = 12, []
    for _ in range(questions):
        at = skip(reply, at) + 4
    for _ in range(answers):
        at = skip(reply, at)
        kind, _, _, size = struct.unpack("!HHIH", reply[at:at + 10])
        at += 10
        if kind == A and size == 4:
            found.append(socket.inet_ntoa(reply[at:at + size]))
        at += size
    return found


def skip(reply, at):
    """Where the name that begins at an offset ends."""
    while reply[at]:
        if reply[at] >= 0xC0:
            return at + 2
        at += 1 + reply[at]
    return at + 1

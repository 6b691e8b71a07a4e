"""Ports for the programs that a test or a benchmark runs.

They lie below the range from which the kernel gives ports to clients, so that nobody takes one by chance
before the program does, and none is given twice. Each process has a slice of its own: it listens on the
slice's first port as long as it runs. e2e/js/tailspan.js shares the slices.
"""

import random
import socket

FIRST = 10000
SLICE = 200
SLICES = 110


def bound(port):
    """A socket on the port; None when somebody has it."""
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", port))
        return s
    except OSError:
        s.close()
        return None


def own_ports():
    guards = []
    while True:
        first = FIRST + SLICE * random.randrange(SLICES)
        guard = bound(first)
        if not guard:
            continue
        guard.listen()
        guards.append(guard)
        yield from range(first + 1, first + SLICE)


ports = own_ports()


def free_port():
    while True:
        port = next(ports)
        s = bound(port)
        if s:
            s.close()
            return port


def free_neighbours():
    """The first of two ports that nobody has."""
    while True:
        port, other = free_port(), free_port()
        if other == port + 1:
            return port

import socket

import pytest


def test_the_suite_cannot_reach_the_network():
    with pytest.raises(PermissionError, match="reach the network"):
        socket.create_connection(("127.0.0.1", 9), timeout=1)

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_suite_cannot_reach_the_network():
    with pytest.raises(PermissionError, match="reach the network"):
        socket.create_connection(("127.0.0.1", 9), timeout=1)


def test_onnx_runtime_reports_to_nobody(tmp_path: Path):
    """It would keep an identity and a queue of reports in the person's cache, and send them by itself."""
    told = ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "TF_BUILD", "JENKINS_URL", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in told}
    environment |= {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path), "USERPROFILE": str(tmp_path)}
    code = "import bandbridge.engine.models.source as m; print(m.onnxruntime.get_available_providers())"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name] == []

"""The engine of Bandbridge: everything but the window. No Qt anywhere below this package."""

import os

# ONNX Runtime sends usage reports to its maker unless told not to before it is loaded; nothing may leave the machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

"""The sample project: a simulated landscape seen by RGB, near-infrared, thermal and radar sensors."""

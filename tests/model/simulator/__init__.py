"""The whole system in one process and one thread, driven by a seed; see `tests.model.simulator.system`."""

"""Contract suites: what every implementation of an interface does, as tests to subclass."""

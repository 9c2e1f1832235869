"""The files of `deploy/`, as far as they can be read; tests/failover runs them."""

"""Failover: three machines of `deploy/` in network namespaces, the primary killed, frozen, cut off
under load, and nothing that was acknowledged is lost. `make failover`; docs/how-to/scaling.md."""

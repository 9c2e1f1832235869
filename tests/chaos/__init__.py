"""Chaos: sidecars, server, network, disk, clock and upstreams fail by a seeded plan, and nothing
is lost. `make chaos` runs it; see docs/explanation/reliability.md."""

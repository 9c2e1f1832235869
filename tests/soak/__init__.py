"""A long run under everything at once: `make soak`."""

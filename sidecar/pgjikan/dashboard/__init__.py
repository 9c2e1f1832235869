"""One page that shows what the database says, live; every figure comes from a view or function."""

from pgjikan.dashboard.app import make_app

__all__ = ["make_app"]

"""pgjikan keeps MyAnimeList's anime inside PostgreSQL: fresh, searchable, recommendable."""

__version__ = "0.1.0"

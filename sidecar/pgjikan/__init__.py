"""pgjikan keeps MyAnimeList's anime inside PostgreSQL: fresh, searchable, recommendable."""

__version__ = "1.0.0.dev0"

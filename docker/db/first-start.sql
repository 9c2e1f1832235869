-- Run by the image once, when the volume is empty: what a deploy leaves to whoever owns the server.
-- Names and passwords of logins are not the schema's business, and pg_cron is not required.
\getenv sidecar_password SIDECAR_PASSWORD
\getenv postgres_password POSTGRES_PASSWORD

SELECT :'sidecar_password' = :'postgres_password' AS is_shared \gset
\if :is_shared
DO $$ BEGIN RAISE EXCEPTION 'SIDECAR_PASSWORD is POSTGRES_PASSWORD: give the sidecar its own'; END; $$;
\endif

CREATE EXTENSION pg_cron;

-- The sidecar's login may do what a sidecar needs and no more; `migrate` works as postgres.
CREATE ROLE jikan_sidecar NOLOGIN;
CREATE ROLE sidecar LOGIN PASSWORD :'sidecar_password' IN ROLE jikan_sidecar;

-- The gateway's login may read the face, as any app's.
CREATE ROLE anime_reader NOLOGIN;
CREATE ROLE gateway LOGIN PASSWORD :'sidecar_password' IN ROLE anime_reader;

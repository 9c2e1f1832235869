-- Run by the image once, when the volume is empty: what a deploy leaves to whoever owns the server.
-- Names and passwords of logins are not the schema's business, and pg_cron is not required.
\getenv sidecar_password SIDECAR_PASSWORD

CREATE EXTENSION pg_cron;

-- The sidecar's login may do what a sidecar needs and no more; `migrate` works as postgres.
CREATE ROLE jikan_sidecar NOLOGIN;
CREATE ROLE sidecar LOGIN PASSWORD :'sidecar_password' IN ROLE jikan_sidecar;

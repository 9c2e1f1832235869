import pg from 'pg'

// One pool per process; `next dev` loads modules again and again, so it is kept on globalThis.
globalThis.pgjikanPool ??= new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 })
export const pool = globalThis.pgjikanPool

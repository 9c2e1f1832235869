import { pool } from '../../../lib/database.js'

export const dynamic = 'force-dynamic'

// GET /api/search?q=naruto&limit=5
export async function GET(request) {
  const given = new URL(request.url).searchParams
  try {
    const { rows } = await pool.query(
      `SELECT mal_id, title, title_english, type, year, score, image_url, match, freshness
       FROM anime.search($1, max_rows => $2)`,
      [given.get('q') ?? '', Number(given.get('limit') ?? 10)],
    )
    return Response.json({ data: rows })
  } catch (error) {
    // 22023: an argument cannot be so. The hint is for whoever called.
    if (error.code === '22023') {
      return Response.json({ error: error.message, hint: error.hint }, { status: 400 })
    }
    console.error(error)
    return Response.json({ error: 'the database did not answer' }, { status: 503 })
  }
}

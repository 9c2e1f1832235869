'use client'

import { useEffect, useState } from 'react'

export default function Page() {
  const [query, setQuery] = useState('')
  const [anime, setAnime] = useState([])

  useEffect(() => {
    const stop = new AbortController()
    fetch(`/api/search?q=${encodeURIComponent(query)}`, { signal: stop.signal })
      .then((response) => response.json())
      .then((answer) => setAnime(answer.data ?? []))
      .catch(() => {}) // the next key was faster
    return () => stop.abort()
  }, [query])

  return (
    <main>
      <input
        type="search"
        aria-label="Title"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <ol>
        {anime.map((one) => (
          <li key={one.mal_id}>
            {one.title_english ?? one.title} ({one.year ?? '?'})
          </li>
        ))}
      </ol>
    </main>
  )
}

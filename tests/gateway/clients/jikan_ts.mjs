// Calls every method of jikan-ts's anime, top, seasons, genres, schedules and random clients at the
// base URL given, and prints what became of each as JSON: the length of its data, or the error.
import { JikanClient } from '@tutkli/jikan-ts'
import ky from 'ky'

const api = ky.create({ prefixUrl: process.argv[2], retry: 0 })
const client = new JikanClient({ kyInstance: api, cacheOptions: { ttl: 0 } })
const ARGUMENTS = {
  getAnimeEpisodeById: [1, 1],
  getAnimeNews: [1, 1],
  getAnimeReviews: [1, { page: 1, preliminary: true, spoilers: true }],
  getAnimeSearch: [{ q: 'bebop', sfw: true, genres: '1', order_by: 'score', sort: 'desc', limit: 5 }],
  getTopAnime: [{ type: 'tv', filter: 'bypopularity', page: 1, limit: 5 }],
  getSeason: [1998, 'spring', { filter: 'tv', limit: 5 }],
  getSeasonNow: [{ limit: 5 }],
  getSeasonsList: [],
  getSeasonUpcoming: [{ page: 1 }],
  getAnimeGenres: ['genres'],
  getMangaGenres: ['genres'],
  getSchedules: [{ filter: 'monday', kids: false, sfw: true }],
  getTopManga: [{}],
  getTopCharacters: [{}],
  getTopPeople: [{}],
  getTopReviews: [{}],
  getRandomAnime: [],
  getRandomManga: [],
  getRandomCharacters: [],
  getRandomPerson: [],
}
const told = {}
for (const part of ['anime', 'top', 'seasons', 'genres', 'schedules', 'random']) {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(client[part]))
  for (const method of methods.filter((name) => name.startsWith('get'))) {
    try {
      const answer = await client[part][method](...(ARGUMENTS[method] ?? [1]))
      told[`${part}.${method}`] = Array.isArray(answer.data) ? answer.data.length : 'object'
    } catch (error) {
      told[`${part}.${method}`] = String(error.response?.status ?? error)
    }
  }
}
console.log(JSON.stringify(told))

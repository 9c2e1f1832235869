// jikan-rest's login, once, when the volume is empty. It authenticates against the database that
// DB_ADMIN names and works in DB_DATABASE; both are `jikan`.
db.getSiblingDB("jikan").createUser({
  user: "jikan",
  pwd: process.env.JIKAN_PASSWORD,
  roles: [{ role: "readWrite", db: "jikan" }],
});

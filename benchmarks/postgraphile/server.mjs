// PostGraphile 5 over the same tables, bound by the same row-level security.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";

const preset = {
  extends: [PostGraphileAmberPreset],
  // Our indexes lead with the account and not with the keys: it would hide the edges for that.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [
    makePgService({
      connectionString: process.env.BENCH_URL,
      schemas: ["public"],
      poolConfig: { max: 6 },
      pubsub: false,
    }),
  ],
  grafast: {
    explain: false,
    context: () => ({ pgSettings: { "app.account_id": process.env.BENCH_ACCOUNT } }),
  },
  grafserv: { watch: false, graphiql: false, graphqlPath: "/graphql" },
};

const server = createServer();
const serv = postgraphile(preset).createServ(grafserv);
await serv.addTo(server);
server.listen(Number(process.env.BENCH_PORT), "127.0.0.1");

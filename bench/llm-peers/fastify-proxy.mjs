// As the package's own page has it; run by Node in the folder that the package is in. Its first line of output is its port.
import proxy from "@fastify/http-proxy";
import Fastify from "fastify";

const server = Fastify();
await server.register(proxy, { upstream: process.argv[2] });
await server.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`${server.server.address().port}\n`);

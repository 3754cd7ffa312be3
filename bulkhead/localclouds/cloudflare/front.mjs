// A stage's address, which outlives deployments: workerd is started anew by each of them, on a port of its own, because
// nobody can hold its former one meanwhile and any connection on the machine may be given it.

import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

/** Listens on a free port of 127.0.0.1, passes each connection on to the URL that `behind` resolves to; returns its own. */
export async function openFront(behind) {
  const server = createServer({ pauseOnConnect: true }, async (visitor) => {
    visitor.on("error", () => visitor.destroy());
    try {
      const { port } = await behind();
      const inner = connect(Number(port), "127.0.0.1");
      // Either side may go at any time; the other one is told by being ended, which is all there is to do.
      pipeline(visitor, inner, () => {});
      pipeline(inner, visitor, () => {});
    } catch (error) {
      console.error(error.message);
      visitor.destroy();
    }
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${server.address().port}`);
}

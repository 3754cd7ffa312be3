// A class as default export; keeps what the queue and the clock bring. Has no fetch handler.
import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  async queue(batch) {
    for (const { body } of batch.messages) {
      if (body.word === "bad") throw new Error("refused on purpose");
      await this.env.KV.put(`message:${body.word}`, "seen");
    }
  }

  async scheduled({ cron, scheduledTime }) {
    await this.env.KV.put("cron", `${cron} at ${scheduledTime}`);
  }

  greet() {
    return "hello from clerk";
  }
}

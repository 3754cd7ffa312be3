// Written by `bulkhead bindings types` from the product; a change is made there, and then this is written anew.

import type { Env as Granted } from "./env.d.ts";

declare global {
  namespace Cloudflare {
    interface Env extends Granted {}
  }
}

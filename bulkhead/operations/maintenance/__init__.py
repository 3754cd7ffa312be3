"""A stage under maintenance: its hostnames answer 503, its queues and crons wait, and all of it comes back as it was.

It is switched by Cloudflare's API and not by the program, so that it works while the product, the stack or a deployment
is broken (ADR 0037).
"""

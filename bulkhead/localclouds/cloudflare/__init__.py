"""The local Cloudflare of one stage: what the provider server records becomes real in Miniflare."""

"""Cloudflare's HTTP API (`/client/v4`) as the local Cloudflare answers it."""

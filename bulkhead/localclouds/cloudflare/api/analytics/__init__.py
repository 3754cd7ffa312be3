"""Cloudflare's GraphQL Analytics API over what really happened in the local Cloudflare."""

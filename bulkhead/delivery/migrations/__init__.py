"""Migrations of a D1 database: read, classified by running them on an empty copy, applied once each, and noted down."""

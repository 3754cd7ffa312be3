"""The local AWS: moto on 127.0.0.1, an account for each stage, and handlers that make Pulumi's resources real in it."""

"""What an operator runs, by hand or on a schedule. Nothing here imports Pulumi."""

"""The policy pack that a preview on a twin asks."""

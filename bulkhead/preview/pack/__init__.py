"""The policy pack of a preview on a twin."""

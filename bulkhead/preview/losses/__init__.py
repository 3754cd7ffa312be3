"""What of a change is a loss: rules by theme, and the table of them in `catalogue`."""

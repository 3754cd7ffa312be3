"""A stage whose clouds are lost, brought back in another account and region."""

"""The objects of an R2 bucket in the vault. `index.py` knows which are there, `copies.py` carries one over or back."""

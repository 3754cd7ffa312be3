"""What runs in another cloud than the product, and is deployed as it stands: it imports nothing of ours."""

"""What can be known of a product and its stages without any cloud: from the program, the settings and the code."""

"""What the Workers' code does with their bindings, held against what the product grants; and what is written for it."""

"""Where the rules of each type come from: for each source, the rules that somebody read there."""

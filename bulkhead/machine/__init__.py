"""What a rehearsal takes of this machine, and gives back: a directory, processes, connections, the environment."""
